"""siglip run: every golden computation, on every instruction set."""

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

    def run_whole(self, case, *options, isa=None, only=None):
        """All outputs for a case's input as it is, or for the tensors named in `only`."""
        tensors = safetensors_io.read(GOLDEN / case / "input.safetensors")
        file, output = self.folder / "input.safetensors", self.folder / "output.safetensors"
        safetensors_io.write(file, {name: value for name, value in tensors.items()
                                    if only is None or name in only})
        self.succeed("run", "--model", GOLDEN / case, "--input", file, "--output", output,
                     "--force", *options, isa=isa)
        return safetensors_io.read(output)

    def test_golden_cases_of_whole_models_on_every_instruction_set(self):
        for isa in instruction_sets():
            for case in ("siglip-full", "siglip-projection", "image-classification",
                         "names-paligemma"):
                found = self.run_whole(case, isa=isa)
                expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")
                for name, value in expected.items():
                    with self.subTest(isa=isa, case=case, tensor=name):
                        if name.startswith(("log", "prob", "loss")):
                            self.assertEqual(found[name].shape, value.shape)
                            self.assertLessEqual(abs(found[name] - value).max(),
                                                 1e-4 * abs(value).max())
                        else:
                            self.check(found[name], value)

    def test_one_tower_alone_has_no_prefix_and_the_same_bits(self):
        whole = self.run_whole("siglip-full", "--hidden-states", "--attentions")
        for prefix, only, embeds in (("vision.", "pixel_values", "image_embeds"),
                                     ("text.", "input_ids", "text_embeds")):
            alone = self.run_whole("siglip-full", "--hidden-states", "--attentions", only=[only])
            for name, value in alone.items():
                with self.subTest(tensor=name):
                    same = whole[name if name == embeds else prefix + name]
                    self.assertEqual(value.tobytes(), same.tobytes())
            self.assertEqual({prefix + name for name in alone if name != embeds},
                             {name for name in whole if name.startswith(prefix)})

    def test_loss_needs_as_many_pictures_as_texts(self):
        inputs = safetensors_io.read(GOLDEN / "siglip-full" / "input.safetensors")
        expected = safetensors_io.read(GOLDEN / "siglip-full" / "expected.safetensors")
        file, output = self.folder / "pairs.safetensors", self.folder / "output.safetensors"
        safetensors_io.write(file, {name: value[:3] for name, value in inputs.items()})
        self.succeed("run", "--model", GOLDEN / "siglip-full", "--input", file, "--output", output)
        found = safetensors_io.read(output)
        self.assertNotIn("loss_first_n", found)
        numpy.testing.assert_allclose(found["loss"], expected["loss_first_n"], rtol=1e-4)

    def test_input_ids_may_be_32_bits(self):
        ids = safetensors_io.read(GOLDEN / "siglip-full" / "input.safetensors")["input_ids"]
        results = []
        for dtype in ("<i8", "<i4"):
            file, output = self.folder / "ids.safetensors", self.folder / "output.safetensors"
            safetensors_io.write(file, {"input_ids": ids.astype(dtype)})
            self.succeed("run", "--model", GOLDEN / "siglip-full", "--input", file,
                         "--output", output, "--force")
            results.append(output.read_bytes())
        self.assertEqual(results[0], results[1])

    def test_wrong_ids_are_refused(self):
        good = numpy.ones((3, 16), "<i8")
        for position, value in (((2, 5), 300), ((1, 0), -1), ((0, 15), 2**40)):
            ids = good.copy()
            ids[position] = value
            error = self.refuse({"input_ids": ids}, case="siglip-full")
            self.assertIn(f"row {position[0]}, position {position[1]}", error)
            self.assertIn(str(value), error)
        for shape in ((3, 17), (3, 0), (16,), (1, 3, 16)):
            with self.subTest(shape):
                self.assertIn("input_ids", self.refuse({"input_ids": numpy.ones(shape, "<i8")},
                                                       case="siglip-full"))
        self.assertIn("F32", self.refuse({"input_ids": good.astype("<f4")}, case="siglip-full"))
        self.assertIn("pixel_values", self.refuse({"input_ids": good}, case="vision-head"))

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
