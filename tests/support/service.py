"""A running `siglip serve`, and asking it."""

import base64
import dataclasses
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time


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
    """Of any port that is free. `words` are options of siglip serve, `variables` are set in its environment; `program`
    is the one that SIGLIP_CLI names unless told. The constructor waits until it serves and fails where it ends before;
    close() or the end of a `with` kills it where it still runs."""

    def __init__(self, *words, program=None, variables=None):
        # A file takes all that is said, however slowly this process looks at it.
        self._output = tempfile.TemporaryFile(prefix="siglip-serve-")
        self.process = subprocess.Popen(
            [program or os.environ["SIGLIP_CLI"], "serve", "--port", "0", *map(str, words)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self._output, env={**os.environ, **(variables or {})})
        try:
            line = self.wait_for_line("siglip: serving http://", seconds=120)
        except BaseException:
            self.close()
            raise
        self.url = line.split(" ")[2]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def said(self):
        """Lines of standard error, log lines included."""
        written = os.pread(self._output.fileno(), os.fstat(self._output.fileno()).st_size, 0)
        return written[:written.rfind(b"\n") + 1].decode().splitlines()

    def wait_for_line(self, begin, after=0, seconds=30):
        """The first line that begins so, behind the first `after` lines."""
        deadline = time.monotonic() + seconds
        while True:
            is_last = self.process.poll() is not None or time.monotonic() > deadline
            said = self.said
            for line in said[after:]:
                if line.startswith(begin):
                    return line
            if is_last:
                raise AssertionError(f"no line '{begin}...' was said, but: {said}")
            time.sleep(0.01)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

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
        """All log lines so far."""
        return [json.loads(line) for line in self.said if line.startswith("{")]

    def memory(self, name="VmRSS"):
        """MiB; VmHWM is the peak."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise ValueError(name)

    def wait(self, seconds=60):
        """The exit status."""
        return self.process.wait(seconds)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        self._output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def data_uri(path, kind="jpeg"):
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def wait_until(true, what, seconds=15):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
