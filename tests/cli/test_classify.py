"""siglip classify: labels in words, what is printed, and what a bad picture or label does."""

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
