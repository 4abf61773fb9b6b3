"""siglip init: checkpoints with random weights that load, repeat and are not lost by accident."""

import json
import pathlib
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest

CONFIG = GOLDEN / "vision-head" / "config.json"


class InitTest(CommandTest):
    def test_writes_a_checkpoint_that_loads(self):
        made = self.folder / "made"
        line = self.succeed("init", "--config", CONFIG, "--seed", 3, made).stdout
        self.assertEqual(line.count("\n"), 1)
        self.assertIn("seed 3", line)
        found = json.loads(self.succeed("inspect", "--json", made).stdout)
        self.assertTrue(found["has_head"])
        self.assertEqual(found["preprocessing"]["size"], {"height": 48, "width": 48})
        reference = safetensors_io.read(GOLDEN / "vision-head" / "model.safetensors")
        written = safetensors_io.read(made / "model.safetensors")
        strip = len("vision_model.")
        bare = {n[strip:] if n.startswith("vision_model.") else n: v.shape
                for n, v in written.items()}
        self.assertEqual(bare, {n[strip:] if n.startswith("vision_model.") else n: v.shape
                                for n, v in reference.items()})

        pixels = self.folder / "pixels.safetensors"
        safetensors_io.write(pixels, {"pixel_values": numpy.zeros((1, 3, 48, 48), "<f4")})
        output = self.folder / "output.safetensors"
        self.succeed("run", "--model", made, "--input", pixels, "--output", output)
        self.assertTrue(numpy.isfinite(safetensors_io.read(output)["pooler_output"]).all())

    def test_the_seed_decides(self):
        weights = []
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            self.succeed("init", "--config", CONFIG, "--seed", seed, self.folder / name)
            weights.append((self.folder / name / "model.safetensors").read_bytes())
        self.assertEqual(weights[0], weights[1])
        self.assertNotEqual(weights[0], weights[2])

    def test_config_of_two_towers_means_its_image_tower(self):
        made = self.folder / "made"
        self.succeed("init", "--config", GOLDEN / "siglip-full" / "config.json", made)
        self.assertEqual(json.loads((made / "config.json").read_text())["hidden_size"], 48)

    def test_an_existing_checkpoint_is_kept(self):
        made = self.folder / "made"
        self.succeed("init", "--config", CONFIG, "--seed", 1, made)
        before = (made / "model.safetensors").read_bytes()
        self.assertIn("--force", self.fail_with(1, "init", "--config", CONFIG, "--seed", 2, made))
        self.assertEqual((made / "model.safetensors").read_bytes(), before)
        self.succeed("init", "--config", CONFIG, "--seed", 2, "--force", made)
        self.assertNotEqual((made / "model.safetensors").read_bytes(), before)

    def test_presets(self):
        text = self.succeed("init", "--list").stdout
        names = [line.split()[0] for line in text.splitlines()]
        self.assertIn("base-patch16-224", names)
        self.assertIn("so400m-patch14-384", names)
        self.assertIn("base-patch16-224",
                      self.fail_with(1, "init", "--preset", "base-patch17", self.folder / "made"))
        self.assertFalse((self.folder / "made").exists())

    def test_wrong_usage(self):
        made = self.folder / "made"
        self.fail_with(2, "init", made)
        self.fail_with(2, "init", "--preset", "base-patch16-224")
        self.fail_with(2, "init", "--preset", "base-patch16-224", "--config", CONFIG, made)
        for seed in ("many", "-1", "1.5", str(2**64)):
            with self.subTest(seed):
                self.fail_with(2, "init", "--config", CONFIG, "--seed", seed, made)
        self.assertFalse(made.exists())

    def test_a_broken_config_is_refused(self):
        for text in ("", "[1]", "{", '{"hidden_size": -1}', '{"hidden_size": "wide"}'):
            with self.subTest(text):
                config = self.folder / "config.json"
                config.write_text(text)
                error = self.fail_with(1, "init", "--config", config, self.folder / "made")
                self.assertNotIn("internal", error)
        self.fail_with(1, "init", "--config", self.folder / "nowhere", self.folder / "made")


if __name__ == "__main__":
    unittest.main()
