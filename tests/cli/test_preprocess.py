"""siglip preprocess: the pixels of Pillow and torchvision, to the bit, for every golden picture."""

import collections
import json
import pathlib
import re
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest

IMAGES = GOLDEN / "images"
# The golden resizes named after Pillow were made by version 13.
MODES = {"torchvision": "torchvision", "pillow": "pillow13"}
# Golden resizes began with Pillow's convert("RGB"), which drops alpha but keeps the transparent
# colour of these, so that transformers put them on white after all.
ON_WHITE = {"grey-transparent.png", "rgb-transparent.png"}
FROM_8_BITS = (numpy.arange(256, dtype="<f4") - numpy.float32(127.5)) / numpy.float32(127.5)


class PreprocessTest(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.expected = safetensors_io.read(IMAGES / "expected.safetensors")
        cls.names = sorted(json.loads((IMAGES / "about.json").read_text())["images"])

    def setUp(self):
        super().setUp()
        # Nothing but these two files is needed.
        self.model = self.folder / "model"
        self.model.mkdir()
        shutil.copy(GOLDEN / "vision-head" / "config.json", self.model)
        (self.model / "preprocessor_config.json").write_text(json.dumps({
            "do_resize": True, "size": {"height": 48, "width": 48}, "resample": 2,
            "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_convert_rgb": True}))
        self.output = self.folder / "output.safetensors"

    def preprocess(self, *words):
        self.succeed("preprocess", "--model", self.model, "--output", self.output, "--force",
                     *words)
        return safetensors_io.read(self.output)

    def as_golden(self, names, *options):
        """pixel_values of golden pictures with the alpha policy that each was made with."""
        paths = [IMAGES / name for name in names]
        dropped = self.preprocess("--alpha", "drop", *options, *paths)["pixel_values"]
        white = self.preprocess("--alpha", "white", *options, *paths)["pixel_values"]
        return numpy.stack([(white if name in ON_WHITE else dropped)[row]
                            for row, name in enumerate(names)])

    def test_every_golden_resize(self):
        cases = collections.defaultdict(list)
        for key in self.expected:
            match = re.fullmatch(r"(.+)/(pillow|torchvision)\.(\d+)\.(\w+)\.u8", key)
            if match:
                cases[match.group(2, 3, 4)].append(match.group(1))
        self.assertGreaterEqual(len(cases), 4)
        for (mode, side, resample), names in cases.items():
            options = ("--preprocess", MODES[mode], "--size", f"{side}x{side}",
                       "--resample", resample)
            found = self.as_golden(names, *options)
            self.assertEqual(found.shape, (len(names), 3, int(side), int(side)))
            for row, name in zip(found, names):
                with self.subTest(mode=mode, side=side, resample=resample, name=name):
                    expected = self.expected[f"{name}/{mode}.{side}.{resample}.u8"]
                    steps = numpy.rint((row + 1) * 127.5).astype("i4")
                    self.assertEqual(int(numpy.abs(steps - expected.astype("i4")).max()), 0)
                    self.assertTrue(numpy.allclose(row, FROM_8_BITS[expected], rtol=0, atol=2e-7))

    def test_torchvision_values_to_the_bit(self):
        names = [name for name in self.names if f"{name}/torchvision.48.bilinear.u8"
                 in self.expected]
        found = self.as_golden(names)
        expected = numpy.stack([FROM_8_BITS[self.expected[f"{name}/torchvision.48.bilinear.u8"]]
                                for name in names])
        self.assertEqual(found.tobytes(), expected.tobytes())

    def test_decoded_pictures_with_either_alpha_policy(self):
        for policy in ("drop", "white"):
            paths = {str(IMAGES / name): name for name in self.names}
            found = self.preprocess("--rgb", "--alpha", policy, *paths)
            self.assertEqual(set(found), {"pixel_values"} | {path + "/rgb" for path in paths})
            for path, name in paths.items():
                with self.subTest(policy=policy, name=name):
                    expected = self.expected[f"{name}/rgb"]
                    if policy == "white":
                        expected = self.expected.get(f"{name}/rgb.white", expected)
                    self.assertEqual(found[path + "/rgb"].dtype, numpy.uint8)
                    numpy.testing.assert_array_equal(found[path + "/rgb"], expected)

    def test_names_are_the_paths_as_typed(self):
        shutil.copy(IMAGES / "rgb.png", self.folder / "a b.png")
        self.succeed("preprocess", "--model", "model", "--output", "out", "--rgb",
                     "./a b.png", "a b.png", "a b.png", cwd=self.folder)
        found = safetensors_io.read(self.folder / "out")
        self.assertEqual(set(found), {"pixel_values", "./a b.png/rgb", "a b.png/rgb"})
        self.assertEqual(found["pixel_values"].shape, (3, 3, 48, 48))

    def test_orientation(self):
        path = str(IMAGES / "exif-6.jpg")
        turned = self.preprocess("--rgb", path)[path + "/rgb"]
        stored = self.preprocess("--rgb", "--no-exif", path)[path + "/rgb"]
        self.assertEqual(turned.shape, (140, 90, 3))
        numpy.testing.assert_array_equal(turned, numpy.rot90(stored, -1))

    def test_fast_decoding_reduces_large_jpegs_only(self):
        large, small, png = (str(IMAGES / name) for name in ("rgb.jpg", "rgb-444.jpg", "rgb.png"))
        exact = self.preprocess("--rgb", large, small, png)
        fast = self.preprocess("--rgb", "--fast-decode", large, small, png)
        for path in (large, small, png):
            numpy.testing.assert_array_equal(fast[path + "/rgb"], exact[path + "/rgb"])
        difference = numpy.abs(fast["pixel_values"] - exact["pixel_values"])
        self.assertTrue(0 < difference[0].mean() < 0.03, difference[0].mean())
        self.assertEqual(difference[1:].max(), 0)
        # Half of 311 x 203 pixels would be less than twice the target.
        words = ("--size", "60x60", large)
        self.assertEqual(self.preprocess("--fast-decode", *words)["pixel_values"].tobytes(),
                         self.preprocess(*words)["pixel_values"].tobytes())

    def test_size_is_height_by_width(self):
        found = self.preprocess("--size", "20x30", IMAGES / "rgb.png")["pixel_values"]
        self.assertEqual(found.shape, (1, 3, 20, 30))

    def test_one_bad_picture_fails_all_but_each_is_reported(self):
        empty, text = self.folder / "empty.png", self.folder / "text.jpg"
        empty.write_bytes(b"")
        text.write_text("no picture")
        error = self.fail_with(1, "preprocess", "--model", self.model, "--output", self.output,
                               IMAGES / "rgb.png", empty, self.folder / "nowhere.png", text)
        for name in ("empty.png", "nowhere.png", "text.jpg", "output.safetensors"):
            self.assertIn(name, error)
        self.assertFalse(self.output.exists())

    def test_sizes_that_differ_do_not_stack(self):
        (self.model / "preprocessor_config.json").write_text('{"do_resize": false}')
        error = self.fail_with(1, "preprocess", "--model", self.model, "--output", self.output,
                               IMAGES / "rgb.png", IMAGES / "grey.png")
        self.assertIn("grey.png", error)
        self.assertIn("--size", error)

    def test_limits(self):
        error = self.fail_with(1, "preprocess", "--model", self.model, "--output", self.output,
                               "--max-pixels", "100", IMAGES / "rgb.png")
        self.assertIn("rgb.png", error)

    def test_wrong_usage(self):
        words = ["preprocess", "--model", self.model, "--output", self.output]
        self.fail_with(2, *words)
        self.assertIn("--size: expected sides from 1 to 65536, found '65537x5'",
                      self.fail_with(2, *words, "--size", "65537x5", IMAGES / "rgb.png"))
        for option in (("--size", "20"), ("--size", "0x5"), ("--size", "5x"), ("--size", "axb"),
                       ("--resample", "best"), ("--alpha", "black"), ("--preprocess", "opencv")):
            with self.subTest(option):
                self.fail_with(2, *words, *option, IMAGES / "rgb.png")
        self.output.write_text("precious")
        self.assertIn("--force", self.fail_with(1, *words, IMAGES / "rgb.png"))
        self.assertEqual(self.output.read_text(), "precious")
        self.assertIn("preprocess", self.fail_with(
            1, "preprocess", "--model", GOLDEN / "vision-head", "--output", self.folder / "x",
            IMAGES / "rgb.png"))


if __name__ == "__main__":
    unittest.main()
