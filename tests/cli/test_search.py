"""siglip search: what is found, in which order, and what is said about it."""

import base64
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, PROGRAM, CommandTest, IndexedFolderTest, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
EVAL = GOLDEN / "demo-model-eval"
TIMES = ROOT / "tests" / "data" / "times"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))


def picture(seed, width=8, remark=""):
    """A small picture of noise. Those of the same seed and another remark show the same."""
    return f"P6\n#{remark}\n{width} 8 255\n".encode() + random.Random(seed).randbytes(24 * width)


def another_model(folder):
    """A copy of the model with other weights."""
    shutil.copytree(MODEL, folder)
    tensors = safetensors_io.read(MODEL / "model.safetensors")
    safetensors_io.write(folder / "model.safetensors", {
        name: -value if name.endswith("layers.0.mlp.fc1.bias") else value
        for name, value in tensors.items()})
    return folder


class SearchTest(IndexedFolderTest):
    def index(self, *words):
        return self.succeed("index", "--index", self.store, "--model", MODEL, *(words or [self.pictures]))

    def search(self, *words, store=None, **options):
        return json.loads(self.succeed("search", "--json", "--index", store or self.store, *words,
                                       **options).stdout)

    def found(self, *words):
        """Names of the hits, in byte order."""
        result = run("search", "--json", "--all", "--top", 1000, "--index", self.store, "a star", *words)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(found["total"], len(found["data"]))
        return sorted(os.path.basename(hit["path"]) for hit in found["data"])


