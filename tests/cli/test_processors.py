"""How pictures are prepared, as the files of different projects and processors ask."""

import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest

ROOT = GOLDEN.parent.parent
DEMO = ROOT / "models" / "demo"
PICTURE = GOLDEN / "images" / "rgb.png"  # 203 x 311 pixels, which crop to other than squares
TRANSPARENT = GOLDEN / "images" / "alpha.webp"


class ProcessorTest(CommandTest):
    def model(self, **files):
        """The demo model with these files, as JSON, in place of preprocessor_config.json."""
        folder = self.folder / "model"
        shutil.copytree(DEMO, folder, dirs_exist_ok=True)
        (folder / "preprocessor_config.json").unlink()
        for name, fields in files.items():
            (folder / f"{name}.json").write_text(json.dumps(fields))
        return folder

    def pixels(self, model, *words, picture=PICTURE):
        output = self.folder / "pixels.safetensors"
        self.succeed("preprocess", "--force", "--model", model, "--output", output, picture, *words)
        return safetensors_io.read(output)["pixel_values"]

    def assert_same(self, found, expected):
        self.assertEqual(found.shape, expected.shape)
        self.assertTrue((found == expected).all())

    def test_folders_of_timm_and_open_clip_give_pillows_pixels(self):
        for name in ("names-timm-gelu", "names-open-clip"):
            with self.subTest(name=name):
                found = self.pixels(GOLDEN / name)
                self.assert_same(found, self.pixels(GOLDEN / name, "--preprocess", "pillow13"))
                torchvision = self.pixels(GOLDEN / name, "--preprocess", "torchvision")
                # Of 2 / 255 a level: close, but not the same.
                self.assertGreater(abs(found - torchvision).max(), 0)
                self.assertLess(abs(found - torchvision).mean(), 2 / 255)

    def test_older_folders_of_timm_say_all_in_one_object(self):
        expected = self.pixels(GOLDEN / "names-timm-gelu")
        folder = self.folder / "flat"
        shutil.copytree(GOLDEN / "names-timm-gelu", folder)
        config = json.loads((folder / "config.json").read_text())
        config.update(config.pop("pretrained_cfg"))
        (folder / "config.json").write_text(json.dumps(config))
        self.assert_same(self.pixels(folder), expected)
        self.succeed("embed", "--model", folder, PICTURE)

    def test_alpha_means_there_what_it_means_everywhere(self):
        white = self.pixels(GOLDEN / "names-timm-gelu", picture=TRANSPARENT)
        self.assert_same(
            white, self.pixels(GOLDEN / "names-timm-gelu", "--alpha", "white", picture=TRANSPARENT))
        dropped = self.pixels(GOLDEN / "names-timm-gelu", "--alpha", "drop", picture=TRANSPARENT)
        self.assertGreater(abs(white - dropped).max(), 0.5)

    def test_embeddings_follow_the_crop(self):
        model = GOLDEN / "names-timm-gelu"
        output = self.folder / "out.safetensors"
        by_path = json.loads(self.succeed("embed", "--model", model, PICTURE).stdout)["embedding"]
        pixels = self.folder / "pixels.safetensors"
        self.succeed("preprocess", "--model", model, "--output", pixels, PICTURE)
        self.succeed("run", "--model", model, "--input", pixels, "--output", output)
        pooled = safetensors_io.read(output)["pooler_output"][0]
        numpy.testing.assert_allclose(by_path, pooled, rtol=1e-5, atol=1e-6)

    def test_converted_folders_prepare_pictures_as_before(self):
        for name in ("names-timm-gelu", "names-open-clip"):
            with self.subTest(name=name):
                expected = self.pixels(GOLDEN / name)
                converted = self.folder / f"{name}-hf"
                said = self.succeed("convert", "--to", "hf", GOLDEN / name, converted).stdout
                self.assert_same(self.pixels(converted, "--preprocess", "pillow13"), expected)
                self.assertEqual("rounding" in said, name == "names-timm-gelu")
                self.succeed("embed", "--model", converted, PICTURE)
                packed = self.folder / f"{name}-packed"
                self.succeed("convert", "--precision", "f32", GOLDEN / name, packed)
                self.assert_same(self.pixels(packed), expected)

    def test_gemma_3_without_pan_and_scan(self):
        fields = {"image_processor_type": "Gemma3ImageProcessor", "size": {"height": 64, "width": 64},
                  "resample": 2, "do_convert_rgb": None, "do_pan_and_scan": None}
        expected = self.pixels(self.model(preprocessor_config={
            "size": {"height": 64, "width": 64}, "resample": 2}))
        self.assert_same(self.pixels(self.model(preprocessor_config=fields)), expected)
        nested = self.model(processor_config={"image_processor": fields, "image_seq_length": 16})
        self.assert_same(self.pixels(nested), expected)
        self.succeed("embed", "--model", nested, PICTURE)
        fields["do_pan_and_scan"] = True
        self.assertIn("do_pan_and_scan", self.fail_with(
            1, "embed", "--model", self.model(processor_config={"image_processor": fields}), PICTURE))

    def test_a_crop_of_another_size_than_the_models_is_refused(self):
        model = self.model(preprocessor_config={"image_processor_type": "CLIPImageProcessor"})
        self.assertIn("224x224, the model takes 64x64", self.fail_with(1, "embed", "--model", model, PICTURE))

    def test_processors_that_split_say_what_to_write(self):
        split = {"image_processor_type": "SmolVLMImageProcessor", "do_image_splitting": True,
                 "max_image_size": {"longest_edge": 64}, "size": {"longest_edge": 256}}
        for name in ("preprocessor_config", "processor_config"):
            with self.subTest(name=name):
                model = self.model(**{name: split if name == "preprocessor_config" else
                                      {"image_processor": split}})
                said = self.fail_with(1, "embed", "--model", model, PICTURE)
                self.assertIn("SmolVLMImageProcessor", said)
                self.assertEqual("remove processor_config.json" in said, name == "processor_config")
                hint = said[said.index("{"):said.rindex("}") + 1]
                self.assertEqual(json.loads(hint)["resample"], 1)
                # What conversion writes is the same, and loads.
                converted = self.folder / f"{name}-hf"
                self.assertIn("one whole view",
                              self.succeed("convert", "--to", "hf", model, converted).stdout)
                found = self.pixels(converted)
                self.succeed("embed", "--model", converted, PICTURE)
                (model / "processor_config.json").unlink(missing_ok=True)
                (model / "preprocessor_config.json").write_text(hint)
                self.assert_same(self.pixels(model), found)
                self.succeed("embed", "--model", model, PICTURE)
                shutil.rmtree(model)

    def test_inspect_tells_the_crop(self):
        said = self.succeed("inspect", GOLDEN / "names-timm-gelu").stdout
        self.assertIn("resize the shorter side to 53, crop to 48 x 48, bicubic of pillow13", said)

    def test_a_size_given_leaves_no_crop(self):
        found = self.pixels(GOLDEN / "names-timm-gelu", "--size", "20x30")
        self.assertEqual(found.shape, (1, 3, 20, 30))


if __name__ == "__main__":
    unittest.main()
