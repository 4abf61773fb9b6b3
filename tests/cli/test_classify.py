"""siglip classify: labels in words, what is printed, and what a bad picture or label does."""

import csv
import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
EVAL = GOLDEN / "demo-model-eval"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))


class ClassifyTest(CommandTest):
    def classify(self, *words, **options):
        return self.succeed("classify", "--model", MODEL, *words, **options).stdout

    def classify_json(self, *words, **options):
        return [json.loads(line) for line in self.classify("--json", *words, **options).splitlines()]

    def test_predictions_are_those_of_transformers(self):
        prompts = json.loads((EVAL / "prompts.json").read_text())
        labels = self.folder / "labels.txt"
        labels.write_text("\n".join(prompts) + "\n")
        found = self.classify_json("--labels-file", labels, "--template", "{}", "--top", 1,
                                   "--preprocess", "pillow13", EVAL)
        self.assertEqual([pathlib.Path(row["path"]).name for row in found],
                         sorted(path.name for path in EVAL.glob("[0-9]*")))
        expected = safetensors_io.read(EVAL / "expected.safetensors")
        self.assertEqual([prompts.index(row["labels"][0]["label"]) for row in found],
                         list(expected["predicted"]))

        images, texts = (expected[name].astype("f8") for name in ("image_embeds", "text_embeds"))
        images /= numpy.linalg.norm(images, axis=1, keepdims=True)
        texts /= numpy.linalg.norm(texts, axis=1, keepdims=True)
        weights = safetensors_io.read(MODEL / "model.safetensors")
        logits = images @ texts.T * numpy.exp(weights["logit_scale"]) + weights["logit_bias"]
        best = logits.max(axis=1)
        numpy.testing.assert_allclose([row["labels"][0]["logit"] for row in found], best,
                                      atol=1e-4 * abs(logits).max())
        numpy.testing.assert_allclose([row["labels"][0]["probability"] for row in found],
                                      1 / (1 + numpy.exp(-best)), atol=1e-4)

    def test_table(self):
        lines = self.classify("--labels", "a red circle, a blue star,[ring]", "--template", "{}",
                              PICTURES[0], PICTURES[1]).splitlines()
        self.assertEqual([lines[0], lines[4]], [str(PICTURES[0]), str(PICTURES[1])])
        labels = {line.split(" %  ")[1] for line in lines[1:4]}
        self.assertEqual(labels, {"a red circle", "a blue star", "[ring]"})

    def test_best_labels_come_first(self):
        shapes = "red circle,blue star,green ring,pink heart,black cross,white square,grey star"
        for row in self.classify_json("--labels", shapes, *PICTURES):
            logits = [label["logit"] for label in row["labels"]]
            self.assertEqual(len(logits), 5)
            self.assertEqual(logits, sorted(logits, reverse=True))
        row, = self.classify_json("--labels", shapes, "--top", 100, PICTURES[0])
        self.assertEqual(sorted(label["label"] for label in row["labels"]),
                         sorted(shapes.split(",")))

    def test_threshold(self):
        words = ("--labels", "red circle,blue star,green ring,pink heart,black cross,white square,"
                 "grey star", "--template", "{}")
        for all_labels, picture in zip(
                self.classify_json(*words, "--top", 7, *PICTURES[:3]), PICTURES):
            labels = all_labels["labels"]
            for threshold in (0, labels[0]["probability"], labels[3]["probability"], 1):
                expected = [label for label in labels if label["probability"] >= threshold]
                found, = self.classify_json(*words, "--threshold", threshold, picture)
                self.assertEqual(found, {**all_labels, "labels": expected})
                found, = self.classify_json(*words, "--threshold", threshold, "--top", 2, picture)
                self.assertEqual(found["labels"], expected[:2])
        shown = self.classify("--labels", "no such thing at all", "--threshold", "1", PICTURES[0])
        self.assertEqual(shown, f"{PICTURES[0]}\n")
        for wrong in ("-0.1", "1.1", "nan", "inf", "half", "0.5x", ""):
            error = self.fail_with(2, "classify", "--model", MODEL, "--labels", "a", "--threshold",
                                   wrong, PICTURES[0])
            self.assertIn("from 0 to 1", error)

    def test_output_files(self):
        words = ("--labels-file", self.folder / "labels.txt", "--top", 2)
        (self.folder / "labels.txt").write_text('a star\na "big", ring\nnothing\n')
        strange = self.folder / 'a, "b"\n.jpg'
        shutil.copy(PICTURES[0], strange)
        pictures = (PICTURES[1], strange)
        expected = self.classify("--json", *words, *pictures)
        for ending in ("jsonl", "csv"):
            output = self.folder / f"out.{ending}"
            result = self.succeed("classify", "--model", MODEL, *words, "--output", output, *pictures)
            self.assertEqual(result.stdout, "")
            self.assertIn("2 classified, 0 failed, 0 passed over", result.stderr)
            before = output.read_bytes()
            error = self.fail_with(1, "classify", "--model", MODEL, *words, "--output", output,
                                   PICTURES[0])
            self.assertIn("--force", error)
            self.assertEqual(output.read_bytes(), before)
        self.assertEqual((self.folder / "out.jsonl").read_text(), expected)
        with open(self.folder / "out.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["path", "label", "probability", "logit"])
        flat = [(row["path"], label["label"], label["probability"], label["logit"])
                for row in map(json.loads, expected.splitlines()) for label in row["labels"]]
        self.assertEqual([(row["path"], row["label"]) for row in rows],
                         [row[:2] for row in flat])
        numpy.testing.assert_array_equal(
            numpy.array([[row["probability"], row["logit"]] for row in rows], "f4"),
            numpy.array([row[2:] for row in flat], "f4"))
        self.succeed("classify", "--model", MODEL, *words, "--force", "-o", output, PICTURES[0])
        self.assertNotEqual(output.read_bytes(), before)

    def test_an_output_that_cannot_be(self):
        words = ("classify", "--model", MODEL, "--labels", "a")
        for name in ("x.txt", "x.npz", "x"):
            error = self.fail_with(2, *words, "-o", self.folder / name, PICTURES[0])
            self.assertIn(".jsonl, .csv", error)
        self.fail_with(1, *words, "-o", self.folder / "nowhere" / "x.csv", PICTURES[0])
        self.fail_with(2, *words, "--json", "-o", self.folder / "x.csv", PICTURES[0])
        self.fail_with(2, *words, "--force", PICTURES[0])
        # Nothing is written where nothing was done.
        bad = self.folder / "bad.jpg"
        bad.write_bytes(PICTURES[0].read_bytes()[:300])
        self.fail_with(1, *words, "-o", self.folder / "x.csv", bad)
        self.assertEqual(list(self.folder.iterdir()), [bad])
        self.fail_with(3, *words, "-o", self.folder / "x.csv", bad, PICTURES[0])
        self.assertEqual(len((self.folder / "x.csv").read_text().splitlines()), 2)

    def test_default_template_and_several(self):
        plain, = self.classify_json("--labels", "star", PICTURES[0])
        named, = self.classify_json("--labels", "star", "--template", "This is a photo of {}.",
                                    PICTURES[0])
        several, = self.classify_json("--labels", "star", "--template", "This is a photo of {}.",
                                      "--template", "a big {}", PICTURES[0])
        self.assertEqual(plain, named)
        self.assertNotEqual(plain, several)

    def test_a_bad_picture_fails_only_itself(self):
        bad = self.folder / "bad\x1b.jpg"
        shutil.copy(PICTURES[0], bad)
        bad.write_bytes(bad.read_bytes()[:300])
        words = ("classify", "--model", MODEL, "--labels", "star,ring")
        error = self.fail_with(3, *words, PICTURES[0], bad, PICTURES[1])
        self.assertIn("bad\\x1b.jpg", error)
        self.assertEqual(len(error.splitlines()), 1)
        self.fail_with(1, *words, bad)
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("no pictures", self.fail_with(1, *words, empty))

    def test_wrong_usage(self):
        words = ("classify", "--model", MODEL)
        labels = self.folder / "labels.txt"
        labels.write_text("\n\n")
        self.assertIn("--labels", self.fail_with(2, *words, PICTURES[0]))
        self.assertIn("no labels", self.fail_with(1, *words, "--labels-file", labels, PICTURES[0]))
        self.fail_with(2, *words, "--labels", "a", "--labels-file", labels, PICTURES[0])
        self.fail_with(2, *words, "--labels", "a,,b", PICTURES[0])
        self.fail_with(2, *words, "--labels", "", PICTURES[0])
        self.fail_with(2, *words, "--labels", "a")
        self.fail_with(2, *words, "--labels", "a", "--top", 0, PICTURES[0])
        self.assertIn("{}", self.fail_with(2, *words, "--labels", "a", "--template", "photo",
                                           PICTURES[0]))
        self.assertIn("nowhere", self.fail_with(1, *words, "--labels-file",
                                                self.folder / "nowhere", PICTURES[0]))

    def test_a_model_without_text_tower(self):
        folder = self.folder / "tower"
        shutil.copytree(MODEL, folder)
        tensors = safetensors_io.read(folder / "model.safetensors")
        safetensors_io.write(folder / "model.safetensors",
                             {name: value for name, value in tensors.items()
                              if not name.startswith("text_model.")})
        self.assertIn("text tower", self.fail_with(1, "classify", "--model", folder, "--labels",
                                                   "star", PICTURES[0]))

    def test_a_scale_or_bias_that_compares_nothing_is_refused(self):
        tensors = safetensors_io.read(MODEL / "model.safetensors")
        for name, value in (("logit_scale", "nan"), ("logit_scale", "inf"), ("logit_scale", "200"),
                            ("logit_bias", "nan"), ("logit_bias", "-inf")):
            with self.subTest(f"{name} = {value}"):
                folder = self.folder / f"{name}{value}"
                shutil.copytree(MODEL, folder)
                spoilt = numpy.full_like(tensors[name], float(value))
                safetensors_io.write(folder / "model.safetensors", {**tensors, name: spoilt})
                said = self.fail_with(1, "classify", "--model", folder, "--labels", "a,b",
                                      PICTURES[0])
                self.assertIn(f"'{name}' is {value}", said)
                self.assertIn(f"'{name}' is {value}", self.succeed("inspect", folder).stdout)
                self.succeed("embed", "--model", folder, PICTURES[0])  # compares nothing


if __name__ == "__main__":
    unittest.main()
