"""A running `siglip serve`, and asking it."""

import base64
import dataclasses
import http.client
import json
import os
import signal
import subprocess
import threading
import time

from command_line import PROGRAM


@dataclasses.dataclass
class Answer:
    status: int
    fields: dict  # lower-case names
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Of an error."""
        return self.json()["error"]["code"]

    @property
    def message(self):
        return self.json()["error"]["message"]


class Service:
    """Of any port that is free. `words` are options of siglip serve, `variables` are set in its environment; the
    constructor waits until it serves and fails where it ends before."""

    def __init__(self, *words, variables=None):
        self.said = []  # lines of standard error, log lines included
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(variables or {})})
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            line = self.wait_for_line("siglip: serving http://")
        except BaseException:
            self.close()
            raise
        self.url = line.split(" ")[2]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.said.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for_line(self, begin, after=0, seconds=30):
        """The first line that begins so, behind the first `after` lines."""
        def found():
            return next((line for line in self.said[after:] if line.startswith(begin)), None)
        with self._changed:
            ended = False
            deadline = time.monotonic() + seconds
            while not found() and not ended and time.monotonic() < deadline:
                ended = not self._reader.is_alive()
                self._changed.wait(0.1)
            line = found()
        if line is None:
            raise AssertionError(f"no line '{begin}...' was said, but: {self.said}")
        return line

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method, path, body=None, **fields):
        """`body` is sent as it is if it is of bytes, else as JSON. Names of `fields` have _ for -."""
        connection = self.connect()
        try:
            fields = {name.replace("_", "-"): value for name, value in fields.items()}
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                fields.setdefault("content-type", "application/json")
            connection.request(method, path, body, fields)
            reply = connection.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def get(self, path, **fields):
        return self.ask("GET", path, **fields)

    def post(self, path, body, **fields):
        return self.ask("POST", path, body, **fields)

    def log(self):
        """All log lines, once the service has ended."""
        return [json.loads(line) for line in self.said if not line.startswith("siglip: ")]

    def wait(self, seconds=30):
        """The exit status."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stderr.close()


def data_uri(path, kind="jpeg"):
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def wait_until(true, what, seconds=15):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
