#!/usr/bin/env python3
"""Attacks a server that `siglip serve` or the HTTP test server runs, bounded in count and time.

A line per case; exit status 1 if any fails. A good server refuses every malformed request with 4xx or 5xx,
cuts clients that are too slow at their deadline, and serves others meanwhile:

    attack.py 127.0.0.1 8080 --post /v1/embeddings --large /v1/images/1 --pid 4711
"""

import argparse
import multiprocessing
import random
import select
import socket
import sys
import threading
import time

MIB = 1 << 20


class Target:
    """Where requests go, and what every good one carries."""

    def __init__(self, options):
        self.options = options
        self.address = (options.host, options.port)
        name = f"[{options.host}]" if ":" in options.host else options.host
        self.host = f"Host: {name}:{options.port}\r\n".encode()
        key = f"Authorization: Bearer {options.key}\r\n".encode() if options.key else b""
        self.fields = self.host + key
        self.health = options.health.encode()
        self.post = options.post.encode()
        self.content = f"Content-Type: {options.content_type}\r\n".encode()

    def connect(self, patience=10.0, receive_buffer=0):
        client = socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(patience)
        client.connect(self.address)
        return client

    def get(self, path, fields=b""):
        return b"GET " + path + b" HTTP/1.1\r\n" + self.fields + fields + b"\r\n"

    def post_head(self, fields):
        return b"POST " + self.post + b" HTTP/1.1\r\n" + self.fields + self.content + fields + b"\r\n"

    def exchange(self, request, patience=10.0):
        """Sends a request whole and then reads until the end; what came, and how it ended."""
        with self.connect(patience) as client:
            ending = "closed"
            try:
                client.sendall(request)
            except OSError as error:
                ending = type(error).__name__
            received = b""
            try:
                while part := client.recv(65536):
                    received += part
            except OSError as error:
                ending = type(error).__name__
            return received, ending


