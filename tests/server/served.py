"""`siglip serve` as a child process, on a port of its own."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/release/apps/cli/siglip"
DEMO = ROOT / "models/demo"
START_SECONDS = 120


class Served:
    """Serves from the beginning to the end of a `with`; what it says is in `log`."""

    def __init__(self, program, *arguments):
        self.command = [str(program), "serve", "--port", "0", *map(str, arguments)]
        self.log_file = tempfile.TemporaryFile(prefix="siglip-serve-")
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=self.log_file)
        self.pid = self.process.pid
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.address = f"http://127.0.0.1:{self.port}"

    def _wait_for_port(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if found := re.search(r"serving http://127\.0\.0\.1:(\d+)/", self.log):
                return int(found.group(1))
            time.sleep(0.02)
        raise RuntimeError(f"{' '.join(self.command)}: status {self.process.poll()}: {self.log[-2000:]}")

    @property
    def log(self):
        return os.pread(self.log_file.fileno(), os.fstat(self.log_file.fileno()).st_size, 0).decode()

    def ask(self, method, path, body=None, fields=None, timeout=60):
        """Status, fields (names in lower case) and body of one reply."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, fields or {})
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def post(self, path, value):
        """Status, fields and the JSON of the reply."""
        status, fields, body = self.ask("POST", path, json.dumps(value), {"content-type": "application/json"})
        return status, fields, json.loads(body)

    def memory(self, name="VmRSS"):
        """MiB; VmHWM is the peak."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise ValueError(name)

    def terminate(self, timeout=60):
        """The exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log_file.close()
