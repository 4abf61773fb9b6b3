"""POST /v1/embeddings as OpenAI's client asks, and what others send: every form of an item.

    test_clients.py [--siglip PROGRAM] [unittest's own arguments]

Needs the package openai. Embeddings are expected to be those of `siglip embed`, to the bit.
"""

import argparse
import base64
import concurrent.futures
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import httpx2
import openai

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from service import Service, data_uri

DEMO = ROOT / "models" / "demo"
IMAGES = ROOT / "examples" / "images"
TEXTS = ["a red heart", "two blue stars", "一只猫"]
NAMES = ["00.jpg", "01.jpg", "02.jpg"]

options = argparse.Namespace(siglip=ROOT / "build/release/apps/cli/siglip")
service = None
expected = {}  # text or name of a picture: embedding


def embedded(*arguments):
    """Of `siglip embed`: rounded nowhere, as its .npy holds the floats themselves."""
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "out.npy"
        subprocess.run([options.siglip, "embed", "--quiet", "--model", DEMO, "--output", output, *arguments],
                       check=True, capture_output=True)
        data = output.read_bytes()
    header = data[10:10 + struct.unpack("<H", data[8:10])[0]].decode()
    rows, columns = eval(header, {})["shape"]  # a dictionary of Python, by the format's definition
    values = struct.unpack(f"<{rows * columns}f", data[-4 * rows * columns:])
    return [list(values[row * columns:(row + 1) * columns]) for row in range(rows)]


def setUpModule():
    global service
    texts = [word for text in TEXTS for word in ("--text", text)]
    found = embedded("--normalize", *texts, *(IMAGES / name for name in NAMES))
    expected.update(zip(TEXTS + NAMES, found))
    service = Service("--model", DEMO, "--alias", "text-embedding-3-small", program=options.siglip)


def tearDownModule():
    service.close()


def client(**arguments):
    return openai.OpenAI(base_url=(arguments.pop("asked", None) or service).url + "v1", api_key="none", **arguments)


def as_float32(values):
    """Decimal digits name the 32-bit float that is nearest."""
    return list(struct.unpack(f"{len(values)}f", struct.pack(f"{len(values)}f", *values)))


def data_of(name):
    return (IMAGES / name).read_bytes()


def base64_of(name):
    return base64.b64encode(data_of(name)).decode()


def uri_of(name):
    return data_uri(IMAGES / name)


