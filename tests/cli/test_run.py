"""siglip run: every golden computation of the image tower, on every instruction set."""

import json
import pathlib
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest, instruction_sets

TOLERANCE = 2e-5
# Expected values of the image tower; others are of parts that `run` has no outputs for.
PREFIXES = ("last_hidden_state", "pooler_output", "hidden_states.", "attentions.")


def relative_error(found, expected):
    """The largest relative L2 distance of a row."""
    distance = numpy.linalg.norm(found.astype("f8") - expected, axis=-1)
    return (distance / numpy.linalg.norm(expected.astype("f8"), axis=-1)).max()


def normalised(rows):
    return rows / numpy.linalg.norm(rows, axis=-1, keepdims=True)


class RunTest(CommandTest):
    def run_case(self, case, *options, isa=None):
        """All outputs for a case's pixel_values."""
        folder = GOLDEN / case
        inputs = safetensors_io.read(folder / "input.safetensors")
        pixels = self.folder / "pixels.safetensors"
        output = self.folder / "output.safetensors"
        safetensors_io.write(pixels, {"pixel_values": inputs["pixel_values"]})
        about = json.loads((folder / "about.json").read_text())
        if about.get("interpolate_pos_encoding"):
            options += ("--interpolate-pos-encoding",)
        self.succeed("run", "--model", folder, "--input", pixels, "--output", output, "--force",
                     "--hidden-states", "--attentions", *options, isa=isa)
        return safetensors_io.read(output)

    def check(self, found, expected):
        self.assertEqual(found.dtype, numpy.float32)
        self.assertEqual(found.shape, expected.shape)
        self.assertLessEqual(relative_error(found, expected), TOLERANCE)

    def test_golden_cases_on_every_instruction_set(self):
        cases = sorted(path.name for path in GOLDEN.iterdir()
                       if path.name.startswith(("vision-", "names-", "config-")))
        self.assertGreater(len(cases), 15)
        for isa in instruction_sets():
            for case in cases:
                found = self.run_case(case, isa=isa)
                expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")
                for name, value in expected.items():
                    if name.startswith(PREFIXES):
                        with self.subTest(isa=isa, case=case, tensor=name):
                            self.check(found[name], value)

    def test_both_towers_use_the_image_tower(self):
        for isa in instruction_sets():
            for case in ("siglip-full", "siglip-projection"):
                with self.subTest(isa=isa, case=case):
                    expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")
                    found = self.run_case(case, isa=isa)
                    self.check(normalised(found["pooler_output"]), expected["image_embeds"])

    def test_classification_uses_the_image_tower(self):
        case = "image-classification"
        weights = safetensors_io.read(GOLDEN / case / "model.safetensors")
        expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")["logits"]
        mean = self.run_case(case)["last_hidden_state"].mean(axis=1)
        self.check(mean @ weights["classifier.weight"].T + weights["classifier.bias"], expected)

    def test_outputs_are_those_asked_for(self):
        folder = GOLDEN / "vision-head"
        output = self.folder / "output.safetensors"
        words = ("run", "--model", folder, "--input", folder / "input.safetensors",
                 "--output", output, "--force")
        always = {"last_hidden_state", "pooler_output"}
        self.succeed(*words)
        self.assertEqual(set(safetensors_io.read(output)), always)
        self.succeed(*words, "--hidden-states")
        self.assertEqual(set(safetensors_io.read(output)),
                         always | {"hidden_states.0", "hidden_states.1", "hidden_states.2"})
        self.succeed(*words, "--attentions")
        self.assertEqual(set(safetensors_io.read(output)),
                         always | {"attentions.0", "attentions.1"})
        self.assertNotIn("pooler_output", self.run_case("vision-no-head"))

    def test_neither_batch_nor_threads_nor_other_outputs_change_a_bit(self):
        folder = GOLDEN / "vision-head"
        pixels = safetensors_io.read(folder / "input.safetensors")["pixel_values"]
        one, output = self.folder / "one.safetensors", self.folder / "output.safetensors"
        whole = self.run_case("vision-head", "--threads", 2)
        for i in range(len(pixels)):
            safetensors_io.write(one, {"pixel_values": pixels[i:i + 1]})
            self.succeed("run", "--model", folder, "--input", one, "--output", output, "--force",
                         "--threads", 1)
            for name, value in safetensors_io.read(output).items():
                self.assertEqual(value[0].tobytes(), whole[name][i].tobytes(), name)

    def test_other_float_types_are_converted(self):
        folder = GOLDEN / "vision-head"
        pixels = safetensors_io.read(folder / "input.safetensors")["pixel_values"]
        short = (pixels.view("<u4") & 0xFFFF0000).view("<f4")  # exact in bfloat16
        encodings = {"F64": (pixels.astype("<f8"), pixels),
                     "F16": (pixels.astype("<f2"), pixels.astype("<f2").astype("<f4")),
                     "BF16": (("BF16", (short.view("<u4") >> 16).astype("<u2")), short)}
        for dtype, (stored, meant) in encodings.items():
            with self.subTest(dtype):
                results = []
                for value in (stored, meant):
                    file = self.folder / "pixels.safetensors"
                    output = self.folder / "output.safetensors"
                    safetensors_io.write(file, {"pixel_values": value})
                    self.succeed("run", "--model", folder, "--input", file, "--output", output,
                                 "--force")
                    results.append(output.read_bytes())
                self.assertEqual(results[0], results[1])

    def refuse(self, tensors, *options, case="vision-head"):
        """What is said about an input that must be refused; nothing may be written."""
        file, output = self.folder / "bad.safetensors", self.folder / "none.safetensors"
        safetensors_io.write(file, tensors)
        error = self.fail_with(1, "run", "--model", GOLDEN / case, "--input", file,
                               "--output", output, *options)
        self.assertFalse(output.exists())
        self.assertNotIn("internal", error)
        return error

    def test_wrong_inputs_are_refused(self):
        good = numpy.zeros((1, 3, 48, 48), "<f4")
        error = self.refuse({"pixel_values": good, "pixel_valves": good})
        self.assertIn("pixel_valves", error)
        self.assertIn("pixel_values", error)
        self.assertIn("pixel_values", self.refuse({}))
        self.assertIn("U8", self.refuse({"pixel_values": good.astype("u1")}))
        for shape in ((1, 3, 48), (1, 4, 48, 48), (1, 3, 48, 64), (1, 3, 0, 0), ()):
            with self.subTest(shape):
                self.assertIn("pixel_values",
                              self.refuse({"pixel_values": numpy.zeros(shape, "<f4")}))
        self.assertIn("8", self.refuse({"pixel_values": numpy.zeros((1, 3, 8, 8), "<f4")},
                                       "--interpolate-pos-encoding"))

    def test_files(self):
        folder = GOLDEN / "vision-head"
        words = ["run", "--model", folder, "--input", folder / "input.safetensors", "--output"]
        output = self.folder / "output.safetensors"
        output.write_text("precious")
        self.assertIn("--force", self.fail_with(1, *words, output))
        self.assertEqual(output.read_text(), "precious")
        self.succeed(*words, output, "--force")
        self.assertIn("nowhere", self.fail_with(1, *words, self.folder / "nowhere" / "x"))
        self.fail_with(1, *words, self.folder)
        self.fail_with(1, "run", "--model", folder, "--input", self.folder / "nothing.safetensors",
                       "--output", self.folder / "x")
        self.fail_with(2, "run", "--model", folder, "--output", self.folder / "x")

    def test_an_unknown_instruction_set_is_an_error(self):
        folder = GOLDEN / "vision-head"
        error = self.fail_with(1, "run", "--model", folder, "--input",
                               folder / "input.safetensors", "--output", self.folder / "x",
                               isa="avx1024")
        self.assertIn("avx1024", error)


if __name__ == "__main__":
    unittest.main()
