"""siglip pull and models by name, against a hub on this machine."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import hub_server
from command_line import GOLDEN, PROGRAM, CommandTest
from hub_server import COMMIT, etag_of

NAME = "acme/tiny-siglip"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WEIGHTS = (GOLDEN / "vision-head" / "model.safetensors").read_bytes()
CONFIG = (GOLDEN / "vision-head" / "config.json").read_bytes()
PREPROCESSOR = b'{"size": {"height": 48, "width": 48}}'
PICTURE = ROOT / "examples" / "images" / "00.jpg"


def contents(folder):
    """Every file and link below a folder, by its path: bytes or where it leads."""
    return {path.relative_to(folder).as_posix():
            os.readlink(path) if path.is_symlink() else path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file()}


class HubTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.hub = hub_server.Hub(NAME, {
            "config.json": CONFIG, "preprocessor_config.json": PREPROCESSOR,
            "model.safetensors": WEIGHTS})
        self.addCleanup(self.hub.close)
        self.addCleanup(self.hub.stall.clear)
        self.cache = self.folder / "cache"
        self.model = self.cache / "models--acme--tiny-siglip"
        self.snapshot = self.model / "snapshots" / COMMIT
        self.partial = self.model / "blobs" / (etag_of(WEIGHTS) + ".incomplete")
        # Nothing of who runs the test: neither token nor cache nor proxy.
        self.variables = {name: None for name in os.environ
                          if name.startswith(("HF_", "HUGGING", "TRANSFORMERS"))
                          or name.lower().endswith("_proxy")}
        self.variables.update(HF_ENDPOINT=self.hub.url, HF_HUB_CACHE=str(self.cache),
                              HF_HOME=str(self.folder / "home"))

    def pull(self, *words, **options):
        return self.succeed("pull", NAME, *words, variables=self.variables, **options)

    def fail_to_pull(self, *words, status=1, **options):
        return self.fail_with(status, "pull", NAME, *words, variables=self.variables, **options)

    def start_pull(self, variables=None):
        environment = {**os.environ, **self.variables, **(variables or {})}
        return subprocess.Popen([PROGRAM, "pull", NAME], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE,
                                env={k: v for k, v in environment.items() if v is not None})

    def wait_for(self, condition):
        """Until it holds, however busy the machine is."""
        end = time.monotonic() + 120
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def start_stalled_pull(self, received):
        """A download that has got so many bytes of the weights and waits for the next."""
        self.hub.piece = self.hub.before_stall = received
        self.hub.stall.set()
        process = self.start_pull()
        self.wait_for(lambda: self.partial.exists() and self.partial.stat().st_size == received)
        return process

    def check_whole(self):
        self.assertEqual((self.snapshot / "model.safetensors").read_bytes(), WEIGHTS)
        self.assertEqual((self.snapshot / "config.json").read_bytes(), CONFIG)
        self.assertEqual((self.model / "refs" / "main").read_text(), COMMIT)
        self.assertEqual(list(self.model.rglob("*.incomplete")), [])
        self.assertEqual(list(self.cache.rglob("*.tmp.*")), [])

    def storage_ranges(self):
        return [headers.get("Range") for server, _, _, headers in self.hub.requests
                if server == "storage"]


class PullTest(HubTest):
    def test_the_cache_is_laid_out_as_huggingface_hub_does(self):
        result = self.pull()
        self.assertEqual(result.stdout, f"{self.snapshot}\n")
        self.assertIn("downloaded", result.stderr)
        etags = {name: etag_of(data) for name, data in self.hub.files.items()}
        self.assertEqual(contents(self.cache), {
            "models--acme--tiny-siglip/refs/main": COMMIT.encode(),
            **{f"models--acme--tiny-siglip/blobs/{etags[name]}": data
               for name, data in self.hub.files.items()},
            **{f"models--acme--tiny-siglip/snapshots/{COMMIT}/{name}": f"../../blobs/{etag}"
               for name, etag in etags.items()},
            **{f".locks/models--acme--tiny-siglip/{etag}.lock": b"" for etag in etags.values()}})

    def test_only_what_is_needed_is_downloaded(self):
        needed = dict(self.hub.files)
        needed.update({"tokenizer.json": b"{}", "tokenizer_config.json": b"{}",
                       "spiece.model": b"pieces", "special_tokens_map.json": b"{}"})
        self.hub.files = {**needed, "README.md": b"#", "pytorch_model.bin": b"pickle",
                          "open_clip_model.safetensors": b"twice", ".gitattributes": b"",
                          "onnx/model.safetensors": b"other", "model.fp16.safetensors": b"half"}
        self.pull()
        self.assertEqual({path.name for path in self.snapshot.iterdir()}, set(needed))
        asked = {path.rpartition("/")[2] for path in self.hub.paths("hub")
                 if "/resolve/" in path}
        self.assertEqual(asked, set(needed))

    def test_shards_and_open_clip_weights(self):
        shards = {f"model-0000{i}-of-00002.safetensors": bytes([i]) * 5000 for i in (1, 2)}
        for weights in ({**shards, "model.safetensors.index.json": b"{}"},
                        {"open_clip_model.safetensors": WEIGHTS}):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.files = {"config.json": CONFIG, **weights}
            self.pull()
            self.assertEqual({path.name for path in self.snapshot.iterdir()}, set(self.hub.files))

    def test_what_is_there_is_not_downloaded_again(self):
        self.pull()
        self.hub.requests.clear()
        result = self.pull()
        self.assertIn("0 B downloaded", result.stderr)
        self.assertEqual(self.hub.paths(method="GET"),
                         [f"/api/models/{NAME}/revision/main"])
        # A blob that has lost its end, say on a full disk, does not count as there.
        blob = self.model / "blobs" / etag_of(WEIGHTS)
        blob.write_bytes(WEIGHTS[:-1])
        self.pull()
        self.check_whole()

    def test_a_new_commit_replaces_the_reference_and_shares_blobs(self):
        self.pull()
        second = "f" * 40
        self.hub.revisions = {"main": second, "old": COMMIT}
        self.hub.files = {**self.hub.files, "config.json": CONFIG + b"\n"}
        self.hub.requests.clear()
        self.pull()
        self.assertEqual(self.hub.paths("storage"), [])
        self.assertEqual((self.model / "refs" / "main").read_text(), second)
        self.assertEqual((self.model / "snapshots" / second / "config.json").read_bytes(),
                         CONFIG + b"\n")
        self.assertEqual((self.snapshot / "config.json").read_bytes(), CONFIG)

    def test_revisions(self):
        self.hub.revisions = {"main": "e" * 40, "refs/pr/1": COMMIT}
        self.variables["HF_ENDPOINT"] += "/"
        self.assertEqual(self.pull("--revision", "refs/pr/1").stdout, f"{self.snapshot}\n")
        self.assertIn(f"/api/models/{NAME}/revision/refs%2Fpr%2F1", self.hub.paths("hub"))
        self.assertEqual((self.model / "refs" / "refs" / "pr" / "1").read_text(), COMMIT)
        for revision in ("refs/pr/1", COMMIT):
            self.succeed("inspect", f"{NAME}@{revision}", variables=self.variables)
        self.assertIn("siglip pull", self.fail_with(1, "inspect", NAME, variables=self.variables))
        self.assertIn("no revision 'v2'", self.fail_to_pull("--revision", "v2"))
        self.assertIn("cannot be a revision", self.fail_to_pull("--revision", "../../x"))

    def test_small_files_may_be_redirected_within_the_hub(self):
        self.hub.redirect_small = True
        self.hub.token = "hf_secret"
        self.variables["HF_TOKEN"] = "hf_secret"
        self.pull()
        self.check_whole()

    def test_quiet_prints_the_folder_only(self):
        result = self.pull("--quiet")
        self.assertEqual((result.stdout, result.stderr), (f"{self.snapshot}\n", ""))


class TokenTest(HubTest):
    def test_the_token_goes_to_the_hub_and_nowhere_else(self):
        self.hub.token = "hf_secret"
        token_file = self.folder / "home" / "token"
        token_file.parent.mkdir()
        token_file.write_text("hf_secret\n")
        other_file = self.folder / "other"
        other_file.write_text("  hf_secret\r\n")
        for variables in ({"HF_TOKEN": "hf_secret"}, {},
                          {"HF_TOKEN_PATH": str(other_file), "HF_HOME": None,
                           "HOME": str(self.folder / "nowhere")}):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.requests.clear()
            before = dict(self.variables)
            self.variables.update(variables)
            self.pull()
            self.variables = before
            self.check_whole()
            seen = {server: {headers.get("Authorization") for name, _, _, headers
                             in self.hub.requests if name == server}
                    for server in ("hub", "storage")}
            self.assertEqual(seen, {"hub": {"Bearer hf_secret"}, "storage": {None}})

    def test_another_name_of_the_same_machine_is_another_host(self):
        self.variables["HF_TOKEN"] = "hf_secret"
        self.hub.storage_url = self.hub.storage.replace("127.0.0.1", "localhost")
        self.pull()
        self.assertEqual({headers.get("Authorization") for server, _, _, headers
                          in self.hub.requests if server == "storage"}, {None})

    def test_gated_private_and_wrong_token(self):
        self.hub.token = "hf_secret"
        message = self.fail_to_pull()
        self.assertIn("no such model, or keeps it private", message)
        self.assertIn("HF_TOKEN", message)
        self.hub.gated = True
        message = self.fail_to_pull()
        self.assertIn("access to this model must be granted", message)
        self.assertIn(f"{self.hub.url}/{NAME}", message)
        self.variables["HF_TOKEN"] = "hf_of_somebody_else"
        message = self.fail_to_pull()
        self.assertIn("of that account", message)
        self.assertNotIn("hf_of_somebody_else", message)
        self.hub.statuses = [401]
        self.assertIn("does not accept the access token", self.fail_to_pull())
        self.assertFalse(self.cache.exists())

    def test_a_token_that_would_become_a_header_of_its_own_is_refused(self):
        self.variables["HF_TOKEN"] = "hf_a\r\nX-Evil: yes"
        message = self.fail_to_pull()
        self.assertIn("HF_TOKEN", message)
        self.assertNotIn("hf_a", message)
        self.assertEqual(self.hub.requests, [])


class FaultTest(HubTest):
    def test_a_body_that_breaks_off_is_continued(self):
        self.hub.cuts = [100_000, 1]
        self.pull()
        self.check_whole()
        self.assertEqual(self.storage_ranges(), [None, "bytes=100000-", "bytes=100001-"])

    def test_signatures_are_not_shown(self):
        self.hub.storage_url = "http://127.0.0.1:1"
        message = self.fail_to_pull()
        self.assertIn("127.0.0.1:1/blob/model.safetensors", message)
        self.assertNotIn("secret", message)

    def test_a_server_that_cannot_continue_begins_again(self):
        self.hub.cuts = [100_000]
        self.hub.ignore_ranges = True
        self.pull()
        self.check_whole()

    def test_a_continuation_from_elsewhere_is_refused(self):
        self.hub.cuts = [100_000]
        self.hub.wrong_range = True
        self.assertIn("Content-Range", self.fail_to_pull())
        self.assertEqual(self.partial.read_bytes(), WEIGHTS[:100_000])

    def test_failures_that_pass(self):
        self.hub.statuses = [503, 429, None, 502, None, 500]
        self.pull()
        self.check_whole()

    def test_failures_that_stay(self):
        self.hub.statuses = [503] * 100
        message = self.fail_to_pull()
        self.assertIn("HTTP status 503", message)
        self.assertIn("tried 5 times", message)
        self.assertEqual(len(self.hub.requests), 5)

    def test_what_failed_is_named(self):
        """Of connections that come to nothing, all at once, since each is tried for 7.5 s or more."""
        host = self.hub.url.removeprefix("http://")
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = f"127.0.0.1:{unused.getsockname()[1]}"
        full = socket.create_server(("127.0.0.1", 0), backlog=0)  # nobody takes what waits there
        self.addCleanup(full.close)
        for _ in range(3):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        busy = f"127.0.0.1:{full.getsockname()[1]}"
        cases = {
            "host": ({"HF_ENDPOINT": "https://hub.invalid"},
                     ["the name of the host cannot be resolved: hub.invalid", "check the network"]),
            "connection": ({"HF_ENDPOINT": f"http://{nobody}"},
                           [f"cannot connect to {nobody}: Connection refused"]),
            "time": ({"HF_ENDPOINT": f"http://{busy}", "HF_HUB_DOWNLOAD_TIMEOUT": "1"},
                     [f"cannot connect to {busy}: "]),
            "TLS": ({"HF_ENDPOINT": f"https://{host}"}, [f"no secure connection to {host}"]),
            "name of the proxy": ({"HF_ENDPOINT": "https://hub.example",
                                   "https_proxy": "http://proxy.invalid:3128"},
                                  ["the name of the proxy cannot be resolved", "proxy.invalid",
                                   "check https_proxy"]),
            "proxy": ({"HF_ENDPOINT": "https://hub.example", "https_proxy": f"http://{nobody}"},
                      ["cannot connect to the proxy for hub.example", nobody.replace(":", " port "),
                       "check https_proxy"]),
        }
        begin = time.monotonic()
        processes = {name: self.start_pull(variables) for name, (variables, _) in cases.items()}
        for name, process in processes.items():
            _, message = process.communicate(timeout=120)
            with self.subTest(name):
                self.assertEqual(process.returncode, 1)
                for part in [*cases[name][1], "tried 5 times"]:
                    self.assertIn(part, message)
                self.assertNotIn("libcurl", message)
        self.assertGreater(time.monotonic() - begin, 7.4)  # the pauses between five attempts

    def test_a_proxy_that_refuses(self):
        self.variables["HF_ENDPOINT"] = "https://hub.example"
        self.variables["https_proxy"] = self.hub.url
        for status, hint in ((407, "NAME:PASSWORD"), (403, "check https_proxy")):
            self.hub.connect_status = status
            message = self.fail_to_pull()
            self.assertIn("the proxy does not connect to hub.example", message)
            self.assertIn(f"HTTP status {status}", message)
            self.assertIn(hint, message)
            self.assertNotIn("tried", message)

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl to make a certificate")
    def test_a_certificate_that_is_not_trusted(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=localhost", "-keyout", key, "-out", certificate],
                       capture_output=True, check=True, timeout=120)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = self.hub.servers[0]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        self.variables["HF_ENDPOINT"] = f"https://localhost:{server.server_address[1]}"
        message = self.fail_to_pull()
        self.assertIn(f"the certificate of localhost:{server.server_address[1]} is not trusted",
                      message)
        self.assertIn("ca-certificates", message)
        self.assertNotIn("tried", message)
        self.assertEqual(self.hub.requests, [])

    def test_refusals_say_what_to_do(self):
        self.hub.statuses = [403]
        self.assertIn("firewall", self.fail_to_pull())
        self.variables["HF_TOKEN"] = "hf_secret"
        self.hub.statuses = [403]
        self.assertIn("/settings/tokens", self.fail_to_pull())
        self.hub.statuses = [407]
        self.assertIn("NAME:PASSWORD", self.fail_to_pull())
        del self.variables["HF_TOKEN"]
        self.hub.statuses = [404]
        message = self.fail_to_pull()
        self.assertIn("no such model", message)
        self.assertIn(f"{self.hub.url}/models", message)

    def test_a_silent_server_is_given_up(self):
        self.variables["HF_HUB_DOWNLOAD_TIMEOUT"] = "1"
        self.hub.stall.set()
        message = self.fail_to_pull()
        self.assertIn("tried 5 times", message)
        self.assertIn("is silent", message)

    def test_wrong_bytes_are_never_kept(self):
        altered = bytearray(WEIGHTS)
        altered[-1] ^= 1
        for name, data in (("model.safetensors", bytes(altered)),
                           ("config.json", CONFIG.replace(b" ", b"\t"))):
            self.assertEqual(len(data), len(self.hub.files[name]))
            self.hub.altered = {name: data}
            message = self.fail_to_pull()
            self.assertIn("expected the checksum " + etag_of(self.hub.files[name]), message)
            self.assertIn(name, message)
            self.assertFalse((self.snapshot / name).exists())
            self.assertEqual(list(self.model.rglob("*main")), [])
            shutil.rmtree(self.cache)
        self.hub.altered = {}
        self.pull()
        self.check_whole()

    def test_more_bytes_than_announced(self):
        self.hub.altered = {"model.safetensors": WEIGHTS + b"more"}
        self.assertIn(f"expected {len(WEIGHTS)} bytes, found more", self.fail_to_pull())
        self.assertFalse((self.snapshot / "model.safetensors").exists())

    def test_a_file_that_is_shorter_than_announced(self):
        self.hub.altered = {"model.safetensors": WEIGHTS[:50_000]}
        message = self.fail_to_pull()
        self.assertIn("ended after", message)
        self.assertIn("tried 5 times", message)
        self.assertFalse((self.snapshot / "model.safetensors").exists())

    def test_a_checksum_that_is_none(self):
        for etag in ("../../../../evil", "1234", "G" * 64):
            self.hub.etag = etag
            self.assertIn("ETag", self.fail_to_pull())
        self.assertEqual(contents(self.folder), {})

    def test_hostile_names_are_neither_asked_for_nor_written(self):
        self.hub.listed = [*self.hub.files, "../../../evil.json", "/etc/passwd", "..",
                           "a\\..\\config.json", "config.json\0.exe", "", ".", "sub/config.json",
                           "model-00001-of-00002.safetensors/../../x", "x" * 100_000]
        self.pull()
        self.check_whole()
        self.assertEqual({path.name for path in self.snapshot.iterdir()}, set(self.hub.files))
        self.assertTrue(all(path.rpartition("/")[2] in self.hub.files
                            for path in self.hub.paths() if "/resolve/" in path))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["cache"])

    def test_redirects_to_other_protocols(self):
        (self.folder / "secret").write_bytes(WEIGHTS)
        self.hub.storage_url = f"file://{self.folder}/secret#"
        self.assertIn("http", self.fail_to_pull())
        self.assertFalse((self.snapshot / "model.safetensors").exists())

    def test_redirects_in_a_circle(self):
        self.hub.storage_url = f"{self.hub.url}/{NAME}/resolve/{COMMIT}/model.safetensors?"
        self.assertIn("redirects", self.fail_to_pull())

    def test_what_is_no_hub(self):
        self.hub.header_commit = "d" * 40
        message = self.fail_to_pull()
        self.assertIn("X-Repo-Commit", message)
        self.assertIn("d" * 40, message)
        self.hub.listed = [17]
        self.assertIn("rfilename", self.fail_to_pull())
        self.hub.revisions = {"main": "not-a-commit"}
        self.assertIn("'sha'", self.fail_to_pull())
        self.variables["HF_ENDPOINT"] = f"file://{self.folder}"
        self.assertIn("HF_ENDPOINT", self.fail_to_pull())

    def test_models_that_do_not_exist_or_have_no_weights(self):
        message = self.fail_with(1, "pull", "acme/other", variables=self.variables)
        self.assertIn("acme/other", message)
        self.assertIn("no such model", message)
        for name in ("tiny", "../x", "a/b/c", "a--b/c", "acme/x.git", "a/..", "https://a/b", ""):
            self.assertIn("no name of the Hugging Face hub",
                          self.fail_with(1, "pull", name, variables=self.variables))
        self.hub.files = {"config.json": CONFIG, "pytorch_model.bin": b"pickle"}
        self.assertIn("no weights in safetensors", self.fail_to_pull())

    def test_offline_means_no_traffic(self):
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            before = dict(self.variables)
            self.variables[name] = "1"
            self.assertIn("HF_HUB_OFFLINE", self.fail_to_pull())
            self.variables = before
        self.assertEqual(self.hub.requests, [])

    def test_a_cache_that_cannot_be_written(self):
        self.cache.write_text("a file")
        self.assertIn(str(self.cache), self.fail_to_pull())

    def test_a_link_planted_in_place_of_the_partial_file(self):
        target = self.folder / "precious"
        target.write_text("precious")
        self.partial.parent.mkdir(parents=True)
        self.partial.symlink_to(target)
        self.assertIn("incomplete", self.fail_to_pull())
        self.assertEqual(target.read_text(), "precious")


class ResumeTest(HubTest):
    def leave_partial(self, data):
        self.partial.parent.mkdir(parents=True)
        self.partial.write_bytes(data)

    def test_interrupted_and_resumed(self):
        process = self.start_stalled_pull(received=100_000)
        process.send_signal(signal.SIGINT)
        output, message = process.communicate(timeout=120)
        self.assertEqual((process.returncode, output), (130, ""), message)
        self.assertIn("interrupted", message)
        self.assertEqual(self.partial.read_bytes(), WEIGHTS[:100_000])
        self.assertFalse((self.model / "refs").exists())
        # What is there in part only is not taken for a model.
        self.assertIn("siglip pull", self.fail_with(1, "inspect", NAME, variables=self.variables))

        self.hub.stall.clear()
        self.hub.requests.clear()
        self.assertIn("were there", self.pull().stderr)
        self.check_whole()
        self.assertEqual(self.storage_ranges(), ["bytes=100000-"])

    def test_killed_and_resumed(self):
        process = self.start_stalled_pull(received=100_000)
        process.kill()
        process.communicate(timeout=120)
        self.hub.stall.clear()
        self.hub.requests.clear()
        self.pull()
        self.check_whole()
        self.assertEqual(self.storage_ranges(), ["bytes=100000-"])

    def test_all_bytes_there_but_not_yet_renamed(self):
        self.leave_partial(WEIGHTS)
        self.pull()
        self.check_whole()
        self.assertEqual(self.storage_ranges(), [])

    def test_a_partial_file_of_other_bytes(self):
        for data in (b"\xff" * 1000, b"\xff" * len(WEIGHTS), WEIGHTS + b"more"):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.leave_partial(data)
            self.pull()
            self.check_whole()

    def test_two_at_once_download_once(self):
        self.hub.piece, self.hub.pause = 32 << 10, 0.02
        processes = [self.start_pull() for _ in range(2)]
        for process in processes:
            output, message = process.communicate(timeout=120)
            self.assertEqual((process.returncode, output), (0, f"{self.snapshot}\n"), message)
        self.check_whole()
        self.assertEqual(len(self.hub.paths("storage")), 1)

    def test_waiting_for_another_one_can_be_interrupted(self):
        first = self.start_stalled_pull(received=100_000)
        second = self.start_pull()
        # Its last question before it wants the lock.
        question = f"/{NAME}/resolve/{COMMIT}/model.safetensors"
        self.wait_for(lambda: self.hub.paths("hub", "HEAD").count(question) == 2)
        time.sleep(0.3)
        self.assertIsNone(second.poll())
        second.send_signal(signal.SIGINT)
        _, message = second.communicate(timeout=120)
        self.assertEqual(second.returncode, 130, message)
        self.hub.stall.clear()
        first.communicate(timeout=120)
        self.assertEqual(first.returncode, 0)
        self.check_whole()


class ModelByNameTest(HubTest):
    def run_without_hub(self, *words, **options):
        return self.succeed(*words, variables=self.variables, **options)

    def test_every_command_takes_a_name(self):
        for name in ("spiece.model", "tokenizer_config.json"):
            self.hub.files[name] = (ROOT / "models" / "demo" / name).read_bytes()
        self.pull()
        self.hub.close()
        pixels = self.folder / "pixels.safetensors"
        for words in (["inspect", NAME], ["inspect", "--model", NAME],
                      ["embed", "--model", NAME, PICTURE],
                      ["compare", "--model", NAME, PICTURE, PICTURE],
                      ["preprocess", "--model", NAME, "--output", pixels, PICTURE],
                      ["run", "--model", NAME, "--input", pixels, "--output",
                       self.folder / "out.safetensors"],
                      ["tokenize", "--model", NAME, "a photo"],
                      ["convert", "--precision", "int8", NAME, self.folder / "packed"],
                      ["bench", "--model", NAME, "--batch", 1, "--repeats", 1, "--images",
                       PICTURE.parent]):
            with self.subTest(words[0]):
                self.run_without_hub(*words)
        by_name = self.run_without_hub("embed", "--model", NAME, PICTURE).stdout
        self.assertEqual(self.run_without_hub("embed", "--model", self.snapshot, PICTURE).stdout,
                         by_name)

    def test_where_the_cache_is(self):
        self.pull()
        home = self.folder / "somebody"
        everything = {"HF_HUB_CACHE": None, "HUGGINGFACE_HUB_CACHE": None, "HF_HOME": None,
                      "XDG_CACHE_HOME": None, "HOME": str(self.folder / "nowhere")}
        for place, variables in (
                (home / "a", {"HF_HUB_CACHE": str(home / "a"), "HF_HOME": "/nowhere"}),
                (home / "b", {"HUGGINGFACE_HUB_CACHE": str(home / "b"), "HF_HOME": "/nowhere"}),
                (home / "c/hub", {"HF_HOME": str(home / "c"), "XDG_CACHE_HOME": "/nowhere"}),
                (home / "d/huggingface/hub", {"XDG_CACHE_HOME": str(home / "d")}),
                (home / ".cache/huggingface/hub", {"HOME": str(home), "HF_HOME": ""}),
                (home / "e/hub", {"HOME": str(home), "HF_HOME": "~/e"})):
            with self.subTest(place.relative_to(home)):
                self.variables.update(everything)
                self.variables.update(variables)
                self.assertIn(str(place), self.fail_with(1, "inspect", NAME,
                                                         variables=self.variables))
                shutil.copytree(self.cache, place, symlinks=True)
                self.run_without_hub("inspect", NAME)

    def test_a_folder_wins_over_a_name(self):
        shutil.copytree(GOLDEN / "vision-head", self.folder / NAME)
        self.run_without_hub("inspect", NAME, cwd=self.folder)
        self.assertIn("siglip pull " + NAME,
                      self.fail_with(1, "inspect", NAME, variables=self.variables))

    def test_what_is_neither_folder_nor_name(self):
        for name in ("missing", "./a/b", "/nowhere/at/all", "a/b/c", "../../acme/tiny", "~/x"):
            message = self.fail_with(1, "inspect", name, variables=self.variables)
            self.assertIn("no such folder", message)
            self.assertNotIn("siglip pull", message)

    def test_models_in_part(self):
        self.pull()
        for missing in ("config.json", "model.safetensors"):
            with self.subTest(missing):
                link = self.snapshot / missing
                blob = link.resolve()
                blob.rename(self.folder / "blob")  # a link that leads nowhere
                message = self.fail_with(1, "inspect", NAME, variables=self.variables)
                self.assertIn("only in part", message)
                self.assertIn(f"siglip pull {NAME}", message)
                self.run_without_hub("preprocess", "--model", NAME, "--force", "--output",
                                     self.folder / "pixels.safetensors", PICTURE)
                (self.folder / "blob").rename(blob)
        self.run_without_hub("inspect", NAME)

    def test_a_reference_that_leads_out_of_the_cache(self):
        self.pull()
        shutil.copytree(GOLDEN / "vision-head", self.folder / "elsewhere")
        (self.model / "refs" / "main").write_text("../../../elsewhere")
        self.assertIn("expected a commit hash",
                      self.fail_with(1, "inspect", NAME, variables=self.variables))
        self.pull()
        self.check_whole()


PYTHON = ROOT / "build" / "python-env" / "bin" / "python"


@unittest.skipUnless(PYTHON.exists(),
                     "needs huggingface_hub, which scripts/python_env.sh provides")
class HuggingFaceHubTest(HubTest):
    """The cache is shared with huggingface_hub itself."""

    def snapshot_download(self, **more):
        script = "import huggingface_hub; print(huggingface_hub.snapshot_download(" \
                 f"{NAME!r}, ignore_patterns=['*.md']))"
        environment = {**os.environ, **self.variables, **more, "HF_HUB_DISABLE_TELEMETRY": "1",
                       "HF_HUB_DISABLE_XET": "1"}
        result = subprocess.run([PYTHON, "-B", "-c", script], text=True,
                                capture_output=True, timeout=120, check=False,
                                env={k: v for k, v in environment.items() if v is not None})
        self.assertEqual(result.returncode, 0, result.stderr)
        return pathlib.Path(result.stdout.strip())

    def test_what_it_has_downloaded_is_found(self):
        self.assertEqual(self.snapshot_download(), self.snapshot)
        self.hub.requests.clear()
        self.hub.close()
        self.succeed("embed", "--model", NAME, PICTURE,
                     variables={**self.variables, "HF_HUB_OFFLINE": "1"})

    def test_what_it_has_downloaded_is_not_downloaded_again(self):
        self.snapshot_download()
        before = contents(self.cache)
        self.hub.requests.clear()
        self.assertIn("0 B downloaded", self.pull().stderr)
        self.assertEqual(self.hub.paths("storage"), [])
        self.assertEqual(contents(self.cache), before)

    def test_what_was_pulled_is_not_downloaded_again(self):
        self.pull()
        self.hub.requests.clear()
        self.assertEqual(self.snapshot_download(), self.snapshot)
        self.assertEqual(self.hub.paths("storage"), [])
        self.hub.close()
        self.assertEqual(self.snapshot_download(HF_HUB_OFFLINE="1"), self.snapshot)

    def test_both_hold_the_same_lock(self):
        process = self.start_stalled_pull(received=100_000)
        lock = self.cache / ".locks" / self.model.name / (etag_of(WEIGHTS) + ".lock")
        script = "import filelock, sys\n" \
                 "try: filelock.FileLock(sys.argv[1], timeout=0).acquire()\n" \
                 "except filelock.Timeout: print('held')"
        result = subprocess.run([PYTHON, "-B", "-c", script, lock], text=True,
                                capture_output=True, timeout=60, check=False)
        self.assertEqual((result.stdout, result.stderr), ("held\n", ""))
        self.hub.stall.clear()
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
