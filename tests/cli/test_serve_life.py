"""siglip serve: its end, its log, and what it tells systemd."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, CommandTest
from service import Service, data_uri

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
UNIT = ROOT / "packaging" / "siglip.service"
ROUNDS, CLIENTS = 5, 6


class LifeTest(CommandTest):
    def serve(self, *words, **options):
        service = Service("--model", MODEL, *words, **options)
        self.addCleanup(service.close)
        return service

    def begin(self, service, head, body=b""):
        """A connection on which so much of a request was sent and, but for the header's last line, read."""
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        self.addCleanup(connection.close)
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        return connection

    def begin_body(self, service, body):
        """A request of which all but the last byte of the body was sent. It has been accepted: that is told."""
        connection = self.begin(service, "POST /v1/embeddings HTTP/1.1\nHost: localhost\nExpect: 100-continue\n"
                                f"Content-Type: application/json\nContent-Length: {len(body)}\n\n")
        self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 100 "))
        connection.sendall(body[:-1])
        return connection

    def all_of(self, connection):
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


class EndTest(LifeTest):
    def test_what_was_accepted_is_finished(self):
        service = self.serve()
        body = json.dumps({"input": ["a star", {"image": data_uri(PICTURES[0])}]}).encode()
        slow = self.begin_body(service, body)
        late = self.begin(service, "GET /ready HTTP/1.1\nHost: localhost\n")
        service.process.send_signal(signal.SIGTERM)
        service.wait_for_line("siglip: finishing what was accepted")
        late.sendall(b"\r\n")
        refused = self.all_of(late)
        self.assertTrue(refused.startswith(b"HTTP/1.1 503 "), refused)
        self.assertIn(b"retry-after: ", refused.lower())
        with self.assertRaises(OSError):
            service.get("/health")
        self.assertIsNone(service.process.poll())
        slow.sendall(body[-1:])
        head, _, rest = self.all_of(slow).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertEqual(len(json.loads(rest)["data"]), 2)
        self.assertEqual(service.wait(), 0)

    def test_under_load_no_reply_is_lost(self):
        body = {"input": [{"image": data_uri(picture)} for picture in PICTURES[:3]]}
        for number in range(ROUNDS):
            service = self.serve()
            ended, whole, wrong = threading.Event(), [], []

            def ask():
                while not ended.is_set():
                    try:
                        answer = service.post("/v1/embeddings", body)
                    except ConnectionError:  # refused, or closed before a reply
                        ended.wait(0.01)
                    except Exception as error:  # also a reply that was cut
                        wrong.append(error)
                    else:
                        if answer.status == 200 and len(answer.json()["data"]) == 3:
                            whole.append(answer)
                        elif answer.status != 503:
                            wrong.append(answer)
            clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            while len(whole) < CLIENTS + number and not wrong:
                time.sleep(0.002)
            status = service.end()
            ended.set()
            for client in clients:
                client.join()
            self.assertEqual((wrong, status), ([], 0))
            # The service's own count: what it computed has arrived.
            computed = [line for line in service.log() if line["status"] == 200]
            self.assertEqual(len(computed), len(whole))
            self.assertEqual({line["outcome"] for line in computed}, {"sent"})

    def test_a_second_signal_ends_it_at_once(self):
        for first, second, status in ((signal.SIGTERM, signal.SIGTERM, 143), (signal.SIGINT, signal.SIGINT, 130)):
            service = self.serve()
            self.begin_body(service, b'{"input":"a"}')
            service.process.send_signal(first)
            service.wait_for_line("siglip: finishing")
            begin = time.monotonic()
            self.assertEqual(service.end(second), status)
            self.assertLess(time.monotonic() - begin, 2)

    def test_one_signal_ends_an_idle_service_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            service = self.serve()
            service.get("/health")
            self.assertEqual(service.end(number), 0)

    def test_what_takes_longer_than_drain_is_cut(self):
        service = self.serve("--drain", "1s")
        slow = self.begin_body(service, b'{"input":"a"}')
        begin = time.monotonic()
        self.assertEqual(service.end(), 1)
        self.assertGreater(time.monotonic() - begin, 0.9)
        try:
            self.assertEqual(self.all_of(slow), b"")
        except ConnectionResetError:
            pass


class LogTest(LifeTest):
    def test_a_line_of_json_for_every_request(self):
        service = self.serve()
        words = ["of my private life", "marker-in-path", "marker-in-query", "marker-in-field"]
        service.post("/v1/embeddings", {"input": [words[0], {"image": data_uri(PICTURES[0])}], "user": words[0]})
        service.post("/v1/embeddings", {"input": {"image": words[0]}})
        service.post("/v1/embeddings", {"input": words[0], "model": words[0]})
        service.get(f"/{words[1]}?q={words[2]}", user_agent=words[3], x_request_id=words[3],
                    x_forwarded_for="192.0.2.1")
        service.get("/v1/images/marker-in-path")
        self.assertEqual(service.end(), 0)
        lines = service.log()
        self.assertEqual([(line["route"], line["status"]) for line in lines], [
            ("/v1/embeddings", 200), ("/v1/embeddings", 400), ("/v1/embeddings", 404), ("other", 404),
            ("/v1/images/{id}", 404)])
        self.assertEqual([lines[0]["items"], lines[0]["failed"]], [2, 0])
        self.assertEqual({line["client"] for line in lines}, {"127.0.0.1"})
        self.assertEqual(len({line["id"] for line in lines}), 5)
        for line in service.said:
            for word in (*words, "base64", "192.0.2.1"):
                self.assertNotIn(word, line)


class SystemdTest(LifeTest):
    def notified(self, name, variables):
        """A service that tells a socket of this name, and a function that waits for what comes there next."""
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(name.replace("@", "\0"))
        receiver.settimeout(20)
        service = self.serve(variables={"NOTIFY_SOCKET": name, **variables})
        return service, lambda: receiver.recv(1000)

    def test_what_is_told(self):
        service, come = self.notified(str(self.folder / "notify"), {"WATCHDOG_USEC": "400000"})
        self.assertEqual(come(), b"READY=1")
        begin = time.monotonic()
        self.assertEqual([come() for _ in range(5)], 5 * [b"WATCHDOG=1"])
        self.assertLess(time.monotonic() - begin, 5 * 0.4)  # well within the interval
        service.process.send_signal(signal.SIGTERM)
        while (last := come()) == b"WATCHDOG=1":
            pass
        self.assertEqual(last, b"STOPPING=1")
        self.assertEqual(service.wait(), 0)

    def test_a_socket_that_is_no_file_and_a_watchdog_of_another_process(self):
        service, come = self.notified(f"@siglip-test-{os.getpid()}", {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
        self.assertEqual(come(), b"READY=1")
        time.sleep(0.3)
        self.assertEqual(service.end(), 0)
        self.assertEqual(come(), b"STOPPING=1")

    def test_the_unit_starts_what_there_is(self):
        command = re.search("^ExecStart=siglip (.*)$", UNIT.read_text(), re.MULTILINE)[1]
        self.assertIn("--api-keys", self.succeed(*shlex.split(command), "--help").stdout)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_the_unit_is_one(self):
        unit = self.folder / "siglip.service"
        unit.write_text(UNIT.read_text().replace("ExecStart=siglip ", f"ExecStart={PROGRAM} "))
        result = subprocess.run(["systemd-analyze", "--user", "verify", unit], capture_output=True, text=True,
                                env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
