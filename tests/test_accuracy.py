#!/usr/bin/env python3
"""Tests scripts/accuracy.py on made-up embeddings: its arithmetic, its gates, and what it shows."""

import math
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))
import accuracy
import readme_marks


def rows(*values):
    return numpy.array(values, "f4")


def result(mean=1.0, worst=1.0, agreement=None, precision="int8", model="demo", isa="abacus"):
    classification = None if agreement is None else accuracy.Classification(0.5, agreement)
    return accuracy.Result(isa, precision, model, "2 pictures", mean, worst, classification)


class AccuracyTest(unittest.TestCase):
    def test_cosines_of_angles(self):
        angles = [0, math.pi / 6, math.pi / 2, math.pi]
        turned = rows(*([3 * math.cos(angle), 3 * math.sin(angle)] for angle in angles))
        found = accuracy.cosines(turned, rows(*[[2, 0]] * 4))
        numpy.testing.assert_allclose(found, [1, math.sqrt(3) / 2, 0, -1], atol=1e-7)

    def test_a_small_angle_is_not_rounded_away(self):
        found = accuracy.cosines(rows([1, 1e-4]), rows([1, 0]))
        self.assertAlmostEqual(1 - found[0], 5e-9, delta=1e-10)

    def test_rows_that_are_missing(self):
        with self.assertRaisesRegex(accuracy.Broken, r"expected .*\(2, 2\), found \(1, 2\)"):
            accuracy.cosines(rows([1, 0]), rows([1, 0], [0, 1]))

    def test_mean_and_worst(self):
        found = accuracy.summarise(rows([1, 0], [3, 4]), rows([1, 0], [1, 0]), isa="abacus",
                                   precision="int8", model="demo", inputs="2 pictures")
        self.assertAlmostEqual(found.mean, 0.8)
        self.assertAlmostEqual(found.worst, 0.6)

    def test_prediction_goes_by_direction_not_length(self):
        prompts = rows([100, 0], [0, 1], [1, 1])
        pictures = rows([5, 0.1], [0.01, 0.9], [2, 2.1], [-1, -9])
        self.assertEqual(accuracy.predict(pictures, prompts).tolist(), [0, 1, 2, 0])

    def test_top1_is_over_labelled_pictures_and_agreement_over_all(self):
        found = accuracy.classify(numpy.array([0, 1, 2, 0, 1]), numpy.array([0, 1, 1, 0, 0]),
                                  [0, 2, 2, None, 0])
        self.assertEqual(found, accuracy.Classification(top1=0.5, agreement=0.6))

    def test_each_gate(self):
        gate = accuracy.GATES["demo"]["int8"]
        self.assertEqual(result(gate.mean, gate.worst, gate.agreement).failures(), [])
        for missed, name in ((result(mean=gate.mean - 1e-6, agreement=1.0), "mean cosine"),
                             (result(worst=gate.worst - 1e-6, agreement=1.0), "worst cosine"),
                             (result(agreement=gate.agreement - 1e-6), "agreement"),
                             (result(mean=math.nan), "mean cosine")):
            with self.subTest(name):
                (failure,) = missed.failures()
                self.assertTrue(failure.startswith(name), failure)

    def test_gates_are_those_promised(self):
        promised = {("demo", "bf16"): (0.9999, 0.9995, 0.995),
                    ("demo", "int8"): (0.9995, 0.998, 0.985),
                    ("base-patch16-224", "bf16"): (0.9999, 0.9995, 0),
                    ("base-patch16-224", "int8"): (0.999, 0.998, 0)}
        for (model, precision), figures in promised.items():
            gate = accuracy.GATES[model][precision]
            self.assertEqual((gate.mean, gate.worst, gate.agreement), figures)
        self.assertEqual(accuracy.GATES["demo"]["f32"].agreement, 1)

    def test_table(self):
        shown = accuracy.table([
            result(0.99991234, 0.9987654, 0.9925), result(precision="f32"),
            result(0.9, 0.8, model="base-patch16-224")]).splitlines()
        self.assertEqual(shown[:2], ["Instruction set abacus:", ""])
        shown = shown[2:]
        self.assertEqual(shown[2], "| demo | 2 pictures | int8 | 0.999912 | 0.998765 | "
                                   "50.00% | 99.25% | 0.9995 / 0.998 / 98.5% | passed |")
        self.assertIn("| f32 | 1.000000 |", shown[3])
        self.assertTrue(shown[4].endswith("| 0.900000 | 0.800000 |  |  | 0.999 / 0.998 | failed |"))
        self.assertEqual({line.count("|") for line in shown}, {10})

    def test_table_keeps_sets_of_inputs_together(self):
        shown = accuracy.table([result(isa=isa, precision=precision, model=model)
                                for isa in ("b", "a") for precision in ("f32", "int8")
                                for model in ("demo", "base-patch16-224")]).splitlines()[2:]
        self.assertEqual([line.split(" | ")[:4:3] for line in shown],
                         [[f"| {isa}", precision] for isa in "ba" for _ in range(2)
                          for precision in ("f32", "int8")])

    def test_readme_marks(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "README.md"
            path.write_text("a\n<!-- accuracy:begin -->\nold\n<!-- accuracy:end -->\nb\n")
            for text in ("x", "y"):
                readme_marks.replace(path, "accuracy", text)
            self.assertEqual(path.read_text(),
                             "a\n<!-- accuracy:begin -->\ny\n<!-- accuracy:end -->\nb\n")
            with self.assertRaisesRegex(SystemExit, "peers:begin"):
                readme_marks.replace(path, "peers", "x")
        readme = (SCRIPTS.parent / "README.md").read_text()
        self.assertEqual([readme.count(f"<!-- accuracy:{mark} -->") for mark in ("begin", "end")],
                         [1, 1])

    def test_a_missing_program_fails(self):
        found = subprocess.run([sys.executable, "-B", SCRIPTS / "accuracy.py", "--siglip", "/none"],
                               capture_output=True, text=True, check=False)
        self.assertEqual((found.returncode, found.stderr), (1, ""))
        self.assertIn("FAILED: /none is missing", found.stdout)


if __name__ == "__main__":
    unittest.main()
