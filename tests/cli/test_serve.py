"""siglip serve: what it answers, compared with what the other commands print."""

import base64
import json
import os
import pathlib
import re
import shutil
import stat
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import IndexedFolderTest, run
from service import Service, data_uri, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
TEXTS = ["a red circle", "zwei grüne Sterne"]


def rows(file):
    """The raw rows of a .npy file of float32."""
    data = file.read_bytes()
    (length,) = struct.unpack("<H", data[8:10])
    header, body = data[10:10 + length].decode(), data[10 + length:]
    dimension = int(re.search(r"'shape': \((?:\d+, )?(\d+),? *\)", header)[1])
    assert "'<f4'" in header and len(body) % (4 * dimension) == 0, header
    return [body[start:start + 4 * dimension] for start in range(0, len(body), 4 * dimension)]


def float32(number):
    return struct.pack("<f", number)


class AnswersTest(IndexedFolderTest):
    """One service of an index of six pictures for all tests, which leave both as they are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = IndexedFolderTest()
        cls.addClassCleanup(cls.scratch.doCleanups)
        cls.scratch.setUp()
        cls.home = cls.scratch.folder
        cls.cache = {"XDG_CACHE_HOME": str(cls.home / "cache")}
        for picture in PICTURES[:6]:
            shutil.copy(picture, cls.scratch.pictures)
        cls.indexed = sorted(cls.scratch.pictures.iterdir())
        cls.scratch.succeed("index", "--index", cls.scratch.store, "--model", MODEL, cls.scratch.pictures)
        cls.service = Service("--index", cls.scratch.store, "--alias", "text-embedding-3-small", variables=cls.cache)
        cls.addClassCleanup(cls.service.close)

    def embeddings(self, request, **fields):
        return self.service.post("/v1/embeddings", request, **fields)

    def vectors(self, request):
        """Of a reply in base64, as raw bytes by index."""
        answer = self.embeddings({**request, "encoding_format": "base64"})
        self.assertEqual(answer.status, 200, answer.body)
        return {item["index"]: base64.b64decode(item["embedding"]) for item in answer.json()["data"]}

    def embedded(self, *words):
        file = self.folder / "embedded.npy"
        self.succeed("embed", "--force", "--model", MODEL, "--normalize", "--output", file, *words)
        return rows(file)

    def search(self, **request):
        answer = self.service.post("/v1/search", request)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def first(self):
        """A hit."""
        return self.search(text="a red circle")["data"][0]

    # --- embeddings

    def test_embeddings_are_those_of_siglip_embed(self):
        expected = dict(enumerate(self.embedded(*PICTURES[:6])))
        self.assertEqual(self.vectors({"input": [{"image": data_uri(picture)} for picture in PICTURES[:6]]}), expected)
        of_body = self.embeddings(PICTURES[0].read_bytes(), content_type="Image/JPEG")
        self.assertEqual(of_body.status, 200, of_body.body)
        floats = of_body.json()["data"][0]["embedding"]
        self.assertEqual(struct.pack(f"<{len(floats)}f", *floats), expected[0])
        texts = self.embedded("--text", TEXTS[0], "--text", TEXTS[1])
        self.assertEqual(self.vectors({"input": TEXTS}), dict(enumerate(texts)))
        self.assertEqual(self.vectors({"input": TEXTS[0], "model": "text-embedding-3-small"}), {0: texts[0]})
        mixed = [TEXTS[1], {"image": data_uri(PICTURES[3])}, {"text": TEXTS[0]}]
        self.assertEqual(self.vectors({"input": mixed}), {0: texts[1], 1: expected[3], 2: texts[0]})

    def test_without_normalisation(self):
        file = self.folder / "raw.npy"
        self.succeed("embed", "--model", MODEL, "--output", file, PICTURES[0])
        self.assertEqual(self.vectors({"input": data_uri(PICTURES[0]), "normalize": False}), {0: rows(file)[0]})

    def test_an_item_that_fails(self):
        broken = "data:image/jpeg;base64," + base64.b64encode(PICTURES[0].read_bytes()[:300]).decode()
        items = [TEXTS[0], {"image": broken}, {"image": data_uri(PICTURES[1])}, {"image": broken}]
        answer = self.embeddings({"input": items})
        self.assertEqual(answer.status, 400)
        error = answer.json()["error"]
        self.assertEqual((error["param"], error["type"]), ("input[1]", "invalid_request_error"))
        self.assertEqual([(item["index"], item["code"]) for item in error["items"]],
                         [(1, "malformed_file"), (3, "malformed_file")])
        answer = self.embeddings({"input": items, "partial": True})
        self.assertEqual(answer.status, 200)
        self.assertEqual([item["index"] for item in answer.json()["data"]], [0, 2])
        self.assertEqual([item["index"] for item in answer.json()["errors"]], [1, 3])
        vectors = self.vectors({"input": items, "partial": True})
        self.assertEqual(vectors, {0: self.embedded("--text", TEXTS[0])[0], 2: self.embedded(PICTURES[1])[0]})
        self.assertEqual(self.embeddings({"input": [{"image": broken}], "partial": True}).status, 400)
        # What is wrong already as it is read: nothing is computed.
        answer = self.embeddings({"input": [*items, {"image": "??"}, {"image": "https://example.org/a.jpg"}]})
        self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, "input[4]"))
        self.assertEqual([item["index"] for item in answer.json()["error"]["items"]], [4, 5])

    def test_errors_of_items_name_their_field(self):
        broken = base64.b64encode(PICTURES[0].read_bytes()[:300]).decode()
        for path, request, field in (
                ("/v1/embeddings", {"input": ["a", {"image": broken}]}, "input[1]"),
                ("/v1/embeddings", {"inputs": ["a", {"image": broken}]}, "inputs[1]"),
                ("/v1/embeddings", {"messages": [{"role": "user", "content": [
                    {"type": "image_base64", "image_base64": broken}]}]}, "messages[0]"),
                ("/v1/classify", {"input": [data_uri(PICTURES[0]), {"image": broken}], "labels": ["a"]}, "input[1]"),
                ("/v1/search", {"text": "a", "image": broken}, "image"),
                ("/v1/search", {"text": ["a", "b"], "image": [data_uri(PICTURES[0]), broken]}, "image[1]")):
            answer = self.service.post(path, request)
            self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, field), answer.body)
            self.assertTrue(answer.message.startswith(field + ": "), answer.message)

    def test_another_model(self):
        for path, request in (("/v1/embeddings", {"input": "a"}), ("/v1/search", {"text": "a"}),
                              ("/v1/classify", {"input": data_uri(PICTURES[0]), "labels": ["a"]})):
            answer = self.service.post(path, {**request, "model": "another"})
            self.assertEqual((answer.status, answer.code), (404, "model_not_found"), path)
            self.assertIn("'demo'", answer.message)
            self.assertEqual(self.service.post(path, {**request, "model": "demo"}).status, 200, path)

    def test_classify_is_siglip_classify(self):
        line, = self.succeed("classify", "--json", "--model", MODEL, "--labels", "circle,star", "--top", 2,
                             PICTURES[0]).stdout.splitlines()
        expected = {label["label"]: label["probability"] for label in json.loads(line)["labels"]}
        answer = self.service.post("/v1/classify", {"input": data_uri(PICTURES[0]), "labels": ["circle", "star"]})
        labels = answer.json()["data"][0]["labels"]
        self.assertEqual(list(map(float32, [label["probability"] for label in labels])),
                         [float32(expected[label["label"]]) for label in labels])
        self.assertEqual(len(labels), 2)

    # --- search

    def test_search_is_siglip_search(self):
        text, other = TEXTS
        picture = self.indexed[2]
        for words, request in (
                ([text], {"text": text}),
                ([text, "--top", 2], {"text": text, "top": 2}),
                ([text, other], {"text": [text, other]}),
                ([text, "--not", other], {"text": text, "not": other}),
                (["--not", other], {"not": other}),
                (["--image", picture], {"image": data_uri(picture)}),
                ([text, "--weight", 2, "--image", picture, "--weight", 0.5],
                 {"text": text, "image": data_uri(picture), "weights": {"text": [2], "image": [0.5]}}),
                ([text, "--all", "--min-score", 0.1], {"text": text, "fold": False, "min_score": 0.1}),
                ([text, "--under", self.home / "elsewhere"], {"text": text, "under": str(self.home / "elsewhere")}),
                ([text, "--format", "jpeg", "--min-width", 100], {"text": text, "format": "jpeg", "min_width": 100})):
            with self.subTest(request=list(request)):
                printed = self.run_search(*words)
                answer = self.search(**request)
                self.assertEqual(answer.pop("object"), "list")
                for each in (printed, answer):
                    self.assertGreaterEqual(each.pop("took_ms"), 0)
                self.assertEqual(answer, printed)

    def run_search(self, *words):
        result = run("search", "--json", "--index", self.scratch.store, *words)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        return json.loads(result.stdout)

    def test_pages_of_hits_and_more_like_this(self):
        whole = self.search(text=TEXTS[0])["data"]
        self.assertEqual(len(whole), 6)
        self.assertEqual(self.search(text=TEXTS[0], offset=2, top=3)["data"], whole[2:5])
        self.assertEqual(self.search(text=TEXTS[0], offset=100)["data"], [])
        like = self.search(like=whole[4]["id"])["data"]
        self.assertEqual(like[0]["id"], whole[4]["id"])
        answer = self.service.post("/v1/search", {"like": 4711})
        self.assertEqual((answer.status, answer.code), (404, "not_found"))

    def test_what_the_index_holds(self):
        about = self.service.get("/v1/index").json()
        status = json.loads(self.succeed("index", "--index", self.scratch.store, "--status", "--json").stdout)
        for field in ("model", "contents", "undecodable", "folders"):
            self.assertEqual(about[field], status[field], field)
        self.assertFalse(about["updating"])

    # --- pictures

    def test_a_picture_is_its_file(self):
        hit = self.first()
        answer = self.service.get(f"/v1/images/{hit['id']}?v={hit['hash']}")
        self.assertEqual((answer.status, answer.fields["content-type"]), (200, "image/jpeg"))
        self.assertEqual(answer.body, pathlib.Path(hit["path"]).read_bytes())
        self.assertIn("immutable", answer.fields["cache-control"])
        self.assertEqual(answer.fields["x-content-type-options"], "nosniff")
        self.assertIn("sandbox", answer.fields["content-security-policy"])
        known = self.service.get(f"/v1/images/{hit['id']}", if_none_match=answer.fields["etag"])
        self.assertEqual((known.status, known.body), (304, b""))

    def test_a_thumbnail_is_kept_where_nobody_else_can_look(self):
        hit = self.first()
        kept = pathlib.Path(self.cache["XDG_CACHE_HOME"], "siglip", "thumbnails")
        for size in (320, 640):
            path = f"/v1/images/{hit['id']}/thumbnail?size={size}&v={hit['hash']}"
            answer = self.service.get(path)
            self.assertEqual((answer.status, answer.fields["content-type"]), (200, "image/jpeg"))
            self.assertEqual((answer.body[:2], answer.body[-2:]), (b"\xff\xd8", b"\xff\xd9"))
            file, = kept.glob(f"*/{hit['hash'][:2]}/{hit['hash']}-{size}-*.jpg")
            self.assertEqual(file.read_bytes(), answer.body)
            for folder in (kept, file.parents[1], file.parents[0]):
                self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700, folder)
            before = file.stat().st_ino
            self.assertEqual(self.service.get(path).body, answer.body)
            self.assertEqual(file.stat().st_ino, before)
        answer = self.service.get(f"/v1/images/{hit['id']}/thumbnail?size=100")
        self.assertEqual((answer.status, answer.json()["error"]["param"]), (400, "size"))

    def test_pictures_that_the_index_does_not_have(self):
        hit = self.first()
        for rest in ("4711", "0", "-1", "x", f"{hit['id']}x", f"{hit['id']}?v=", f"{hit['id']}?v={'0' * 32}",
                     f"{hit['id']}/thumbnail?v={'0' * 32}", "99999999999999999999"):
            answer = self.service.get(f"/v1/images/{rest}")
            self.assertEqual((answer.status, answer.code), (404, "not_found"), rest)

    # --- paths and methods

    def test_paths_and_methods(self):
        for path in ("/nothing", "/v1", "/v1/images", "/v1/images/1/other", "/page/other.js", "/v1/embeddings/"):
            self.assertEqual(self.service.get(path).status, 404, path)
        for method, path, allowed in (("GET", "/v1/embeddings", "POST"), ("POST", "/v1/models", "GET, HEAD"),
                                      ("GET", "/v1/session", "POST, DELETE")):
            answer = self.service.ask(method, path, {} if method == "POST" else None)
            self.assertEqual((answer.status, answer.fields["allow"]), (405, allowed), path)
        for method in ("PUT", "OPTIONS", "TRACE", "BREW"):
            self.assertEqual(self.service.ask(method, "/v1/models").status, 405, method)

    def test_head_is_get_without_a_body(self):
        hit = self.first()
        for path in ("/", "/health", "/v1/models", f"/v1/images/{hit['id']}", f"/v1/images/{hit['id']}/thumbnail"):
            whole, head = (self.service.ask(method, path) for method in ("GET", "HEAD"))
            self.assertEqual((head.status, head.body), (200, b""), path)
            for field in ("content-length", "content-type", "etag"):
                self.assertEqual(head.fields.get(field), whole.fields.get(field), path)

    def test_what_is_told_about_the_service(self):
        self.assertEqual(self.service.get("/health").status, 200)
        self.assertEqual(self.service.get("/ready").json(), {"status": "ready"})
        self.assertEqual([model["id"] for model in self.service.get("/v1/models").json()["data"]],
                         ["demo", "text-embedding-3-small"])
        self.assertEqual(self.service.get("/openapi.json").json()["openapi"][:3], "3.1")
        page = self.service.get("/")
        self.assertEqual(page.fields["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", page.fields["content-security-policy"])
        metrics = self.service.get("/metrics").body.decode()
        self.assertIn("\nsiglip_index_rows 6\n", metrics)
        self.assertIn("siglip_build_info{", metrics)


class FilesTest(IndexedFolderTest):
    """Pictures and an index that change while they are served."""

    def setUp(self):
        super().setUp()
        self.cache = self.folder / "cache"
        self.variables = {"XDG_CACHE_HOME": str(self.cache)}
        for picture in PICTURES[:3]:
            shutil.copy(picture, self.pictures)

    def index(self, *words):
        return self.succeed("index", "--index", self.store, "--model", MODEL, *words, variables=self.variables)

    def serve(self, *words):
        service = Service("--index", self.store, *words, variables=self.variables)
        self.addCleanup(service.close)
        return service

    def ids(self, service):
        hits = service.post("/v1/search", {"text": "a star", "fold": False}).json()["data"]
        return {pathlib.Path(hit["path"]).name: hit["id"] for hit in hits}

    def thumbnails(self):
        return sorted(file.name[:32] for file in self.cache.rglob("*.jpg"))

    def test_files_that_are_no_longer_what_was_indexed(self):
        names = [picture.name for picture in sorted(self.pictures.iterdir())]
        sub = self.pictures / "sub"
        sub.mkdir()
        shutil.copy(PICTURES[4], sub / "in_sub.jpg")
        shutil.copy(PICTURES[5], self.pictures / "gone.jpg")
        self.index(self.pictures)
        service = self.serve()
        ids = self.ids(service)

        def both(name):
            answers = [service.get(f"/v1/images/{ids[name]}{rest}") for rest in ("", "/thumbnail")]
            self.assertEqual(answers[0].status, answers[1].status)
            return answers[0].status, answers[0].code
        secret = self.folder / "secret.jpg"
        (self.pictures / names[0]).rename(secret)
        (self.pictures / names[0]).symlink_to(secret)  # the same bytes and time, but elsewhere
        self.assertEqual(both(names[0]), (403, "link"))
        sub.rename(self.folder / "moved")
        sub.symlink_to(self.folder / "moved")
        self.assertEqual(both("in_sub.jpg"), (403, "link"))
        (self.pictures / names[1]).unlink()
        os.mkfifo(self.pictures / names[1])
        self.assertEqual(both(names[1]), (410, "gone"))
        shutil.copy(PICTURES[6], self.pictures / names[2])
        self.assertEqual(both(names[2]), (410, "gone"))
        (self.pictures / "gone.jpg").unlink()
        self.assertEqual(both("gone.jpg"), (410, "gone"))

    def test_thumbnails_go_with_what_the_index_forgets(self):
        other = self.folder / "other"
        other.mkdir()
        shutil.copy(PICTURES[4], other)
        self.index(self.pictures, other)
        service = self.serve()
        ids = self.ids(service)
        hashes = {}
        for name, content in ids.items():
            answer = service.get(f"/v1/images/{content}/thumbnail")
            self.assertEqual(answer.status, 200)
            hashes[name] = answer.fields["etag"][1:33]
        self.assertEqual(self.thumbnails(), sorted(hashes.values()))
        (self.pictures / PICTURES[0].name).unlink()
        self.index()
        self.assertEqual(self.thumbnails(), sorted(hashes.values()))  # it may come back
        self.index("--prune")
        del hashes[PICTURES[0].name]
        self.assertEqual(self.thumbnails(), sorted(hashes.values()))
        self.index("--remove", other)
        del hashes[PICTURES[4].name]
        self.assertEqual(self.thumbnails(), sorted(hashes.values()))
        self.index("--rebuild")  # another index, under whose name none are kept
        self.assertEqual(self.thumbnails(), [])
        self.assertEqual(sorted(self.ids(service)), [picture.name for picture in PICTURES[1:3]])

    def test_forgetting_in_an_index_without_pictures_leaves_thumbnails_of_others(self):
        self.index(self.pictures)
        service = self.serve()
        content = self.ids(service)[PICTURES[0].name]
        self.assertEqual(service.get(f"/v1/images/{content}/thumbnail").status, 200)
        before = self.thumbnails()
        empty = self.folder / "empty"
        self.succeed("index", "--index", empty, "--model", MODEL, "--prune", variables=self.variables)
        self.assertEqual(self.thumbnails(), before)
        self.assertEqual(len(before), 1)

    def test_an_empty_index_and_one_that_is_made_anew(self):
        for picture in self.pictures.iterdir():
            picture.unlink()
        self.index(self.pictures)
        service = self.serve("--model", MODEL)
        self.assertEqual(service.post("/v1/search", {"text": "a star"}).json()["data"], [])
        self.assertEqual(service.post("/v1/duplicates", {}).json()["data"], [])
        self.assertEqual(service.get("/v1/index").json()["contents"], 0)
        self.assertEqual(service.get("/v1/images/1").status, 404)
        shutil.copy(PICTURES[0], self.pictures)
        self.index()
        self.assertEqual(list(self.ids(service)), [PICTURES[0].name])
        shutil.copy(PICTURES[1], self.pictures)
        self.index("--rebuild")
        self.assertEqual(sorted(self.ids(service)), [picture.name for picture in PICTURES[:2]])
        self.assertEqual(service.get("/v1/index").json()["contents"], 2)
        for name, content in self.ids(service).items():
            self.assertEqual(service.get(f"/v1/images/{content}").body, (self.pictures / name).read_bytes())

    def test_watch(self):
        self.index(self.pictures)
        service = self.serve("--watch")
        wait_until(lambda: not service.get("/v1/index").json()["updating"], "the first update")
        shutil.copy(PICTURES[3], self.pictures / "new.jpg")
        (self.pictures / PICTURES[0].name).unlink()
        expected = ["new.jpg", *(picture.name for picture in PICTURES[1:3])]
        wait_until(lambda: sorted(self.ids(service)) == sorted(expected), "the change is found")
        message = self.fail_with(1, "index", "--index", self.store, "--model", MODEL, self.pictures)
        self.assertIn(str(service.process.pid), message)
        self.assertEqual(service.end(), 0)

    def test_watch_has_the_limits_of_siglip_index(self):
        self.index(self.pictures)
        service = self.serve("--watch", "--max-pixels", 100)
        self.assertEqual(service.post("/v1/embeddings", {"input": data_uri(PICTURES[0])}).code, "limit_exceeded")
        shutil.copy(PICTURES[3], self.pictures / "new.jpg")
        wait_until(lambda: service.get("/v1/index").json()["contents"] == 4, "the change is found")
        self.assertEqual(service.get("/v1/index").json()["undecodable"], 0)
        self.assertIn("new.jpg", self.ids(service))
        self.assertEqual(service.end(), 0)
        # Nothing is left to do.
        again = self.succeed("index", "--index", self.store, "--model", MODEL, self.pictures)
        # Files that are fresh are looked at again, and known by their bytes.
        self.assertRegex(again.stderr, ": 0 embedded, .* 0 failed, ")


class StartTest(IndexedFolderTest):
    """What it refuses to begin with, and says why."""

    def fail_to_serve(self, *words, status=1):
        return self.fail_with(status, "serve", "--port", 0, *words)

    def index(self):
        shutil.copy(PICTURES[0], self.pictures)
        self.succeed("index", "--index", self.store, "--model", MODEL, self.pictures)

    def other_model(self):
        other = self.folder / "other"
        other.mkdir()
        self.succeed("init", "--config", MODEL / "config.json", "--seed", 3, "--force", other)
        for name in ("preprocessor_config.json", "spiece.model", "tokenizer_config.json"):
            shutil.copy(MODEL / name, other)
        return other

    def test_arguments(self):
        shown = " ".join(self.succeed("serve", "--help").stdout.split())
        for words in ("--api-keys FILE", "--drain AGE=30s", "--max-wait AGE=10s", "exit status is 0, not 130 or 143"):
            self.assertIn(words, shown)
        self.assertIn("Did you mean --port", self.fail_with(2, "serve", "--model", MODEL, "--prot", 1))
        for words, said in ((["--model", MODEL, "--watch"], "--index"), ([], "--model"),
                            (["--model", MODEL, "--port", 65536], "65535"),
                            (["--model", MODEL, "--cors-origin", "*"], "expected an origin"),
                            (["--model", MODEL, "--cors-origin", "https://example.org/"], "expected an origin"),
                            (["--model", MODEL, "--drain", "30"], "found '30'"),
                            (["--model", MODEL, "--no-auth", "--api-keys", "keys"], "excludes")):
            self.assertIn(said, self.fail_with(2, "serve", *words), words)

    def test_addresses(self):
        message = self.fail_to_serve("--model", MODEL, "--address", "0.0.0.0")
        for said in ("0.0.0.0", "--api-keys", "--no-auth"):
            self.assertIn(said, message)
        self.assertIn("expected an IP address", self.fail_to_serve("--model", MODEL, "--address", "localhost"))
        service = Service("--model", MODEL, "--address", "0.0.0.0", "--no-auth")
        self.addCleanup(service.close)
        self.assertEqual(service.url, f"http://0.0.0.0:{service.port}/")
        self.assertEqual(service.get("/v1/models").status, 200)
        message = self.fail_with(1, "serve", "--model", MODEL, "--port", service.port)
        self.assertIn(f"127.0.0.1, port {service.port}: Address already in use", message)

    def test_without_an_index_there_is_no_search(self):
        self.assertIn(str(self.folder / "none"), self.fail_to_serve("--index", self.folder / "none"))
        service = Service("--model", MODEL)
        self.addCleanup(service.close)
        for answer in (service.post("/v1/search", {"text": "a"}), service.post("/v1/duplicates", {}),
                       service.get("/v1/index"), service.get("/v1/images/1"), service.get("/v1/images/1/thumbnail")):
            self.assertEqual((answer.status, answer.code), (404, "no_index"))
            self.assertIn("--index", answer.message)
        self.assertEqual(service.post("/v1/embeddings", {"input": "a"}).status, 200)

    def test_an_index_of_another_model(self):
        self.index()
        other = self.other_model()
        message = self.fail_to_serve("--index", self.store, "--model", other)
        for said in (str(self.store), f"made with {MODEL}", f"the model {other} does not fit", "weights"):
            self.assertIn(said, message)
        service = Service("--index", self.store)
        self.addCleanup(service.close)
        self.succeed("index", "--index", self.store, "--rebuild", "--model", other)
        answer = service.post("/v1/search", {"text": "a"})
        self.assertEqual((answer.status, answer.code), (503, "index_mismatch"))
        self.assertIn(f"made with {other}", answer.message)
        self.assertEqual(service.post("/v1/embeddings", {"input": "a"}).status, 200)

    def test_watch_needs_an_index_that_can_be_changed(self):
        self.succeed("index", "--index", self.folder / "empty", "--model", MODEL, "--prune")
        self.assertIn("no folders to watch", self.fail_to_serve("--index", self.folder / "empty", "--model", MODEL,
                                                                "--watch"))
        self.index()
        for path in (*self.store.iterdir(), self.store):
            path.chmod(path.stat().st_mode & ~0o222)
        self.addCleanup(self.store.chmod, 0o700)
        if os.access(self.store / "index.sqlite", os.W_OK):
            self.skipTest("this user may write everywhere")
        self.assertIn(str(self.store), self.fail_to_serve("--index", self.store, "--watch"))


if __name__ == "__main__":
    unittest.main()