class OpenAiTest(unittest.TestCase):
    """What openai's client sends by itself."""

    def embed(self, given, **arguments):
        return client().embeddings.create(model="demo", input=given, **arguments)

    def assert_embeddings(self, reply, names):
        self.assertEqual([item.index for item in reply.data], list(range(len(names))))
        self.assertEqual([item.embedding for item in reply.data], [expected[name] for name in names])

    def refused(self, given, **arguments):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.embed(given, **arguments)
        return caught.exception

    def test_a_text(self):
        reply = self.embed(TEXTS[0])
        self.assert_embeddings(reply, TEXTS[:1])
        self.assertEqual((reply.object, reply.model, reply.data[0].object), ("list", "demo", "embedding"))
        self.assertGreater(reply.usage.prompt_tokens, 0)
        self.assertEqual(reply.usage.total_tokens, reply.usage.prompt_tokens)

    def test_a_list_of_texts(self):
        self.assert_embeddings(self.embed(TEXTS), TEXTS)

    def test_base64_and_float_have_equal_bits(self):
        # Told nothing the client asks for base64, and makes floats of it; told base64 it hands strings on.
        reply = self.embed(TEXTS, encoding_format="float")
        self.assertEqual([as_float32(item.embedding) for item in reply.data], [expected[text] for text in TEXTS])
        for item, text in zip(self.embed(TEXTS, encoding_format="base64").data, TEXTS):
            self.assertEqual(base64.b64decode(item.embedding), struct.pack(f"<{len(expected[text])}f", *expected[text]))

    def test_an_alias_names_the_model(self):
        reply = client().embeddings.create(model="text-embedding-3-small", input=TEXTS[0])
        self.assert_embeddings(reply, TEXTS[:1])
        self.assertEqual([model.id for model in client().models.list()], ["demo", "text-embedding-3-small"])
        with self.assertRaises(openai.NotFoundError) as caught:
            client().embeddings.create(model="clip", input=TEXTS[0])
        self.assertEqual((caught.exception.code, caught.exception.param), ("model_not_found", "model"))
        self.assertIn("'demo'", caught.exception.message)

    def test_token_numbers_are_refused_with_the_reason(self):
        for tokens in ([1, 2, 3], [[1, 2], [3]]):
            error = self.refused(tokens)
            self.assertEqual((error.status_code, error.code, error.param), (400, "unsupported", "input[0]"))
            self.assertIn("check_embedding_ctx_length=False", error.message)

    def test_dimensions(self):
        size = len(expected[TEXTS[0]])
        self.assert_embeddings(self.embed(TEXTS[0], dimensions=size), TEXTS[:1])
        error = self.refused(TEXTS[0], dimensions=size // 2)
        self.assertEqual(error.param, "dimensions")
        self.assertIn(str(size), error.message)

    def test_user_and_unknown_fields_are_ignored(self):
        self.assert_embeddings(self.embed(TEXTS[0], user="u-1", extra_body={"truncate": True}), TEXTS[:1])

    def test_pictures_and_texts_together(self):
        # As Jina's, Cohere's, Voyage's and others' clients write them.
        items = [uri_of("00.jpg"), TEXTS[0], {"image": uri_of("01.jpg")}, {"image": base64_of("02.jpg")},
                 {"text": TEXTS[1]}, {"type": "text", "text": TEXTS[2]},
                 {"type": "image_url", "image_url": uri_of("00.jpg")},
                 {"type": "image_url", "image_url": {"url": uri_of("01.jpg")}},
                 {"type": "image", "image_url": {"url": uri_of("02.jpg"), "detail": "low"}},
                 {"type": "image_base64", "image_base64": base64_of("00.jpg")},
                 {"content": [{"type": "text", "text": TEXTS[0]}]},
                 {"content": [{"type": "image_url", "image_url": {"url": uri_of("01.jpg")}}]}]
        names = ["00.jpg", TEXTS[0], "01.jpg", "02.jpg", TEXTS[1], TEXTS[2], "00.jpg", "01.jpg", "02.jpg", "00.jpg",
                 TEXTS[0], "01.jpg"]
        self.assert_embeddings(self.embed("", extra_body={"input": items}), names)
        for item, name in zip(items, names):
            with self.subTest(str(item)[:60]):
                self.assert_embeddings(self.embed("", extra_body={"input": item}), [name])

    def test_modality_makes_strings_pictures(self):
        given = [base64_of("00.jpg"), uri_of("01.jpg")]
        self.assert_embeddings(self.embed(given, extra_body={"modality": "image"}), NAMES[:2])
        # What looks like base64 is a text otherwise.
        self.assertNotEqual(self.embed(given[0]).data[0].embedding, expected["00.jpg"])

    def test_without_unit_norm(self):
        reply = self.embed(TEXTS[0], extra_body={"normalize": False})
        self.assertEqual([reply.data[0].embedding], embedded("--text", TEXTS[0]))
        self.assertNotEqual(reply.data[0].embedding, expected[TEXTS[0]])

    def test_nothing_is_fetched_or_opened(self):
        for address in ("http://127.0.0.1:1/x.jpg", "https://example.org/x.jpg", "file:///etc/passwd", "/etc/passwd",
                        str(IMAGES / "00.jpg")):
            for item in ({"image": address}, {"type": "image_url", "image_url": {"url": address}}):
                with self.subTest(item):
                    error = self.refused("", extra_body={"input": [item]})
                    self.assertEqual(error.code, "invalid_argument")
                    self.assertRegex(error.param, r"^input\[0\]")
        error = self.refused("", extra_body={"input": [{"image": "https://example.org/x.jpg"}]})
        self.assertIn("nothing in a request is ever fetched", error.message)

    def test_what_is_no_item_is_refused(self):
        text_and_picture = {"content": [{"type": "text", "text": "a"},
                                        {"type": "image_url", "image_url": {"url": uri_of("00.jpg")}}]}
        for given, part in (("", "empty"), ([], "input"), ([TEXTS[0], ""], "input[1]"),
                            ([text_and_picture], "text and a picture"),
                            ([{"text": "a", "image": uri_of("00.jpg")}], "text and a picture"),
                            ([{"video": "x"}], "input[0]"), (["a"] * 2049, "2048")):
            with self.subTest(str(given)[:60]):
                self.assertIn(part, self.refused("", extra_body={"input": given}).message)

    def test_a_bad_item_has_all_refused(self):
        given = [TEXTS[0], "data:image/png;base64,aGVsbG8=", {"image": base64_of("00.jpg")[:400]}]
        error = self.refused("", extra_body={"input": given})
        self.assertEqual((error.status_code, error.param, error.type), (400, "input[1]", "invalid_request_error"))
        self.assertEqual([item["index"] for item in error.body["items"]], [1, 2])
        for item in error.body["items"]:
            self.assertTrue(item["code"] and item["message"])
        self.assertEqual(error.request_id, error.response.headers["x-request-id"])

    def test_partial_gives_the_good_ones(self):
        given = [TEXTS[0], "data:image/png;base64,aGVsbG8=", uri_of("00.jpg"), {"image": "https://example.org"}]
        reply = self.embed("", extra_body={"input": given, "partial": True})
        self.assertEqual([(item.index, item.embedding) for item in reply.data],
                         [(0, expected[TEXTS[0]]), (2, expected["00.jpg"])])
        self.assertEqual([error["index"] for error in reply.errors], [1, 3])
        error = self.refused("", extra_body={"input": given[1:2], "partial": True})
        self.assertEqual(error.param, "input[0]")

    def test_the_asynchronous_client(self):
        import asyncio

        async def ask():
            async with openai.AsyncOpenAI(base_url=service.url + "v1", api_key="none") as asking:
                return await asyncio.gather(*(asking.embeddings.create(model="demo", input=text) for text in TEXTS))

        for reply, text in zip(asyncio.run(ask()), TEXTS):
            self.assert_embeddings(reply, [text])


class OtherFormsTest(unittest.TestCase):
    """What openai's client has no words for."""

    def assert_embedding(self, answer, name):
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual([as_float32(item["embedding"]) for item in answer.json()["data"]], [expected[name]])

    def test_messages(self):
        picture = {"type": "image_url", "image_url": {"url": uri_of("00.jpg")}}
        for content, name in (([picture], "00.jpg"), ([picture, {"type": "text", "text": ""}], "00.jpg"),
                              ([{"type": "text", "text": TEXTS[0]}], TEXTS[0]), (TEXTS[0], TEXTS[0])):
            with self.subTest(str(content)[:60]):
                self.assert_embedding(service.post("/v1/embeddings", {"model": "demo", "messages": [
                    {"role": "user", "content": content}]}), name)
        answer = service.post("/v1/embeddings", {"messages": [
            {"role": "user", "content": [picture, {"type": "text", "text": "a"}]}]})
        self.assertEqual((answer.status, answer.code), (400, "invalid_argument"))

    def test_inputs(self):
        for path in ("/v1/embeddings", "/embeddings"):
            self.assert_embedding(service.post(path, {"inputs": [TEXTS[0]]}), TEXTS[0])
            self.assert_embedding(service.post(path, {"inputs": [{"content": [{"type": "image_base64",
                                                                             "image_base64": base64_of("01.jpg")}]}]}),
                                  "01.jpg")

    def test_a_picture_as_the_body(self):
        self.assert_embedding(service.post("/v1/embeddings", data_of("02.jpg"), content_type="image/jpeg"), "02.jpg")


class BusyTest(unittest.TestCase):
    """A queue that is full."""

    CLIENTS = 12

    def test_retries_wait_as_they_are_told(self):
        with Service("--model", DEMO, "--threads", "1", "--queue", "48", program=options.siglip) as busy:
            tries = [[] for _ in range(self.CLIENTS)]  # of each client: when, and what Retry-After said

            def ask(number):
                def note(response):
                    tries[number].append((time.monotonic(), response.status_code, response.headers.get("retry-after")))
                transport = httpx2.Client(event_hooks={"response": [note]})
                with client(asked=busy, http_client=transport, timeout=120) as asking:
                    return asking.embeddings.create(
                        model="demo", input=[uri_of(NAMES[at % len(NAMES)]) for at in range(48)])

            with concurrent.futures.ThreadPoolExecutor(self.CLIENTS) as pool:
                replies = list(pool.map(ask, range(self.CLIENTS)))
            for reply in replies:
                self.assertEqual([item.embedding for item in reply.data],
                                 [expected[NAMES[at % len(NAMES)]] for at in range(48)])
            refusals = 0
            for own in tries:
                self.assertEqual(own[-1][1], 200)
                for (when, status, after), (again, _, _) in zip(own, own[1:]):
                    self.assertEqual(status, 429)
                    self.assertIn(int(after), range(1, 61))
                    self.assertGreaterEqual(again - when, int(after) - 0.05)
                    refusals += 1
            self.assertGreater(refusals, 0)

    def test_a_burst_is_answered_by_retries_of_the_client_itself(self):
        max_wait = 1  # second
        with Service("--model", DEMO, "--threads", "1", "--queue", "100000", "--max-wait", f"{max_wait}s",
                     program=options.siglip) as busy:
            uris = [uri_of(name) for name in NAMES]

            def ask(count):
                with client(asked=busy, timeout=120) as asking:
                    return len(asking.embeddings.create(model="demo", input=(count * uris)[:count]).data)

            ask(100)
            began = time.monotonic()
            ask(200)
            each = round(4 * max_wait * 200 / (time.monotonic() - began) / self.CLIENTS)
            with concurrent.futures.ThreadPoolExecutor(self.CLIENTS) as pool:
                self.assertEqual(list(pool.map(ask, self.CLIENTS * [each])), self.CLIENTS * [each])
            self.assertIn(429, {line["status"] for line in busy.log()})

    def test_what_never_fits_is_refused_for_good(self):
        with Service("--model", DEMO, "--queue", "4", program=options.siglip) as small:
            with self.assertRaises(openai.APIStatusError) as caught:
                client(asked=small).embeddings.create(model="demo", input=["a"] * 5)
            self.assertEqual((caught.exception.status_code, caught.exception.code), (400, "limit_exceeded"))
            self.assertNotIn("retry-after", caught.exception.response.headers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--siglip", type=pathlib.Path)
    _, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest])
