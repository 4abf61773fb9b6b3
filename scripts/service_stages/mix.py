"""Good, broken, huge, slow and leaving clients at once."""

import asyncio
import collections
import itertools
import json
import random
import select
import socket
import time

from index_figures import check, figure, png, quantile
from load import Client, request_bytes
from service import Service

from .requests import (IMAGES, ask_each, embed_request, good_requests, index_of, picture_request, search_request,
                       timeless)

REPLY_SECONDS, BYTES_PER_SECOND = 30, 256_000  # which a reply may take
REPORTS = "Sanitizer:", "runtime error:"  # what a line of a sanitizer's report has


class Mix:
    """What the clients of one service have in common."""

    def __init__(self, service, until):
        self.port = service.port
        self.until = until
        self.counts = collections.Counter()
        self.searches = []  # seconds

    def goes_on(self):
        return time.monotonic() < self.until

    def fail(self, what):
        self.counts[f"FAILED: {what}"] += 1

    def failures(self):
        return {what: count for what, count in self.counts.items() if what.startswith("FAILED")}

    async def be_good(self, known):
        client = Client(self.port)
        source = random.Random(1)
        while self.goes_on():
            request, body = source.choice(known)
            answer = await client.ask(request)
            if answer.status == 200 and timeless(answer) == body:
                self.counts["good"] += 1
            else:
                self.fail(f"{answer.status} {answer.body[:200]!r} for {request[:60]!r}")
        client.close()

    async def search(self):
        """By other words each time."""
        client = Client(self.port)
        for number in itertools.count():
            if not self.goes_on():
                break
            answer = await client.ask(search_request(text=f"a picture of {number} things", top=5))
            hits = json.loads(answer.body)["data"] if answer.status == 200 else []
            scores = [hit["score"] for hit in hits]
            if len(scores) == 5 and scores == sorted(scores, reverse=True):
                self.counts["searches"] += 1
                self.searches.append(answer.seconds)
            else:
                self.fail(f"{answer.status} {answer.body[:200]!r} for a search")
            await asyncio.sleep(0.02)
        client.close()

    async def be_bad(self, requests):
        turns = itertools.cycle(requests)
        while self.goes_on():
            request, wanted = next(turns)
            client = Client(self.port)
            answer = await client.ask(request)
            client.close()
            if answer.status in wanted:
                self.counts["refused"] += 1
            else:
                self.fail(f"{answer.status} {answer.body[:200]!r} for {request[:60]!r}")
            await asyncio.sleep(0.05)

    async def be_slow(self):
        """Begins a header or a body and never ends it, until it is cut."""
        source = random.Random(2)
        body = request_bytes("POST", "/v1/embeddings", b" " * 100_000)[:-99_000]
        while self.goes_on():
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(source.choice([b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", body]))
            try:
                await asyncio.wait_for(reader.read(), 20)
                self.counts["slow, cut"] += 1
            except asyncio.TimeoutError:
                self.fail("a slow client was not cut")
            except OSError:
                self.counts["slow, cut"] += 1
            writer.transport.abort()

    async def read_slowly(self, request, body):
        """Asks for a large answer, and takes as long as it may to read it."""
        piece = 1 << 15
        pause = piece * REPLY_SECONDS / 3 / len(body)
        while self.goes_on():
            connection = few_bytes_ahead()
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
            reader, writer = await asyncio.open_connection(sock=connection, limit=piece)
            writer.write(request)
            received = b""
            while not received.endswith(body[-100:]) and (data := await reader.read(piece)):
                received += data
                await asyncio.sleep(pause)
            writer.transport.abort()
            if received.partition(b"\r\n\r\n")[2] == body:
                self.counts["read slowly"] += 1
            else:
                self.fail(f"a slow reader got {len(received):,} bytes: {received[:60]!r}")

    async def read_nothing(self, request, size):
        """Asks for a large answer and reads none of it, until it is cut."""
        limit = 2 * (REPLY_SECONDS + size / BYTES_PER_SECOND)
        while self.goes_on():
            with few_bytes_ahead() as connection:
                connection.connect(("127.0.0.1", self.port))
                connection.sendall(request)
                poll = select.poll()
                poll.register(connection, select.POLLIN | select.POLLERR | select.POLLHUP | select.POLLRDHUP)
                ended, began = False, None  # the answer, whose time is what counts
                while not ended and self.goes_on() and (began is None or time.monotonic() < began + limit):
                    await asyncio.sleep(0.2)
                    events = sum(flags for _, flags in poll.poll(0))
                    if events and began is None:
                        began = time.monotonic()
                    ended = bool(events & ~select.POLLIN)
                if not ended and self.goes_on():
                    self.fail("a client that reads nothing was not cut")
                self.counts["cut as they read nothing" if ended else "left in the end"] += 1

    async def leave(self, known):
        """Asks, and goes away before the answer, or within the question."""
        source = random.Random(3)
        while self.goes_on():
            request, _ = source.choice(known)
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request if source.random() < 0.5 else request[:source.randrange(len(request))])
            await asyncio.sleep(source.random() * 0.05)
            writer.transport.abort()
            self.counts["left"] += 1


def few_bytes_ahead():
    """A socket that takes hardly more than is read from it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return connection


def bad_requests():
    """Requests that are wrong, and the statuses that may answer them."""
    picture = (IMAGES / "00.jpg").read_bytes()
    huge = png(9000, 9000, itertools.repeat(b"\0" * 27000, 9000))  # more pixels than may be
    junk = b'{"input": "' + b"a" * (19 << 20) + b'"}'
    yield embed_request(input=[]), {400}
    yield request_bytes("POST", "/v1/embeddings", b'{"input": ['), {400}
    yield request_bytes("POST", "/v1/embeddings", b"[" * 100_000), {400}
    yield picture_request(picture[:len(picture) // 2], "jpeg"), {400}
    yield picture_request(b"hello", "jpeg"), {400}
    yield picture_request(huge), {400, 413}
    yield request_bytes("POST", "/v1/embeddings", junk), {200, 400, 413, 503}
    yield request_bytes("POST", "/v1/embeddings", b"a" * (21 << 20)), {413}
    yield request_bytes("POST", "/v1/embeddings", b"a", "text/plain"), {415}
    yield b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}
    yield b"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.com\r\n\r\n", {400, 403, 421}
    yield request_bytes("GET", "/v1/images/999999999"), {404}


def mix(siglip, scratch, arguments):
    index = index_of(siglip, scratch, IMAGES)
    seconds = arguments.mix_seconds
    # Nobody is to be told that the service is busy.
    with Service("--index", index, "--queue", 1 << 15, "--max-wait", "100s", program=siglip.program) as service:
        known = good_requests(service)
        bad = list(bad_requests())
        large = embed_request(input=[f"{number} things" for number in range(arguments.mix_texts)],
                              encoding_format="float")
        large_body = ask_each(service, [large])[0].body
        memory = []

        async def watch(clients):
            while clients.goes_on():
                memory.append(service.memory())
                await asyncio.sleep(1)

        async def run():
            clients = Mix(service, time.monotonic() + seconds)
            await asyncio.gather(watch(clients), clients.search(),
                                 *(clients.be_good(known) for _ in range(4)),
                                 *(clients.be_bad(bad) for _ in range(2)),
                                 *(clients.be_slow() for _ in range(20)),
                                 *(clients.read_slowly(large, large_body) for _ in range(3)),
                                 *(clients.read_nothing(large, len(large_body)) for _ in range(3)),
                                 *(clients.leave(known) for _ in range(2)))
            return clients

        clients = asyncio.run(run())
        failures = clients.failures()
        figure("requests", ", ".join(f"{count:,} {what}" for what, count in clients.counts.items()
                                     if what not in failures))
        figure("large answers", f"{len(large_body):,} bytes for {arguments.mix_texts:,} texts")
        # What is free when the heap is full of holes differs from second to second.
        window = max(1, len(memory) // 20)
        early = max(memory[len(memory) // 5 - window:len(memory) // 5 + 1])
        late = max(memory[-window:])
        grown = f"{early:.0f} MiB after {seconds / 5:.0f} s, {late:.0f} MiB after {seconds:.0f} s"
        is_full = seconds >= 600  # before, what is taken once and kept is still on its way
        figure("memory", f"{grown}, peak {service.memory('VmHWM'):.0f} MiB", "+ 5 %" if is_full else None,
               late <= 1.05 * early)
        check(not failures, "; ".join(f"{count} x {what}" for what, count in list(failures.items())[:5]))
        for what in ("good", "searches", "refused", "slow, cut", "read slowly", "left"):
            check(clients.counts[what] > 0, f"none of the clients: {what}")
        status = service.end()
        words = [line for line in service.said if not line.startswith("{")]
        reports = [line for line in words if any(mark in line for mark in REPORTS)]
        if reports:
            print("\n".join(words), flush=True)
        check(not reports, f"{len(reports)} reports of sanitizers: {reports[:1]}")
        check(status == 0, f"the exit status is {status}: {words[-5:]}")
        figure("summary", f"{clients.counts['good']:,} good requests and {clients.counts['searches']:,} searches, "
               f"0 failed; search p99 {1e3 * quantile(clients.searches, 0.99):.0f} ms; {grown}")