def status_of(received):
    """The status of the first reply; 0 if there is none."""
    line = received.split(b"\r\n", 1)[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[0] == b"HTTP/1.1" and line[1].isdigit() else 0


def close_all(clients):
    for client in clients:
        client.close()


# --- Malformed requests ------------------------------------------------------------------------------


def malformed_requests(target):
    """(name, bytes); each must be refused."""
    get = target.get
    head = target.post_head

    def line(first):
        return first + b"\r\n" + target.fields + b"\r\n"

    def chunks(body):
        return head(b"Transfer-Encoding: chunked\r\n") + body

    health = target.health
    bare = b"GET " + health + b" HTTP/1.1\r\n"
    length = b"Content-Length: 5\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    return [
        ("no host", bare + b"\r\n"),
        ("two hosts", get(health, b"Host: evil.example\r\n")),
        ("two equal hosts", get(health, target.host)),
        ("folded line", get(health, b"A: b\r\n c\r\n")),
        ("folded first line", bare + b" " + target.host + b"\r\n"),
        ("blank before colon", head(b"Content-Length : 5\r\n") + b"hello"),
        ("no colon", get(health, b"Abc\r\n")),
        ("no name", get(health, b": a\r\n")),
        ("NUL in a value", get(health, b"A: b\0c\r\n")),
        ("NUL in a name", get(health, b"A\0: b\r\n")),
        ("NUL in the target", line(b"GET " + health + b"\0 HTTP/1.1")),
        ("bare LF", get(health).replace(b"\r\n", b"\n")),
        ("one bare LF", get(health, b"A: b\nB: c\r\n")),
        ("bare CR", get(health, b"A: b\rB: c\r\n")),
        ("bytes above ASCII in a value", get(health, b"A: \xc3\xa4\r\n")),
        ("bytes above ASCII in the target", line(b"GET /\xc3\xa4 HTTP/1.1")),
        ("escape in a value", get(health, b"A: \x1b[2J\r\n")),
        ("two equal lengths", head(length + length) + b"hello"),
        ("two lengths", head(length + b"Content-Length: 6\r\n") + b"hello!"),
        ("a list of lengths", head(b"Content-Length: 5, 5\r\n") + b"hello"),
        ("negative length", head(b"Content-Length: -1\r\n")),
        ("length with a sign", head(b"Content-Length: +5\r\n") + b"hello"),
        ("hexadecimal length", head(b"Content-Length: 0x5\r\n") + b"hello"),
        ("length with text", head(b"Content-Length: 5x\r\n") + b"hello"),
        ("empty length", head(b"Content-Length:\r\n") + b"hello"),
        ("length beyond 64 bits", head(b"Content-Length: 18446744073709551621\r\n") + b"hello"),
        ("length too large", head(b"Content-Length: 3000000000\r\n")),
        ("length and chunks", head(length + chunked) + b"0\r\n\r\n"),
        ("chunks and length", head(chunked + length) + b"0\r\n\r\n"),
        ("two encodings", head(chunked + b"Transfer-Encoding: identity\r\n") + b"0\r\n\r\n"),
        ("gzip", head(b"Transfer-Encoding: gzip\r\n") + b"hello"),
        ("gzip, chunked", head(b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n"),
        ("chunked, chunked", head(b"Transfer-Encoding: chunked, chunked\r\n") + b"0\r\n\r\n"),
        ("xchunked", head(b"Transfer-Encoding: xchunked\r\n") + b"0\r\n\r\n"),
        ("chunks in HTTP/1.0", head(chunked).replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n"),
        ("chunk size of text", chunks(b"zz\r\nhello\r\n0\r\n\r\n")),
        ("negative chunk size", chunks(b"-1\r\nhello\r\n0\r\n\r\n")),
        ("chunk size with 0x", chunks(b"0x5\r\nhello\r\n0\r\n\r\n")),
        ("chunk size beyond 64 bits", chunks(b"ffffffffffffffffff\r\nhello\r\n")),
        ("chunk without end", chunks(b"5\r\nhelloXX0\r\n\r\n")),
        ("chunk size after a blank", chunks(b" 5\r\nhello\r\n0\r\n\r\n")),
        ("chunks with bare LF", chunks(b"5\nhello\n0\n\n")),
        ("endless chunk extension", chunks(b"5;a=" + b"a" * 20_000)),
        ("header of 100 kB", get(health, b"A: " + b"a" * 100_000 + b"\r\n")),
        ("target of 100 kB", line(b"GET /" + b"a" * 100_000 + b" HTTP/1.1")),
        ("target of 9 kB", line(b"GET /" + b"a" * 9_000 + b" HTTP/1.1")),
        ("10,000 fields", get(health, b"A: b\r\n" * 10_000)),
        ("absolute target", line(b"GET http://localhost" + health + b" HTTP/1.1")),
        ("target *", line(b"OPTIONS * HTTP/1.1")),
        ("target without slash", line(b"GET health HTTP/1.1")),
        ("target upwards", line(b"GET /a/../../etc/passwd HTTP/1.1")),
        ("target upwards, encoded", line(b"GET /%2e%2e/etc/passwd HTTP/1.1")),
        ("encoded slash", line(b"GET /..%2fetc HTTP/1.1")),
        ("encoded NUL", line(b"GET /a%00b HTTP/1.1")),
        ("encoded line end", line(b"GET /a%0d%0ab HTTP/1.1")),
        ("bad UTF-8 in the target", line(b"GET /%c0%af HTTP/1.1")),
        ("half an escape", line(b"GET /%2 HTTP/1.1")),
        ("fragment", line(b"GET /#a HTTP/1.1")),
        ("blanks in the target", line(b"GET /a b HTTP/1.1")),
        ("two blanks", line(b"GET  " + health + b" HTTP/1.1")),
        ("HTTP/0.9", b"GET " + health + b"\r\n\r\n"),
        ("HTTP/9.9", line(b"GET " + health + b" HTTP/9.9")),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("TRACE", line(b"TRACE " + health + b" HTTP/1.1")),
        ("CONNECT", line(b"CONNECT localhost:80 HTTP/1.1")),
        ("method of punctuation", line(b"G@T " + health + b" HTTP/1.1")),
        ("empty lines", b"\r\n\r\n\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("random bytes", random.Random(7).randbytes(2_000)),
        ("another expectation", head(length + b"Expect: gold\r\n") + b"hello"),
        ("a body for GET", get(health, length) + b"hello"),
        ("a header without end", b"GET " + health + b" HTTP/1.1\r\n" + target.fields),
    ]


def attack_malformed(target):
    """Every one gets 4xx or 5xx, and none waits for longer than a header or body may take."""
    options = target.options
    limit = max(options.header_seconds, options.body_seconds) + 0.5
    for name, request in malformed_requests(target):
        begin = time.monotonic()
        # A refusal that keeps the connection is as good as one that closes it.
        with target.connect(limit + 5) as client:
            received = b""
            try:
                client.sendall(request)
            except OSError:
                pass  # the answer may have come before
            try:
                while b"\r\n\r\n" not in received and (part := client.recv(65536)):
                    received += part
            except OSError:
                pass
        seconds = time.monotonic() - begin
        status = status_of(received)
        yield (400 <= status < 600 and seconds < limit, f"malformed: {name}",
               f"{status or 'no reply'} after {seconds:.2f} s")


def attack_foreign_host(target):
    """Names of others are refused, whatever address they lead to (only servers that know their names)."""
    if not target.options.hosts:
        return
    for name in ("localhost.evil.com", "127.0.0.1.evil.com", "evil.example", "localhost:80@evil.com"):
        request = target.get(target.health).replace(target.host, f"Host: {name}\r\n".encode())
        received, _ = target.exchange(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        status = status_of(received)
        yield 400 <= status < 500, f"host {name}", str(status)


# --- Good requests, before and after -----------------------------------------------------------------


def attack_nothing(target):
    """What good clients do still works."""
    close = b"Connection: close\r\n"
    received, _ = target.exchange(target.get(target.health, close))
    yield status_of(received) == 200, "a good request", str(status_of(received))
    received, _ = target.exchange(target.get(target.health) * 9 + target.get(target.health, close))
    count = received.count(b"HTTP/1.1 200 ")
    yield count == 10, "10 pipelined requests", f"{count} answered"


# --- Slow clients ------------------------------------------------------------------------------------


def probe_health(target, seconds, queue):
    """Asks for /health on new connections, as a process of its own; puts the sorted seconds they took."""
    latencies = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        received, _ = target.exchange(target.get(target.health, b"Connection: close\r\n"))
        latencies.append(time.monotonic() - begin if status_of(received) == 200 else 99.0)
        time.sleep(0.005)
    queue.put(sorted(latencies))


class Probe:
    """Measures /health while something else goes on."""

    def __init__(self, target, seconds):
        self.limit = target.options.health_milliseconds / 1e3
        self.queue = multiprocessing.Queue()
        self.process = multiprocessing.Process(
            target=probe_health, args=(target, seconds, self.queue), daemon=True)
        self.process.start()

    def result(self, name):
        latencies = self.queue.get(timeout=120)
        self.process.join()
        p99 = latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]
        return (p99 < self.limit, f"/health beside {name}",
                f"p99 {1e3 * p99:.1f} ms, largest {1e3 * latencies[-1]:.1f} ms of {len(latencies)}")


def drip(clients, byte, seconds):
    """Sends each client's server a byte four times a second; when each was cut or answered, or None."""
    begin = time.monotonic()
    ended = {client: None for client in clients}
    for client in clients:
        client.setblocking(False)
    while time.monotonic() - begin < seconds and None in ended.values():
        for client in clients:
            if ended[client] is not None:
                continue
            try:
                client.send(byte)
                client.recv(1)  # an end or an answer
                ended[client] = time.monotonic() - begin
            except BlockingIOError:
                pass
            except OSError:
                ended[client] = time.monotonic() - begin
        time.sleep(0.1)
    return list(ended.values())


def slow_case(target, name, start, byte, deadline):
    probe = Probe(target, deadline)
    clients = [target.connect() for _ in range(target.options.slow)]
    for client in clients:
        client.sendall(start)
    ended = drip(clients, byte, deadline + 3)
    close_all(clients)
    times = [seconds for seconds in ended if seconds is not None]
    good = len(times) == len(clients) and max(times) <= deadline + 0.5 and min(times) > deadline / 2
    span = f"{min(times):.2f} to {max(times):.2f} s" if times else "never"
    yield good, f"{len(clients)} {name}", f"{len(times)} cut after {span}; the deadline is {deadline:.2f} s"
    yield probe.result(name)


def attack_slow_headers(target):
    start = b"GET " + target.health + b" HTTP/1.1\r\n" + target.fields + b"X-Slow: "
    yield from slow_case(target, "slow headers", start, b"x", target.options.header_seconds)


def attack_slow_bodies(target):
    size = 100_000
    start = target.post_head(f"Content-Length: {size}\r\n".encode())
    deadline = target.options.body_seconds + size / target.options.rate
    yield from slow_case(target, "slow bodies", start, b" ", deadline)


def attack_slow_readers(target):
    """Clients ask for much and read nothing: cut at the deadline, and refused where memory ends."""
    options = target.options
    if not options.large:
        return
    deadline = options.reply_seconds + options.large_bytes / options.rate
    probe = Probe(target, deadline)
    clients = [target.connect(10, 4096) for _ in range(options.slow)]
    begin = time.monotonic()
    poll = select.poll()
    waiting = {}
    for client in clients:
        client.sendall(target.get(options.large.encode()))
        poll.register(client, select.POLLERR | select.POLLHUP | select.POLLRDHUP)
        waiting[client.fileno()] = client
    answered = refused = 0
    begun = {}  # when a reply came: making it takes time, which is not the reader's
    times = []
    while waiting and time.monotonic() - begin < deadline + 3:
        # Refusals are short: they are read whole and no longer looked at.
        for number, client in list(waiting.items()):
            try:
                first = client.recv(12, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError:
                first = b""
            if first.startswith(b"HTTP/1.1 503"):
                refused += 1
                poll.unregister(client)
                del waiting[number]
            elif first:
                begun.setdefault(number, time.monotonic())
        for number, _ in poll.poll(50):
            if number in waiting:
                answered += 1
                times.append(time.monotonic() - begun.get(number, begin))
                poll.unregister(waiting.pop(number))
    good = not waiting and times and max(times) <= deadline + 0.5
    span = f"{min(times):.2f} to {max(times):.2f} s" if times else "never"
    close_all(clients)
    yield (good, f"{len(clients)} slow readers",
           f"{answered} cut after {span}, the deadline is {deadline:.2f} s; {refused} refused, {len(waiting)} left")
    yield probe.result("slow readers")


# --- Many and large ----------------------------------------------------------------------------------


def attack_large_bodies(target):
    """12 x 20 MiB at once, and bodies that never fit: all are answered, none is cut."""
    def send_all(name, count, size, wanted):
        results = {}
        lock = threading.Lock()
        body = b"q" * size
        head = target.post_head(b"Connection: close\r\nContent-Length: %d\r\n" % size)

        def one():
            received, ending = target.exchange(head + body, 60)
            with lock:
                key = status_of(received) or ending
                results[key] = results.get(key, 0) + 1

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answered = sum(n for status, n in results.items() if isinstance(status, int) and wanted(status))
        return answered == count, name, ", ".join(f"{n} x {status}" for status, n in results.items())

    yield send_all("12 x 20 MiB", 12, 20 * MIB, lambda status: status != 413)
    yield send_all("one body of 25 MiB", 1, 25 * MIB, lambda status: status == 413)


def attack_leaving(target):
    """Clients that send a whole request and leave, some in the middle of it."""
    body = b'{"input": "a"}'
    request = target.post_head(b"Content-Length: %d\r\n" % len(body)) + body
    for index in range(200):
        with target.connect() as client:
            client.sendall(request[:-1 - index % 40] if index % 2 else request)
    received, _ = target.exchange(target.get(target.health, b"Connection: close\r\n"))
    yield status_of(received) == 200, "200 clients that leave", f"then {status_of(received)}"


def attack_connections(target):
    """More connections than there may be: a new one is told 503 at once, and served when there is room."""
    clients = []
    for _ in range(target.options.connections):
        try:
            clients.append(target.connect(2))
        except OSError:
            break
    begin = time.monotonic()
    received, ending = target.exchange(target.get(target.health, b"Connection: close\r\n"))
    seconds = time.monotonic() - begin
    status = status_of(received)
    good = status in (200, 503) and seconds < 1
    if status == 503:
        good = good and b"\r\nretry-after: " in received.lower()
    yield good, f"{len(clients)} open connections", f"{status or ending} after {seconds:.2f} s"
    close_all(clients)
    time.sleep(0.5)
    received, _ = target.exchange(target.get(target.health, b"Connection: close\r\n"))
    yield status_of(received) == 200, "then room again", str(status_of(received))


# -----------------------------------------------------------------------------------------------------

CASES = {
    "malformed": attack_malformed,
    "hosts": attack_foreign_host,
    "leaving": attack_leaving,
    "large-bodies": attack_large_bodies,
    "connections": attack_connections,
    "slow-headers": attack_slow_headers,
    "slow-bodies": attack_slow_bodies,
    "slow-readers": attack_slow_readers,
}


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    raise ValueError("no VmHWM")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--only", action="append", choices=CASES, help="these cases only")
    parser.add_argument("--health", default="/health", help="a path that is answered at once with 200")
    parser.add_argument("--post", default="/v1/embeddings", help="a path that takes bodies")
    parser.add_argument("--content-type", default="application/json", help="of these bodies")
    parser.add_argument("--large", help="a path whose reply has --large-bytes; slow readers ask for it")
    parser.add_argument("--large-bytes", type=int, default=20_000_000)
    parser.add_argument("--key", help="an API key")
    parser.add_argument("--hosts", action="store_true", help="the server refuses foreign Host fields")
    parser.add_argument("--header-seconds", type=float, default=5)
    parser.add_argument("--body-seconds", type=float, default=5, help="without what its size adds")
    parser.add_argument("--reply-seconds", type=float, default=30, help="without what its size adds")
    parser.add_argument("--rate", type=float, default=256_000, help="bytes per second that a size adds")
    parser.add_argument("--slow", type=int, default=200, help="how many slow clients")
    parser.add_argument("--connections", type=int, default=400, help="how many open connections")
    parser.add_argument("--health-milliseconds", type=float, default=50)
    parser.add_argument("--pid", type=int, help="the server's process, whose memory is looked at")
    parser.add_argument("--peak-mib", type=float, help="what its peak may be")
    return parser.parse_args()


def main():
    options = parse_arguments()
    target = Target(options)
    failures = 0

    def report(good, name, detail):
        nonlocal failures
        failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: {detail}", flush=True)

    for case in [attack_nothing, *(CASES[name] for name in options.only or CASES), attack_nothing]:
        for good, name, detail in case(target):
            report(good, name, detail)
    if options.pid:
        peak = peak_memory(options.pid)
        report(options.peak_mib is None or peak <= options.peak_mib, "peak memory", f"{peak:.0f} MiB")
    print(f"{failures} failed" if failures else "all good")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
