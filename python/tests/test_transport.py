"""Requests to a server on this machine."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from siglip.transport import send

BODY = bytes(range(256)) * 8192


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:  # noqa: N802
        self.do_GET()

    def do_GET(self) -> None:  # noqa: N802
        asked = self.headers.get("X-Asked", "")
        if self.path == "/moved":
            self.answer(302, b"elsewhere", Location="/file", **{"X-Linked-Size": "7"})
        elif self.path == "/missing":
            self.answer(404, b"no")
        elif self.path == "/slow":
            time.sleep(3)
        elif self.path == "/short":
            self.answer(200, BODY[:100], length=200)
        else:
            self.answer(200, BODY, **{"X-Asked": asked})

    def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.daemon_threads = True
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{found.server_address[1]}"
    found.shutdown()
    found.server_close()


class Sink:
    def __init__(self, most: int = 1 << 30) -> None:
        self.data = bytearray()
        self.most = most

    def __call__(self, status: int, headers: dict[str, str], piece: bytes) -> bool:
        assert status == 200 and "content-length" in headers
        self.data += piece
        return len(self.data) < self.most


def test_a_body_comes_in_pieces(server: str) -> None:
    sink = Sink()
    status, headers = send(server + "/file", {"X-Asked": "so"}, False, 5, sink)
    assert (status, bytes(sink.data)) == (200, BODY)
    assert headers["content-length"] == str(len(BODY)) and headers["x-asked"] == "so"


def test_a_sink_can_end_it(server: str) -> None:
    sink = Sink(most=1000)
    assert send(server + "/file", {}, False, 5, sink)[0] == 200
    assert 1000 <= len(sink.data) < len(BODY)


def test_headers_alone(server: str) -> None:
    sink = Sink()
    status, headers = send(server + "/file", {}, True, 5, sink)
    assert (status, headers["content-length"], len(sink.data)) == (200, str(len(BODY)), 0)


def test_no_redirect_is_followed(server: str) -> None:
    sink = Sink()
    for head in (False, True):
        status, headers = send(server + "/moved", {}, head, 5, sink)
        assert (status, headers["location"], headers["x-linked-size"]) == (302, "/file", "7")
    assert not sink.data


def test_bodies_of_failures_are_dropped(server: str) -> None:
    sink = Sink()
    assert send(server + "/missing", {}, False, 5, sink)[0] == 404
    assert not sink.data


def test_silence_and_answers_that_break_off(server: str) -> None:
    with pytest.raises(OSError):
        send(server + "/slow", {}, False, 1, Sink())
    with pytest.raises(ConnectionError, match="100 of 200"):
        send(server + "/short", {}, False, 5, Sink())


def test_nobody_there() -> None:
    with pytest.raises(ConnectionError, match="127.0.0.1:9"):
        send("http://127.0.0.1:9/file", {}, False, 2, Sink())


def test_what_a_sink_raises_is_passed_on(server: str) -> None:
    def sink(status: int, headers: dict[str, str], piece: bytes) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(server + "/file", {}, False, 5, sink)