class EvaluationTest(CommandTest):
    """On the evaluation set of the demo model."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = CommandTest()
        CommandTest.setUp(cls.scratch)
        cls.store = cls.scratch.folder / "index"
        run("index", "--index", cls.store, "--model", MODEL, "--preprocess", "pillow13", EVAL)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.doCleanups()
        super().tearDownClass()

    def hits(self, *words):
        found = self.succeed("search", "--json", "--all", "--top", 400, "--index", self.store, *words)
        return json.loads(found.stdout)["data"]

    def test_hits_are_those_of_a_comparison(self):
        """In the order of `siglip compare`, whose embeddings are not rounded to 16 bits."""
        captions = [row["caption"] for row in json.loads((EVAL / "labels.json").read_text())][::25]
        names = sorted(EVAL.glob("[0-9]*"))
        compared = json.loads(self.succeed("compare", "--json", "--model", MODEL, "--preprocess", "pillow13",
                                           *(word for text in captions for word in ("--text", text)),
                                           *names).stdout)
        cosines = numpy.array(compared["cosines"])[400:, :400]
        expected = safetensors_io.read(EVAL / "expected.safetensors")
        texts, images = expected["caption_embeds"][::25], expected["image_embeds"]
        right = (texts @ (images / numpy.linalg.norm(images, axis=1, keepdims=True)).T).argmax(axis=1)
        for text, caption in enumerate(captions):
            hits = self.hits(caption)
            found = [names.index(pathlib.Path(hit["path"])) for hit in hits]
            self.assertEqual(sorted(found), list(range(400)))
            self.assertEqual(found[0], right[text])
            scores = numpy.array([hit["score"] for hit in hits])
            self.assertTrue((scores[:-1] >= scores[1:]).all())
            numpy.testing.assert_allclose(scores, cosines[text, found], atol=3e-4)
            gaps = cosines[text, found][:-1] - cosines[text, found][1:]
            self.assertGreater(gaps.min(), -6e-4)

    def test_a_picture_finds_itself(self):
        hits = self.hits("--image", EVAL / "003.png")
        self.assertEqual(pathlib.Path(hits[0]["path"]).name, "003.png")
        self.assertAlmostEqual(hits[0]["score"], 1, delta=1e-3)
        self.assertNotIn("probability", hits[0])

    def test_standout_is_by_mean_and_deviation_of_all_scores(self):
        found = json.loads(self.succeed("search", "--json", "--all", "--top", 400, "--index", self.store,
                                        "a red circle").stdout)
        scores = numpy.array([hit["score"] for hit in found["data"]])
        self.assertAlmostEqual(found["mean"], scores.mean(), delta=1e-5)
        self.assertAlmostEqual(found["deviation"], scores.std(), delta=1e-5)
        numpy.testing.assert_allclose([hit["standout"] for hit in found["data"]],
                                      (scores - scores.mean()) / scores.std(), atol=1e-3)

    def test_probability_is_that_of_classify(self):
        hits = self.hits("a red circle")[:5]
        rows = self.succeed("classify", "--json", "--model", MODEL, "--preprocess", "pillow13", "--labels",
                            "a red circle", "--template", "{}", *(hit["path"] for hit in hits)).stdout
        for hit, row in zip(hits, rows.splitlines()):
            self.assertAlmostEqual(hit["probability"], json.loads(row)["labels"][0]["probability"], delta=2e-3)

    def test_parts_are_divided_by_the_deviations_of_their_scores(self):
        """red circle - 0.5 black background + 2 picture, against the formula over single searches:
        scores of a sum are sums of scores."""
        name = EVAL / "010.jpg"
        parts = [(("a red circle",), 1), (("a black background",), -0.5), (("--image", name), 2)]
        total = numpy.zeros(400)
        order = sorted(str(path) for path in EVAL.glob("[0-9]*"))
        for words, weight in parts:
            scores = {hit["path"]: hit["score"] for hit in self.hits(*words)}
            scores = numpy.array([scores[path] for path in order])
            total += weight * scores / scores.std()
        for words in (["a red circle", "--not", "a black background", "--image", name, "--weight", 2],
                      ["--image", name, "--weight", 2, "a red circle", "--weight", 1,
                       "a black background", "--weight", "-0.5"],
                      ["--not", "a black background", "--image", name, "--weight", 2, "a red circle"]):
            hits = self.hits(*words)
            scores = {hit["path"]: hit["score"] for hit in hits}
            scores = numpy.array([scores[path] for path in order])
            # The combined query is normalised: scores are the sums but for one factor.
            factor = (scores @ total) / (total @ total)
            numpy.testing.assert_allclose(scores, factor * total, atol=1e-3)
            self.assertNotIn("probability", hits[0])

    def test_a_lone_not_finds_what_is_least_like_it_first(self):
        liked = self.hits("a red circle")
        hits = self.hits("--not", "a red circle")
        self.assertEqual([hit["score"] for hit in hits], [-hit["score"] for hit in reversed(liked)])
        scores = {hit["path"]: hit["score"] for hit in liked}
        self.assertEqual([-scores[hit["path"]] for hit in hits], [hit["score"] for hit in hits])
        self.assertNotIn("probability", hits[0])
        numpy.testing.assert_allclose(hits[0]["standout"], -liked[-1]["standout"], atol=1e-5)
        self.assertEqual(self.hits("a red circle", "--weight", "-3"), hits)

    def test_another_precision_may_search(self):
        for words in (["a red circle"], ["--image", EVAL / "003.png"]):
            exact, close = (self.hits(*words, *extra) for extra in ([], ["--precision", "int8"]))
            self.assertEqual(exact[0]["path"], close[0]["path"])
            self.assertNotEqual(exact[0]["score"], close[0]["score"])

    def test_every_instruction_set_and_any_threads_find_the_same(self):
        def hits(**options):
            result = run("search", "--json", "--top", 50, "--index", self.store, "--image", EVAL / "003.png",
                         **options)
            return [(hit["id"]) for hit in json.loads(result.stdout)["data"]]
        expected = hits()
        self.assertEqual(hits(isa="generic"), expected)
        result = run("search", "--json", "--top", 50, "--index", self.store, "--threads", 1, "--image",
                     EVAL / "003.png")
        self.assertEqual([hit["id"] for hit in json.loads(result.stdout)["data"]], expected)

    def test_weaker_matches_come_below_a_line(self):
        lines = self.succeed("search", "--top", 30, "--index", self.store, "a red circle").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["score", "standout", "probability"])
        self.assertEqual(lines.count("weaker matches:"), 1)
        self.assertEqual(len(lines), 32)

    def test_closed_output(self):
        with subprocess.Popen([PROGRAM, "search", "--index", self.store, "--top", "400", "a star"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()
            said = process.stderr.read()
            process.wait()
        self.assertEqual(said, b"")
        self.assertEqual(process.returncode, 1)
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "search", "--index", self.store, "a star"], stdout=full,
                                    stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No space left", result.stderr)


class EmbeddingsTest(CommandTest):
    """Files that siglip embed wrote, in place of an index."""

    FORMATS = ("npz", "npy", "safetensors", "jsonl", "csv")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = CommandTest()
        CommandTest.setUp(cls.scratch)
        cls.store = cls.scratch.folder / "index"
        run("index", "--index", cls.store, "--model", MODEL, EVAL)
        cls.files = {ending: cls.scratch.folder / f"photos.{ending}" for ending in cls.FORMATS}
        for ending, file in cls.files.items():
            normalize = ["--normalize"] if ending in ("npy", "csv") else []
            run("embed", "--model", MODEL, "-o", file, "--text", "a red circle", *normalize, EVAL)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.doCleanups()
        super().tearDownClass()

    def search(self, file, *words, model=MODEL, **options):
        return json.loads(self.succeed("search", "--json", "--embeddings", file, "--model", model, *words,
                                       **options).stdout)

    def test_hits_are_those_of_an_index(self):
        for words in (["a red circle"], ["--image", EVAL / "003.png"], ["--not", "a star"],
                      ["a red circle", "--not", "a star", "--image", EVAL / "003.png", "--weight", "2"],
                      ["a star", "--min-score", "0.1"]):
            options = (*words, "--top", 400)
            expected = json.loads(self.succeed("search", "--json", "--all", "--index", self.store,
                                               *options).stdout)
            scores = {hit["path"]: hit["score"] for hit in expected["data"]}
            single = len(words) == 1 or words[0] == "--image"
            for ending, file in self.files.items():
                with self.subTest(words=words, ending=ending):
                    found = self.search(file, *options)
                    self.assertEqual(found["total"], 400)
                    paths = {hit["path"]: hit["score"] for hit in found["data"]}
                    self.assertEqual(sorted(paths), sorted(scores))
                    # Of several parts the spreads are sums in another order.
                    numpy.testing.assert_allclose([paths[path] for path in scores], list(scores.values()),
                                                  rtol=0, atol=0 if single else 1e-6)
                    ordered = [hit["score"] for hit in found["data"]]
                    self.assertEqual(ordered, sorted(ordered, reverse=True))
                    self.assertAlmostEqual(found["mean"], expected["mean"], delta=1e-6)
                    self.assertAlmostEqual(found["deviation"], expected["deviation"], delta=1e-6)
                    for name in ("standout", "probability"):
                        self.assertEqual(name in found["data"][0], name in expected["data"][0])

    def test_what_a_file_does_not_hold_is_null(self):
        hit = self.search(self.files["npz"], "a star")["data"][0]
        self.assertEqual([hit[name] for name in ("hash", "width", "height", "taken", "copies", "alike")],
                         [None, None, None, None, [], []])
        names = numpy.load(self.files["npz"])["names"]
        self.assertEqual(names[hit["id"]], hit["path"])

    def test_an_exported_index(self):
        for ending, dtype in (("npz", "float16"), ("safetensors", "float32")):
            file = self.folder / f"exported.{ending}"
            self.succeed("index", "--index", self.store, "--export", file, "--dtype", dtype)
            found = self.search(file, "a red circle", "--top", 400)
            expected = json.loads(self.succeed("search", "--json", "--all", "--index", self.store, "--top", 400,
                                               "a red circle").stdout)
            found, expected = (sorted((hit["path"], hit["score"]) for hit in hits["data"])
                               for hits in (found, expected))
            self.assertEqual(len(found), len(expected))
            for ours, theirs in zip(found, expected):
                self.assertEqual(ours, theirs)

    def test_paths_and_pages(self):
        shutil.copy(PICTURES[0], self.folder / "a b.jpg")
        (self.folder / "c.ppm").write_bytes(picture(1))
        self.succeed("embed", "--model", MODEL, "-o", "some.npz", "a b.jpg", "c.ppm", cwd=self.folder)
        (self.folder / "c.ppm").unlink()
        base = ("search", "--embeddings", "some.npz", "--model", MODEL, "--image", "a b.jpg")
        self.assertEqual(self.succeed(*base, "--paths-only", "-0", cwd=self.folder).stdout, "a b.jpg\0c.ppm\0")
        self.succeed(*base, "--html", "page.html", cwd=self.folder)
        page = (self.folder / "page.html").read_text()
        self.assertEqual(page.count("data:image/jpeg"), 1)
        self.assertIn("can no longer be read", page)
        self.assertNotIn("0 × 0", page)

    def test_filters(self):
        (self.folder / "sub").mkdir()
        for name in ("sub/a.ppm", "b.ppm"):
            (self.folder / name).write_bytes(picture(name))
        self.succeed("embed", "--model", MODEL, "-o", "some.npz", "sub/a.ppm", "b.ppm", cwd=self.folder)
        base = ("search", "--embeddings", "some.npz", "--model", MODEL, "a star")
        self.assertEqual(self.succeed(*base, "--paths-only", "--under", "sub", cwd=self.folder).stdout,
                         "sub/a.ppm\n")
        for words in (["--after", "2024"], ["--before", "2024"], ["--format", "png"], ["--min-width", "5"],
                      ["--index", self.store]):
            message = self.fail_with(2, *base, *words, cwd=self.folder)
            self.assertIn(words[0], message)
        # What the environment says is for all commands.
        self.succeed(*base, cwd=self.folder, variables={"SIGLIP_INDEX": str(self.store)})

    def test_the_model_must_be_told_and_fit(self):
        self.assertIn("--model", self.fail_with(2, "search", "--embeddings", self.files["npz"], "a star"))
        file = self.folder / "narrow.jsonl"
        file.write_text('{"type":"picture","path":"a","embedding":[1,2,3]}\n')
        message = self.fail_with(1, "search", "--embeddings", file, "--model", MODEL, "a star")
        for said in (str(file), "3 numbers", str(MODEL), "128"):
            self.assertIn(said, message)

    def test_another_model(self):
        other = another_model(self.folder / "other")
        exported = self.folder / "exported.safetensors"
        self.succeed("index", "--index", self.store, "--export", exported)
        for file in (self.files["safetensors"], exported):
            message = self.fail_with(1, "search", "--embeddings", file, "--model", other, "a star")
            self.assertIn(str(file), message)
            self.assertIn("weights", message)

    def test_what_is_recorded_is_the_default(self):
        file = self.folder / "pillow.safetensors"
        self.succeed("embed", "--model", MODEL, "--preprocess", "pillow", "-o", file, EVAL / "003.png")
        hit, = self.search(file, "--image", EVAL / "003.png")["data"]
        self.assertAlmostEqual(hit["score"], 1, delta=1e-3)
        message = self.fail_with(1, "search", "--embeddings", file, "--model", MODEL, "--preprocess", "torchvision",
                                 "a star")
        self.assertIn("preprocess was pillow, is now torchvision", message)

    def test_rows_that_are_no_vectors(self):
        file = self.folder / "a.npz"
        for rows, said in (([[0] * 128], "row 0 (a)"), ([[numpy.nan] * 128], "row 0 (a)")):
            numpy.savez(file, embeddings=numpy.array(rows, "<f4"), names=numpy.array(["a"]))
            message = self.fail_with(1, "search", "--embeddings", file, "--model", MODEL, "a star")
            self.assertIn(str(file), message)
            self.assertIn(said, message)
        self.succeed("embed", "--model", MODEL, "-o", self.folder / "texts.npz", "--text", "a star")
        self.assertIn("no pictures", self.fail_with(1, "search", "--embeddings", self.folder / "texts.npz",
                                                    "--model", MODEL, "a star"))


class OutputTest(SearchTest):
    def test_fields_and_their_types(self):
        shutil.copy(TIMES / "all.jpg", self.pictures)
        shutil.copy(TIMES / "all.jpg", self.pictures / "copy.jpg")
        (self.pictures / "b.ppm").write_bytes(picture(1))
        self.index()
        found = self.search("a star")
        self.assertEqual(list(found), ["total", "took_ms", "mean", "deviation", "data"])
        self.assertEqual(found["total"], 2)
        self.assertGreater(found["took_ms"], 0)
        self.assertIsNone(found["mean"])  # of two pictures it says little
        self.assertIsNone(found["deviation"])
        hits = {os.path.basename(hit["path"]): hit for hit in found["data"]}
        self.assertEqual(sorted(hits), ["all.jpg", "b.ppm"])
        for hit in hits.values():
            self.assertEqual(list(hit), ["id", "hash", "path", "score", "standout", "probability", "width",
                                         "height", "taken", "copies", "alike"])
            self.assertIsInstance(hit["id"], int)
            self.assertRegex(hit["hash"], "^[0-9a-f]{32}$")
            self.assertIsInstance(hit["score"], float)
            self.assertIsNone(hit["standout"])
            self.assertIsInstance(hit["probability"], float)
            self.assertEqual(hit["alike"], [])
        # The picture is 16 x 12 and its orientation turns it.
        self.assertEqual([hits["all.jpg"][key] for key in ("width", "height", "taken", "copies")],
                         [12, 16, "2024-05-17T09:30:05+05:30", [str(self.pictures / "copy.jpg")]])
        self.assertEqual([hits["b.ppm"][key] for key in ("width", "height", "taken", "copies")],
                         [8, 8, None, []])

    def test_paths_that_are_no_utf8(self):
        name = os.fsencode(self.pictures) + b"/caf\xe9.ppm"
        with open(name, "wb") as file:
            file.write(picture(1))
        self.index()
        hit, = self.search("a star")["data"]
        self.assertEqual(hit["path"], f"{self.pictures}/caf\N{REPLACEMENT CHARACTER}.ppm")
        self.assertEqual(base64.b64decode(hit["path_base64"]), name)

    def test_paths_only(self):
        for name in ("a b.ppm", "c\nd.ppm", "e.ppm"):
            (self.pictures / name).write_bytes(picture(name))
        self.index()
        paths = [hit["path"] for hit in self.search("a star")["data"]]
        base = ("search", "--index", self.store, "a star", "--paths-only")
        self.assertEqual(self.succeed(*base).stdout, "".join(f"{path}\n" for path in paths))
        self.assertEqual(self.succeed(*base, "-0").stdout, "".join(f"{path}\0" for path in paths))
        self.assertIn("--paths-only", self.fail_with(2, "search", "--index", self.store, "a star", "-0"))

    def test_table(self):
        (self.pictures / "a\x1b[31m.ppm").write_bytes(picture(1))
        (self.pictures / "b.ppm").write_bytes(picture(1))
        (self.pictures / "c.ppm").write_bytes(picture(1, remark="again"))
        self.index()
        lines = self.succeed("search", "--index", self.store, "a star").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["score", "probability"])
        self.assertEqual(len(lines), 2)
        self.assertNotIn("\x1b", lines[1])
        self.assertIn("(+1 copy, +1 alike)", lines[1])
        score, probability = re.match(r" *(-?\d\.\d{4}) +(<?\d+\.\d %)  /", lines[1]).groups()
        hit, = self.search("a star")["data"]
        self.assertAlmostEqual(float(score), hit["score"], delta=6e-5)
        self.assertTrue(probability == "<0.1 %" or
                        abs(float(probability[:-2]) - 100 * hit["probability"]) < 0.06)

    def test_what_shows_the_same_is_one_hit(self):
        for i in range(5):
            (self.pictures / f"{i}.ppm").write_bytes(picture(1, remark=str(i)))
        (self.pictures / "other.ppm").write_bytes(picture(2))
        self.index()
        folded = self.search("a star")
        self.assertEqual(folded["total"], 6)
        self.assertEqual(len(folded["data"]), 2)
        together = next(hit for hit in folded["data"] if hit["alike"])
        every = self.search("a star", "--all")["data"]
        self.assertEqual(len(every), 6)
        self.assertEqual({together["id"], *together["alike"]},
                         {hit["id"] for hit in every if not hit["path"].endswith("other.ppm")})

    def test_top_and_lowest_score(self):
        for i in range(30):
            (self.pictures / f"{i}.ppm").write_bytes(picture(i))
        self.index()
        every = self.search("a star", "--all", "--top", 100)["data"]
        self.assertEqual(len(every), 30)
        self.assertEqual(len(self.search("a star", "--all")["data"]), 20)
        self.assertEqual(self.search("a star", "--all", "--top", 3)["data"], every[:3])
        limit = (every[9]["score"] + every[10]["score"]) / 2
        self.assertEqual(self.search("a star", "--all", "--min-score", limit)["data"], every[:10])
        base = ("search", "--index", self.store, "a star", "--min-score", 1.5)
        result = run(*base)
        self.assertEqual((result.returncode, result.stdout), (1, "no pictures found\n"))
        result = run(*base, "--paths-only")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (1, "", ""))
        result = run(*base, "--json")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout)["data"], [])


class FilterTest(SearchTest):
    def test_filters(self):
        (self.pictures / "sub").mkdir()
        shutil.copy(TIMES / "all.jpg", self.pictures / "jpeg.jpg")            # 12 wide, 2024-05-17T09:30:05
        shutil.copy(TIMES / "all.png", self.pictures / "sub" / "png.jpg")     # likewise
        shutil.copy(TIMES / "no-time.jpg", self.pictures / "sub" / "no-time.jpg")
        (self.pictures / "sub" / "wide.ppm").write_bytes(picture(1, 30))
        (self.pictures / "sub-b.ppm").write_bytes(picture(2, 8))
        self.index()
        dated = ["jpeg.jpg", "png.jpg"]
        for words, expected in (
                (["--after", "2024"], dated), (["--after", "2024-05-17T09:30:05"], dated),
                (["--after", "2024-05-17T09:30:06"], []), (["--before", "2024-05-17T09:30:05"], []),
                (["--before", "2024-05-17T09:30:06"], dated), (["--before", "2024-05-17"], []),
                (["--after", "2024-05", "--before", "2024-06"], dated), (["--before", "2024"], []),
                (["--format", "jpeg"], ["jpeg.jpg", "no-time.jpg"]), (["--format", "png"], ["png.jpg"]),
                (["--format", "heic"], []), (["--min-width", "13"], ["wide.ppm"]),
                (["--min-width", "0"], ["jpeg.jpg", "no-time.jpg", "png.jpg", "sub-b.ppm", "wide.ppm"]),
                (["--under", self.pictures / "sub"], ["no-time.jpg", "png.jpg", "wide.ppm"]),
                (["--under", self.pictures / "sub", "--after", "2024"], ["png.jpg"]),
                (["--under", self.pictures / "su"], []), (["--under", self.folder / "elsewhere"], [])):
            with self.subTest(words=words):
                self.assertEqual(self.found(*words), expected)
        relative = run("search", "--index", self.store, "--paths-only", "--under", "sub", "--format", "pnm",
                       "a star", cwd=self.pictures)
        self.assertEqual(relative.stdout, f"{self.pictures}/sub/wide.ppm\n")

    def test_wrong_filters(self):
        for words in (["--after", "yesterday"], ["--before", "2024-13"], ["--before", "2024-05-17T25:00:00"],
                      ["--format", "jpg"], ["--min-width", "-1"], ["--min-width", "wide"], ["--top", "0"],
                      ["--min-score", "high"], ["--weight", "much"]):
            self.assertIn(words[0], self.fail_with(2, "search", "a star", f"{words[0]}={words[1]}"))


class QueryTest(SearchTest):
    def setUp(self):
        super().setUp()
        for path in PICTURES:
            shutil.copy(path, self.pictures)
        self.index()

    def test_a_weight_belongs_to_what_it_follows(self):
        base = self.search("a red circle", "a blue star", "--weight", 0.25)["data"]
        self.assertEqual(self.search("a blue star", "--weight", 0.25, "a red circle")["data"], base)
        self.assertEqual(self.search("a red circle", "--weight", 4, "a blue star")["data"][0]["path"],
                         base[0]["path"])
        self.assertNotEqual(self.search("a red circle", "--weight", 0.25, "a blue star")["data"], base)
        without = self.search("a red circle", "--not", "a blue star")["data"]
        self.assertEqual(self.search("a red circle", "a blue star", "--weight", -0.5)["data"], without)
        self.assertEqual(self.search("a red circle", "--not", "a blue star", "--weight", -0.5)["data"],
                         without)

    def test_what_is_no_query(self):
        base = ("search", "--index", self.store)
        self.assertIn("WORDS", self.fail_with(2, *base))
        self.assertIn("--weight", self.fail_with(2, *base, "--weight", 2, "a star"))
        self.assertIn("cancel out", self.fail_with(1, *base, "a star", "--not", "a star", "--weight", -1))
        self.assertIn("finite", self.fail_with(1, *base, "a star", "b", "--weight", "inf"))
        self.assertIn("nothing.jpg", self.fail_with(1, *base, "--image", "nothing.jpg"))
        self.assertIn("Did you mean --top", self.fail_with(2, *base, "a star", "--tpo", 3))

    def test_a_lone_part_needs_no_weight(self):
        self.assertEqual(self.search("a star", "--weight", 3)["data"], self.search("a star")["data"])


class IndexTest(SearchTest):
    def test_no_index(self):
        message = self.fail_with(1, "search", "--index", self.store, "a star")
        self.assertIn(str(self.store), message)
        self.assertIn("siglip index", message)
        self.assertFalse(self.store.exists())

    def test_an_empty_folder(self):
        self.index()
        result = run("search", "--index", self.store, "a star")
        self.assertEqual((result.returncode, result.stdout), (1, "no pictures found\n"))

    def test_one_picture(self):
        (self.pictures / "a.ppm").write_bytes(picture(1))
        self.index()
        self.assertEqual(len(self.search("a star")["data"]), 1)
        message = self.fail_with(1, "search", "--index", self.store, "a star", "a circle")
        self.assertIn("index more pictures", message)

    def test_a_model_without_texts(self):
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        config = json.loads((model / "config.json").read_text())
        tensors = safetensors_io.read(model / "model.safetensors")
        safetensors_io.write(model / "model.safetensors",
                             {name: value for name, value in tensors.items() if name.startswith("vision_model.")})
        (model / "config.json").write_text(json.dumps(
            {**config["vision_config"], "model_type": "siglip_vision_model"}))
        (self.pictures / "a.ppm").write_bytes(picture(1))
        (self.pictures / "b.ppm").write_bytes(picture(2))
        self.succeed("index", "--index", self.store, "--model", model, self.pictures)
        message = self.fail_with(1, "search", "--index", self.store, "a star")
        self.assertIn(str(model), message)
        self.assertIn("text", message)
        hits = self.search("--image", self.pictures / "b.ppm")["data"]
        self.assertEqual(os.path.basename(hits[0]["path"]), "b.ppm")
        # Nothing says that another model's text tower is of the same training.
        self.fail_with(1, "search", "--index", self.store, "--model", MODEL, "a star")

    def test_the_recorded_model_is_gone(self):
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        (self.pictures / "a.ppm").write_bytes(picture(1))
        self.succeed("index", "--index", self.store, "--model", model, self.pictures)
        model.rename(self.folder / "moved")
        self.assertIn(str(model), self.fail_with(1, "search", "--index", self.store, "a star"))
        self.search("a star", "--model", self.folder / "moved")
        self.search("a star", "--model", MODEL)  # the same weights

    def test_another_model(self):
        other = another_model(self.folder / "other")
        (self.pictures / "a.ppm").write_bytes(picture(1))
        self.index()
        for words in (["a star"], ["--image", PICTURES[0]]):
            message = self.fail_with(1, "search", "--index", self.store, "--model", other, *words)
            self.assertIn(f"made with {MODEL}", message)
            self.assertIn("weights", message)

    def test_contact_sheet(self):
        (self.pictures / "a.ppm").write_bytes(picture(1))
        self.index()
        page = self.folder / "page.html"
        self.search("a star", "--html", page)
        self.assertIn("a star", page.read_text())
        self.assertIn(str(page), self.fail_with(1, "search", "--index", self.store, "a star", "--html", page))
        self.search("a star", "--html", page, "--force")


if __name__ == "__main__":
    unittest.main()
