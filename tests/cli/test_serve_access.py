"""siglip serve: who may ask. What no browser and no stranger may do is refused on the wire."""

import json
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import CommandTest
from service import Service, wait_until

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "demo"
KEY, OTHER_KEY = "first-key-of-this-test", "second-key-of-this-test"
SITE = "https://photos.example"


class AccessTest(CommandTest):
    """Without keys: what a browser may be made to send."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = Service("--model", MODEL, "--allowed-host", "Photos.Example", "--cors-origin", SITE)
        cls.addClassCleanup(cls.service.close)

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code))
        self.assertNotIn("access-control-allow-origin", answer.fields)

    def test_host(self):
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "192.0.2.7:8080", "photos.example",
                     "PHOTOS.EXAMPLE:443"):
            self.assertEqual(self.service.get("/v1/models", host=host).status, 200, host)
        for host in ("example.org", "localhost.evil.com", "evil.localhost", "127.0.0.1.evil.com", "photos.example.org",
                     "localhost:x", "localhost@evil.com", ""):
            for path in ("/v1/models", "/", "/health", "/nothing"):
                answer = self.service.get(path, host=host)
                self.assertIn((answer.status, answer.code), [(421, "unknown_host"), (400, "bad_host")], host)

    def test_other_sites(self):
        for site in ("none", "same-origin"):
            self.assertEqual(self.service.get("/v1/models", sec_fetch_site=site).status, 200, site)
        for site in ("cross-site", "same-site", "x"):
            self.refused(self.service.get("/v1/models", sec_fetch_site=site), 403, "cross_site")
        self.assertEqual(self.service.get("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status, 200)
        self.refused(self.service.get("/v1/models", sec_fetch_site="cross-site", sec_fetch_mode="navigate"),
                     403, "cross_site")

    def test_origin(self):
        own = f"http://127.0.0.1:{self.service.port}"
        self.assertEqual(self.service.get("/v1/models", origin=own).status, 200)
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", own + ".evil.example", SITE + ":444", ""):
            self.refused(self.service.get("/v1/models", origin=origin), 403, "cross_origin")

    def test_compressed_bodies(self):
        ask = lambda coding: self.service.post("/v1/embeddings", {"input": "a"}, content_encoding=coding)
        self.assertEqual(ask("Identity").status, 200)
        for coding in ("gzip", "br", "identity, gzip"):
            answer = ask(coding)
            self.refused(answer, 415, "unsupported_content_encoding")
            self.assertIn("Content-Encoding", answer.message)

    def test_refusals_are_counted_and_logged_by_their_code(self):
        def rejected(code):
            line = re.search(f'^siglip_rejected_total{{reason="{code}"}} (.*)$',
                             self.service.get("/metrics").body.decode(), re.MULTILINE)
            return int(line[1]) if line else 0
        for code, answer_of in (("unknown_host", lambda: self.service.get("/", host="example.org")),
                                ("cross_site", lambda: self.service.get("/v1/models", sec_fetch_site="cross-site")),
                                ("unsupported_media_type",
                                 lambda: self.service.post("/v1/search", {}, content_type="text/plain")),
                                ("not_found", lambda: self.service.get("/nothing"))):
            before = rejected(code)
            answer = answer_of()
            self.assertEqual((answer.code, rejected(code)), (code, before + 1))
            self.assertEqual(self.log_line(answer)["code"], code)

    def log_line(self, answer):
        def lines():
            return [line for line in self.service.said if answer.fields["x-request-id"] in line]
        wait_until(lines, "its log line")
        return json.loads(lines()[0])

    def test_types_of_errors(self):
        for answer, kind in ((self.service.get("/", sec_fetch_site="cross-site"), "permission_error"),
                             (self.service.get("/", host="example.org"), "invalid_request_error")):
            self.assertEqual(answer.json()["error"]["type"], kind)

    def test_the_icon(self):
        answer = self.service.get("/favicon.ico")
        self.assertEqual((answer.status, answer.fields["content-type"]), (200, "image/svg+xml"))
        self.assertEqual(answer.body, self.service.get("/page/favicon.svg").body)

    def test_content_type(self):
        for kind in ("application/json", "Application/JSON; charset=utf-8"):
            self.assertEqual(self.service.post("/v1/embeddings", {"input": "a"}, content_type=kind).status, 200, kind)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json5",
                     "multipart/form-data; boundary=application/json", ""):
            self.refused(self.service.post("/v1/embeddings", {"input": "a"}, content_type=kind),
                         415, "unsupported_media_type")

    def test_cors(self):
        answer = self.service.ask("OPTIONS", "/v1/search", origin=SITE, access_control_request_method="POST",
                                  sec_fetch_site="cross-site")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.fields["access-control-allow-origin"], SITE)
        self.assertEqual(answer.fields["access-control-allow-methods"], "POST")
        self.assertEqual(answer.fields["vary"], "origin")
        self.assertNotIn("access-control-allow-credentials", answer.fields)
        for answer in (self.service.post("/v1/embeddings", {"input": "a"}, origin=SITE, sec_fetch_site="cross-site"),
                       self.service.post("/v1/embeddings", {"input": ""}, origin=SITE),
                       self.service.get("/nothing", origin=SITE)):
            self.assertEqual(answer.fields["access-control-allow-origin"], SITE, answer.status)
        self.assertNotIn("access-control-allow-origin", self.service.get("/v1/models").fields)
        self.refused(self.service.ask("OPTIONS", "/v1/search", origin="https://evil.example"), 403, "cross_origin")


class KeysTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "keys"
        self.write_keys(KEY)

    def write_keys(self, *keys):
        self.keys.write_text("# one a line\n\n" + "".join(f"{key}\n" for key in keys))
        self.keys.chmod(0o600)

    def serve(self, *words):
        service = Service("--model", MODEL, "--api-keys", self.keys, *words)
        self.addCleanup(service.close)
        return service

    def reload(self, service):
        before = len(service.said)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for_line("siglip: the keys ", after=before)

    def test_a_key_is_asked_for(self):
        service = self.serve("--cors-origin", SITE)
        for path in ("/", "/health", "/ready", "/page/favicon.svg"):
            self.assertEqual(service.get(path).status, 200, path)
        for path in ("/v1/models", "/metrics", "/openapi.json", "/v1/images/1", "/nothing"):
            answer = service.get(path)
            self.assertEqual((answer.status, answer.code), (401, "missing_api_key"), path)
            self.assertEqual(answer.fields["www-authenticate"], "Bearer")
        self.assertEqual(service.post("/v1/embeddings", {"input": "a"}).status, 401)
        self.assertEqual(service.get("/v1/models", origin=SITE).status, 401)
        for scheme in ("Bearer", "bearer"):
            self.assertEqual(service.get("/v1/models", authorization=f"{scheme} {KEY}").status, 200)
        for value in (f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY, "Bearer ", f"Bearer {KEY} {KEY}",
                      "Bearer # one a line"):
            self.assertEqual(service.get("/v1/models", authorization=value).status, 401, value)
        self.assertEqual(service.ask("OPTIONS", "/v1/models", origin=SITE).status, 204)

    def test_a_session_of_the_page(self):
        service = self.serve()
        answer = service.post("/v1/session", {"key": OTHER_KEY})
        self.assertEqual((answer.status, answer.code), (401, "invalid_api_key"))
        for body in ({}, {"key": 1}, [], b"{", b"null"):
            self.assertEqual(service.post("/v1/session", body, content_type="application/json").status, 400, body)

        def begin():
            answer = service.post("/v1/session", {"key": KEY})
            self.assertEqual(answer.status, 204)
            cookie, *attributes = answer.fields["set-cookie"].split("; ")
            self.assertEqual(set(attributes), {"HttpOnly", "SameSite=Strict", "Path=/"})
            self.assertRegex(cookie, "^siglip_session=[0-9a-f]{64}$")
            return cookie
        cookie, other = begin(), begin()
        self.assertNotEqual(cookie, other)

        def status(cookie, **fields):
            return service.get("/v1/models", cookie=cookie, **fields).status
        self.assertEqual(status(f"a=b; {cookie}", sec_fetch_site="same-origin"), 200)
        self.assertEqual(status(cookie, origin=f"http://127.0.0.1:{service.port}"), 200)
        self.assertEqual(status(cookie), 401)  # another site could have it sent
        self.assertEqual(status(cookie, sec_fetch_site="none"), 401)
        self.assertEqual(status(cookie[:-1] + "x", sec_fetch_site="same-origin"), 401)
        answer = service.ask("DELETE", "/v1/session", cookie=cookie, sec_fetch_site="same-origin")
        self.assertEqual(answer.status, 204)
        self.assertIn("Max-Age=0", answer.fields["set-cookie"])
        self.assertEqual(status(cookie, sec_fetch_site="same-origin"), 401)
        self.assertEqual(status(other, sec_fetch_site="same-origin"), 200)
        self.write_keys(OTHER_KEY)
        self.reload(service)
        self.assertEqual(status(other, sec_fetch_site="same-origin"), 401)

    def test_keys_are_read_again(self):
        service = self.serve()

        def allowed():
            return [service.get("/v1/models", authorization=f"Bearer {key}").status == 200 for key in (KEY, OTHER_KEY)]
        self.assertEqual(allowed(), [True, False])
        self.write_keys(OTHER_KEY)
        self.assertEqual(allowed(), [True, False])
        self.reload(service)
        self.assertEqual(allowed(), [False, True])
        self.keys.write_text("short\n")
        self.reload(service)
        service.wait_for_line("siglip: the keys stay as they were: ")
        self.assertEqual(allowed(), [False, True])
        self.write_keys(KEY, OTHER_KEY)
        self.reload(service)
        self.assertEqual(allowed(), [True, True])

    def test_keys_that_are_refused_at_the_start(self):
        def fail():
            return self.fail_with(1, "serve", "--model", MODEL, "--port", 0, "--api-keys", self.keys)
        for mode in (0o640, 0o604, 0o620):
            self.keys.chmod(mode)
            self.assertIn("chmod 600", fail(), oct(mode))
        for text, said in (("", "holds no key"), ("# nothing\n", "holds no key"), (f"{KEY}\nshort-key\n", "line 2"),
                           ("sixteen bytes with blanks\n", "line 1")):
            self.keys.write_text(text)
            self.keys.chmod(0o600)
            message = fail()
            self.assertIn(said, message)
            self.assertNotIn("short-key", message)
        self.keys.unlink()
        self.assertIn(str(self.keys), fail())

    def test_with_keys_other_computers_may_ask(self):
        service = self.serve("--address", "0.0.0.0")
        self.assertEqual(service.get("/v1/models").status, 401)
        self.assertEqual(service.get("/v1/models", authorization=f"Bearer {KEY}").status, 200)


if __name__ == "__main__":
    unittest.main()
