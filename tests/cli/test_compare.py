"""siglip compare: cosines of embeddings as a table and as JSON."""

import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import GOLDEN, CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))[:4]


class CompareTest(CommandTest):
    def test_json_holds_the_cosines(self):
        found = json.loads(self.succeed("compare", "--model", MODEL, "--json", *PICTURES).stdout)
        self.assertEqual(found["paths"], [str(p) for p in PICTURES])
        lines = self.succeed("embed", "--model", MODEL, *PICTURES).stdout.splitlines()
        vectors = numpy.array([json.loads(line)["embedding"] for line in lines])
        vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
        numpy.testing.assert_allclose(found["cosines"], vectors @ vectors.T, atol=1e-6)

    def test_table(self):
        table = self.succeed("compare", "--model", MODEL, *PICTURES).stdout.splitlines()
        self.assertEqual(table[0].split(), ["1", "2", "3", "4"])
        self.assertEqual(len({len(line) for line in table}), 1)
        for number, (line, picture) in enumerate(zip(table[1:], PICTURES), start=1):
            first, name, *cosines = line.split()
            self.assertEqual((first, name), (str(number), str(picture)))
            self.assertEqual(cosines[number - 1], "1.0000")

    def test_fast_decoding_changes_large_jpegs_a_little(self):
        model = self.folder / "model"
        shutil.copytree(GOLDEN / "vision-head", model)
        (model / "preprocessor_config.json").write_text('{"size": {"height": 48, "width": 48}}')
        words = ("compare", "--model", model, "--json", GOLDEN / "images" / "rgb.jpg",
                 GOLDEN / "images" / "rgb.png", GOLDEN / "images" / "rgb-444.jpg")
        exact = numpy.array(json.loads(self.succeed(*words).stdout)["cosines"])
        fast = numpy.array(json.loads(self.succeed(*words, "--fast-decode").stdout)["cosines"])
        # Only the first, of 311 x 203 pixels, is large enough.
        self.assertTrue(numpy.all(exact[0, 1:] != fast[0, 1:]))
        self.assertEqual(exact[1, 2], fast[1, 2])
        numpy.testing.assert_allclose(fast, exact, atol=0.02)

    def test_a_bad_picture_is_left_out(self):
        bad = self.folder / "bad.jpg"
        bad.touch()
        error = self.fail_with(3, "compare", "--model", MODEL, PICTURES[0], bad, PICTURES[1])
        self.assertIn("bad.jpg", error)
        self.fail_with(1, "compare", "--model", MODEL, bad)
        self.fail_with(1, "compare", "--model", self.folder, PICTURES[0])
        self.assertIn("--text", self.fail_with(2, "compare", "--model", MODEL))

    def test_pictures_and_texts(self):
        texts = ["a red circle", "[a, b]"]
        words = ("--text", texts[0], "--text", texts[1])
        found = json.loads(self.succeed("compare", "--model", MODEL, "--json", *words,
                                        *PICTURES[:2]).stdout)
        self.assertEqual((found["paths"], found["texts"]), ([str(p) for p in PICTURES[:2]], texts))
        lines = self.succeed("embed", "--model", MODEL, *words, *PICTURES[:2]).stdout.splitlines()
        vectors = numpy.array([json.loads(line)["embedding"] for line in lines])[[2, 3, 0, 1]]
        vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
        numpy.testing.assert_allclose(found["cosines"], vectors @ vectors.T, atol=1e-6)
        table = self.succeed("compare", "--model", MODEL, *words).stdout
        self.assertIn("a red circle", table)


if __name__ == "__main__":
    unittest.main()
