"""A server between a client and a store that fails now and then, as stores do."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
from collections import Counter, deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

UNAVAILABLE = "unavailable"  # 503, nothing is passed on
HANG = "hang"  # no answer, nothing is passed on
CUT = "cut"  # half of the body of the answer
LOST = "lost"  # done, but the answer does not come
FORBIDDEN = "forbidden"  # 403, nothing is passed on
CONFLICT = "conflict"  # 409, nothing is passed on
EXPIRED = "expired"  # 400, nothing is passed on
REFUSED = "refused"  # a condition on creating: see `refuse_conditions`

_ANSWERS = {
    UNAVAILABLE: (503, "SlowDown", "Please reduce your request rate."),
    FORBIDDEN: (403, "AccessDenied", "Access Denied"),
    EXPIRED: (400, "ExpiredToken", "The provided token has expired."),
    CONFLICT: (409, "ConditionalRequestConflict", "A conflicting operation is under way."),
}
_REFUSALS = {
    501: (501, "NotImplemented", "A header you provided implies functionality not implemented"),
    400: (400, "InvalidArgument", "Unsupported header If-None-Match"),
}


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]  # by names in lower case


class FaultyProxy:
    """Passes requests on to `upstream` and what comes back, but for the faults. A context manager.

    Which request has a fault is drawn with `seed`; requests that come at the same time may
    change places.

    Parameters
    ----------
    upstream : str
        "http://host:port"
    rates : mapping of str to float
        Fault -> its share of all requests.
    refuse_conditions : 501, 400 or None
        How requests that write on a condition are answered; None: they are passed on.
    hang_seconds : float
        After which a connection that hangs is closed.

    Attributes
    ----------
    url : str
    rates, refuse_conditions
        May be changed at any time.
    counts : Counter
        Faults that happened, and requests by their method.
    requests : deque of Request
        The last 10,000.
    """

    def __init__(
        self,
        upstream: str,
        *,
        seed: int = 0,
        rates: dict[str, float] | None = None,
        refuse_conditions: int | None = None,
        hang_seconds: float = 30.0,
    ) -> None:
        address = urlsplit(upstream)
        self.upstream = (address.hostname or "", address.port or 80)
        self.refuse_conditions = refuse_conditions
        self.hang_seconds = hang_seconds
        self.counts: Counter[str] = Counter()
        self.requests: deque[Request] = deque(maxlen=10_000)
        self.stopped = threading.Event()
        self.rates = dict(rates or {})
        self._random = random.Random(seed)
        self._forced: list[tuple[str, str | None]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler, self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def force(self, fault: str, times: int = 1, method: str | None = None) -> None:
        """The next requests (of this method) have the fault."""
        with self._lock:
            self._forced += [(fault, method)] * times

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def draw(self, request: Request) -> str | None:
        """What happens to a request."""
        with self._lock:
            self.requests.append(request)
            self.counts[request.method] += 1
            fault = self._draw(request)
            if fault is not None:
                self.counts[fault] += 1
            return fault

    def _draw(self, request: Request) -> str | None:
        for index, (fault, method) in enumerate(self._forced):
            if method in (None, request.method):
                del self._forced[index]
                return fault
        draw = self._random.random()
        for fault, rate in self.rates.items():
            if draw < rate:
                return fault
            draw -= rate
        if (
            self.refuse_conditions
            and request.method == "PUT"
            and "if-none-match" in request.headers
        ):
            return REFUSED
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[_Handler], proxy: FaultyProxy
    ) -> None:
        super().__init__(address, handler)
        self.proxy = proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            self._pass_on()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PROPFIND = _serve

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = proxy.draw(Request(self.command, self.path, headers))
        if fault == HANG:
            proxy.stopped.wait(proxy.hang_seconds)
            self.close_connection = True
            return
        if fault in _ANSWERS:
            self._answer_error(*_ANSWERS[fault])
            return
        if fault == REFUSED:
            self._answer_error(*_REFUSALS[proxy.refuse_conditions or 501])
            return
        connection = http.client.HTTPConnection(*proxy.upstream, timeout=60)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        if fault == LOST:
            self.close_connection = True
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in _to_pass_on(answer, len(content), self.command):
            self.send_header(name, value)
        self.end_headers()
        if fault == CUT and content:
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)

    def _answer_error(self, status: int, code: str, message: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("content-type", "application/xml")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


def _to_pass_on(
    answer: http.client.HTTPResponse, length: int, method: str
) -> Iterator[tuple[str, str]]:
    for name, value in answer.getheaders():
        if name.lower() not in ("connection", "content-length", "transfer-encoding"):
            yield name, value
    if method == "HEAD":
        yield "content-length", answer.getheader("content-length") or "0"
    elif answer.status not in (204, 304):
        yield "content-length", str(length)
