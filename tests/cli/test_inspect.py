"""siglip inspect: figures of known checkpoints, and the same errors as loading."""

import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest

DEMO = GOLDEN.parent.parent / "models" / "demo"


class InspectTest(CommandTest):
    def inspect(self, folder):
        return json.loads(self.succeed("inspect", "--json", folder).stdout)

    def test_json_has_every_figure(self):
        found = self.inspect(GOLDEN / "vision-head")
        config = json.loads((GOLDEN / "vision-head" / "config.json").read_text())
        for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "image_size"):
            self.assertEqual(found["config"][key], config[key], key)
        self.assertTrue(found["has_head"])
        self.assertEqual(found["tokens_per_picture"], 9)
        self.assertIsNone(found["preprocessing"])

        stored = safetensors_io.read(GOLDEN / "vision-head" / "model.safetensors")
        self.assertEqual({t["name"]: t["shape"] for t in found["tensors"]},
                         {name: list(value.shape) for name, value in stored.items()})
        self.assertEqual({t["dtype"] for t in found["tensors"]}, {"F32"})
        self.assertEqual(found["dtypes"], {"F32": len(stored)})
        self.assertTrue(all(t["used_as"] for t in found["tensors"]))
        parameters = sum(value.size for value in stored.values())
        self.assertEqual(found["vision_parameters"], parameters)
        self.assertGreaterEqual(found["weight_bytes"]["f32"], 4 * parameters * 0.9)
        self.assertLess(found["weight_bytes"]["bf16"], found["weight_bytes"]["f32"])
        self.assertLess(found["weight_bytes"]["int8"], found["weight_bytes"]["bf16"])

    def test_flop_count(self):
        found = self.inspect(GOLDEN / "vision-head")
        tokens, width, mlp, layers, patch = 9, 48, 104, 2, 16
        multiply_adds = 3 * patch**2 * tokens * width
        multiply_adds += layers * (4 * tokens * width**2 + 2 * tokens**2 * width
                                   + 2 * tokens * width * mlp)
        multiply_adds += (2 * tokens * width**2 + 2 * width**2 + 2 * tokens * width
                          + 2 * width * mlp)
        self.assertAlmostEqual(found["gflop_per_picture"], 2 * multiply_adds / 1e9, places=9)

    def test_every_golden_checkpoint(self):
        folders = [path for path in GOLDEN.iterdir() if list(path.glob("model*.safetensors"))]
        self.assertGreater(len(folders), 15)
        for folder in folders:
            with self.subTest(folder.name):
                found = self.inspect(folder)
                self.assertTrue(found["scheme"])
                self.assertGreater(found["gflop_per_picture"], 0)
                self.assertTrue(any(t["used_as"] for t in found["tensors"]))

    def test_text_tower(self):
        found = self.inspect(GOLDEN / "siglip-projection")
        stored = safetensors_io.read(GOLDEN / "siglip-projection" / "model.safetensors")
        self.assertTrue(all(t["used_as"] == t["name"] for t in found["tensors"]))
        text = found["text"]
        config = json.loads((GOLDEN / "siglip-projection" / "config.json").read_text())
        for key in ("hidden_size", "vocab_size", "max_position_embeddings", "projection_size"):
            self.assertEqual(text["config"][key], config["text_config"][key], key)
        sizes = {name: value.size for name, value in stored.items() if name.startswith("text_")}
        self.assertEqual(text["parameters"], sum(sizes.values()))
        # The table of token embeddings is not held in memory.
        del sizes["text_model.embeddings.token_embedding.weight"]
        self.assertEqual(text["weight_bytes"]["f32"], 4 * sum(sizes.values()))
        self.assertLess(text["weight_bytes"]["int8"], text["weight_bytes"]["bf16"])
        tokens, width, mlp, layers, projection = 64, 32, 104, 2, 48
        multiply_adds = layers * (4 * tokens * width**2 + 2 * tokens**2 * width
                                  + 2 * tokens * width * mlp) + width * projection
        self.assertAlmostEqual(text["gflop_per_text"], 2 * multiply_adds / 1e9, places=9)
        self.assertEqual(found["unusable"], [])
        people = self.succeed("inspect", GOLDEN / "siglip-projection").stdout
        for piece in ("Text tower", "64 tokens a text", "vocabulary of 600", "projection to 48"):
            self.assertIn(piece, people)
        self.assertIsNone(self.inspect(GOLDEN / "vision-head")["text"])

    def test_classifier_and_projector(self):
        found = self.inspect(GOLDEN / "image-classification")
        self.assertEqual(found["labels"], [f"class-{i}" for i in range(5)])
        self.assertIsNone(found["text"])
        self.assertIn("5 labels", self.succeed("inspect", GOLDEN / "image-classification").stdout)
        found = self.inspect(GOLDEN / "names-paligemma")
        self.assertEqual(found["projected_tokens"], [16, 48])
        unused = {t["name"] for t in found["tensors"] if t["used_as"] is None}
        self.assertTrue(all(name.startswith("language_model.") for name in unused), unused)
        self.assertIn("16 image tokens of width 48",
                      self.succeed("inspect", GOLDEN / "names-paligemma").stdout)

    def test_parts_that_cannot_be_used_are_named(self):
        folder = self.folder / "spoilt"
        shutil.copytree(GOLDEN / "siglip-full", folder)
        tensors = safetensors_io.read(folder / "model.safetensors")
        del tensors["text_model.final_layer_norm.bias"]
        safetensors_io.write(folder / "model.safetensors", tensors)
        found = self.inspect(folder)
        self.assertIsNone(found["text"])
        self.assertEqual(len(found["unusable"]), 1)
        self.assertIn("text_model.final_layer_norm.bias", found["unusable"][0])
        self.assertIn("final_layer_norm.bias", self.succeed("inspect", folder).stdout)

    def test_a_text_tower_alone(self):
        folder = self.folder / "texts"
        shutil.copytree(DEMO, folder)
        tensors = safetensors_io.read(folder / "model.safetensors")
        texts = {name: value for name, value in tensors.items() if name.startswith("text_model.")}
        safetensors_io.write(folder / "model.safetensors", texts)
        self.succeed("embed", "--model", folder, "--text", "a star")
        found = self.inspect(folder)
        self.assertIsNone(found["config"])
        self.assertEqual(found["text"]["parameters"], sum(value.size for value in texts.values()))
        text = self.succeed("inspect", folder).stdout
        self.assertIn("Text tower", text)
        self.assertNotIn("Image tower", text)
        del texts["text_model.final_layer_norm.bias"]  # nothing that loads is left
        safetensors_io.write(folder / "model.safetensors", texts)
        self.assertIn("final_layer_norm.bias", self.fail_with(1, "inspect", folder))

    def test_what_does_not_fit_is_told_as_by_embed(self):
        picture = DEMO.parent.parent / "examples" / "images" / "00.jpg"
        self.assertEqual(self.inspect(DEMO)["unusable"], [])

        def resize(folder):
            path = folder / "preprocessor_config.json"
            config = json.loads(path.read_text())
            path.write_text(json.dumps({**config, "size": {"height": 80, "width": 80}}))

        def shrink(folder):
            path = folder / "config.json"
            config = json.loads(path.read_text())
            config["text_config"]["vocab_size"] = 50
            path.write_text(json.dumps(config))
            tensors = safetensors_io.read(folder / "model.safetensors")
            name = "text_model.embeddings.token_embedding.weight"
            tensors[name] = tensors[name][:50]
            safetensors_io.write(folder / "model.safetensors", tensors)

        def rename(folder):
            (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}')

        for spoil, words in ((resize, [picture]), (shrink, ["--text", "a"]), (rename, ["--text", "a"])):
            with self.subTest(spoil.__name__):
                folder = self.folder / spoil.__name__
                shutil.copytree(DEMO, folder)
                spoil(folder)
                said = self.fail_with(1, "embed", "--model", folder, *words)
                self.assertEqual(["siglip: " + reason + "\n"
                                  for reason in self.inspect(folder)["unusable"]], [said])

    def test_text_for_people(self):
        text = self.succeed("inspect", "--model", GOLDEN / "vision-bfloat16").stdout
        for piece in ("width 48", "2 layers", "4 heads of 12", "9 tokens", "GFLOP", "BF16",
                      "pooling head", "none: the folder says nothing"):
            self.assertIn(piece, text)
        self.assertNotIn("post_layernorm", text)
        self.assertIn("post_layernorm.weight",
                      self.succeed("inspect", "--tensors", GOLDEN / "vision-bfloat16").stdout)

    def test_unknown_keys_and_preprocessing_are_shown(self):
        folder = self.folder / "with space"
        shutil.copytree(GOLDEN / "vision-head", folder)
        config = json.loads((folder / "config.json").read_text())
        config["colour_of_the_sky"] = [1, "blue"]
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "preprocessor_config.json").write_text(json.dumps({
            "size": {"height": 48, "width": 40}, "resample": 2, "image_mean": [0.5, 0.4, 0.3]}))
        found = self.inspect(folder)
        self.assertEqual(found["unknown_config_keys"]["colour_of_the_sky"], [1, "blue"])
        self.assertEqual(found["preprocessing"]["size"], {"height": 48, "width": 40})
        text = self.succeed("inspect", folder).stdout
        for piece in ("colour_of_the_sky", "48 x 40", "bilinear", "0.400"):
            self.assertIn(piece, text)

    def test_errors_are_those_of_loading(self):
        self.assertIn("nowhere", self.fail_with(1, "inspect", self.folder / "nowhere"))
        self.fail_with(2, "inspect")

        wrong = self.folder / "wrong"
        shutil.copytree(GOLDEN / "vision-head", wrong)
        (wrong / "preprocessor_config.json").write_text('{"resample": "best"}')
        self.assertIn("resample", self.fail_with(1, "inspect", wrong))

        broken = self.folder / "broken"
        shutil.copytree(GOLDEN / "vision-head", broken)
        tensors = safetensors_io.read(broken / "model.safetensors")
        name = next(name for name in tensors if name.endswith("post_layernorm.weight"))
        del tensors[name]
        safetensors_io.write(broken / "model.safetensors", tensors)
        self.assertIn("post_layernorm.weight", self.fail_with(1, "inspect", broken))


if __name__ == "__main__":
    unittest.main()
