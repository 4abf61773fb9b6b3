"""Clients of a service, many at once, by asyncio and bare sockets."""

import asyncio
import dataclasses
import itertools
import time


@dataclasses.dataclass
class Answer:
    status: int  # 0: the connection ended before any byte of a reply
    fields: dict  # names in lower case
    body: bytes
    began: float  # time.monotonic() when the request was sent
    seconds: float
    is_cut: bool = False  # the connection ended within the reply


def request_bytes(method, path, body=b"", content_type="application/json", fields=()):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields]
    if method == "POST":
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Client:
    """One connection, made anew when the service has closed it."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def ask(self, request, timeout=120):
        """OSError where there is no connection to be had, TimeoutError."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        began = time.monotonic()
        try:
            answer = await asyncio.wait_for(self._exchange(request, began), timeout)
        except BaseException:
            self.close()
            raise
        if answer.status == 0 or answer.is_cut or answer.fields.get("connection") == "close":
            self.close()
        return answer

    async def _exchange(self, request, began):
        head = body = b""
        fields = {}
        status = 0
        try:
            self.writer.write(request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            status = int(first.split()[1])
            fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            if status != 204:
                body = await self.reader.readexactly(int(fields["content-length"]))
        except asyncio.IncompleteReadError as error:
            is_cut = bool(head or error.partial)
            return Answer(status, fields, error.partial, began, time.monotonic() - began, is_cut)
        except OSError:
            return Answer(status, fields, body, began, time.monotonic() - began, bool(head))
        return Answer(status, fields, body, began, time.monotonic() - began)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


async def ask_in_turn(port, requests, until, answers):
    """A client that asks for the next when it has an answer."""
    client = Client(port)
    while time.monotonic() < until:
        answers.append(await client.ask(next(requests)))
    client.close()


def closed_loop(port, requests, clients, seconds):
    """The answers to so many clients that ask one after another."""
    answers, turns = [], itertools.cycle(requests)

    async def run():
        until = time.monotonic() + seconds
        await asyncio.gather(*(ask_in_turn(port, turns, until, answers) for _ in range(clients)))

    asyncio.run(run())
    return answers


def open_loop(port, requests, rate, seconds):
    """The answers to clients that come so many a second, whatever becomes of those before."""
    answers, turns, idle = [], itertools.cycle(requests), []

    async def one():
        client = idle.pop() if idle else Client(port)
        answers.append(await client.ask(next(turns)))
        idle.append(client)

    async def run():
        begin = time.monotonic()
        running = set()
        for number in range(int(rate * seconds)):
            if (wait := begin + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(one())
            running.add(task)
            # Those that are done would hold up the others when thousands of them are gathered.
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        for client in idle:
            client.close()

    asyncio.run(run())
    return answers
