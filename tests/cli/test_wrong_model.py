"""What --model is when it is no model: the mistake is named, in the same words by every command."""

import json
import os
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import safetensors_io
from command_line import GOLDEN, CommandTest, run

ROOT = GOLDEN.parent.parent
DEMO = ROOT / "models" / "demo"
PICTURE = ROOT / "examples" / "images" / "00.jpg"
WEIGHTS = "model.safetensors"
SMALL_FILES = ("config.json", "preprocessor_config.json", "tokenizer_config.json", "spiece.model")


class WrongModelTest(CommandTest):
    def commands(self, model, weights_only=False):
        """Every command that takes a model; or those that need its weights."""
        pixels = GOLDEN / "vision-head" / "input.safetensors"
        commands = [["embed", "--model", model, PICTURE],
                    ["embed", "--model", model, "--text", "a star"],
                    ["embed", "--model", model, "--tokens", PICTURE],
                    ["classify", "--model", model, "--labels", "a,b", PICTURE],
                    ["compare", "--model", model, PICTURE, "--text", "a star"],
                    ["inspect", model],
                    ["convert", "--precision", "int8", model, self.folder / "packed"],
                    ["convert", "--to", "hf", model, self.folder / "converted"],
                    ["run", "--model", model, "--input", pixels, "--output",
                     self.folder / "out.safetensors"],
                    ["bench", "--model", model, "--repeats", 1, "--batch", 1]]
        if not weights_only:
            commands += [["preprocess", "--model", model, "--output",
                          self.folder / "pixels.safetensors", PICTURE],
                         ["tokenize", "--model", model, "a star"]]
        return commands

    def expect(self, model, *pieces, weights_only=False):
        said = set()
        for words in self.commands(model, weights_only):
            with self.subTest(model=str(model), command=words[0]):
                said.add(self.fail_with(1, *words))
        self.assertEqual(len(said), 1, said)
        for piece in (model, *pieces):
            self.assertIn(str(piece), next(iter(said)))

    def make(self, *names, source=DEMO, **others):
        """A folder with some files of a checkpoint, and others of any content."""
        folder = self.folder / f"model{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        for name in names:
            shutil.copy(source / name, folder)
        for name, content in others.items():
            (folder / name.replace("__", ".")).write_bytes(content)
        return folder

    def test_a_file_instead_of_its_folder(self):
        folder = self.make(WEIGHTS, *SMALL_FILES)
        for name in (WEIGHTS, "config.json", "spiece.model"):
            self.expect(folder / name, "expected a checkpoint folder, found a file",
                        f"pass the folder it lies in, {folder}")

    def test_an_empty_folder(self):
        self.expect(self.make(), "is empty", "no weights", "no tokenizer")

    def test_a_folder_with_other_things(self):
        self.expect(self.make(notes__txt=b"milk"), "nothing of a model")

    def test_the_parent_of_checkpoints(self):
        parent = self.make()
        shutil.copytree(DEMO, parent / "step-100")
        self.expect(parent, "holds no model itself", f"pass {parent / 'step-100'})")
        shutil.copytree(DEMO, parent / "step-200")
        self.expect(parent, f"pass one of them: {parent / 'step-100'}, {parent / 'step-200'}")

    def test_the_cache_entry_of_a_model(self):
        entry = self.make()
        snapshot = entry / "snapshots" / ("0123456789" * 4)
        shutil.copytree(DEMO, snapshot)
        (entry / "refs").mkdir()
        self.expect(entry, f"pass {snapshot}")

    def test_sentence_transformers(self):
        folder = self.make(config_sentence_transformers__json=b"{}", modules__json=json.dumps([
            {"idx": 0, "name": "0", "path": "0_CLIPModel",
             "type": "sentence_transformers.models.CLIPModel"},
            {"idx": 1, "name": "1", "path": "1_Dense",
             "type": "sentence_transformers.models.Dense"}]).encode())
        shutil.copytree(DEMO, folder / "0_CLIPModel")
        (folder / "1_Dense").mkdir()
        self.expect(folder, "sentence-transformers", f"pass {folder / '0_CLIPModel'}")
        self.succeed("embed", "--model", folder / "0_CLIPModel", PICTURE)

    def test_sentence_transformers_with_the_model_in_the_folder_itself(self):
        folder = self.make("config.json", "preprocessor_config.json", modules__json=json.dumps([
            {"idx": 0, "path": ""}, {"idx": 1, "path": "1_Pooling"}]).encode())
        (folder / "1_Pooling").mkdir()
        self.expect(folder, "no weights: expected model.safetensors", weights_only=True)

    def test_modules_that_are_no_list_say_nothing(self):
        for content in (b"", b"{", b"3", b'[3, {"path": 4}, {"path": "../x"}, {"path": ""}]'):
            folder = self.make(modules__json=content)
            shutil.copytree(DEMO, folder / "0_CLIPModel")
            self.expect(folder, folder / "0_CLIPModel")

    def test_adapters(self):
        for names in ((), SMALL_FILES):
            for others in ({"adapter_config__json": b'{"peft_type": "LORA"}'},
                           {"adapter_model__safetensors": b"", "adapter_config__json": b"{"},
                           {"adapter_model__bin": b""}):
                self.expect(self.make(*names, **others), "holds an adapter", "merge it first")
        # Where it was merged into, or lies beside, the model loads.
        self.succeed("embed", "--model", self.make(WEIGHTS, *SMALL_FILES,
                                                   adapter_config__json=b"{}"), PICTURE)

    def test_an_adapter_in_the_cache_of_the_hub(self):
        commit = "0123456789" * 4
        entry = self.folder / "hub" / "models--someone--lora"
        snapshot = entry / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (entry / "refs").mkdir()
        (entry / "refs" / "main").write_text(commit)
        (snapshot / "adapter_config.json").write_text("{}")
        for words in (["embed", "--model", "someone/lora", PICTURE], ["inspect", "someone/lora"],
                      ["tokenize", "--model", "someone/lora", "a"]):
            said = self.fail_with(1, *words, variables={"HF_HUB_CACHE": str(self.folder / "hub")})
            self.assertIn(f"{snapshot}: holds an adapter", said)

    def test_variants(self):
        for name, usual in (("model.fp16.safetensors", WEIGHTS),
                            ("model.safetensors.index.fp16.json", f"{WEIGHTS}.index.json")):
            self.expect(self.make(**{name.replace(".", "__"): b""}), f"found only {name}",
                        "variant \"fp16\"", f"rename it to {usual}")
            self.expect(self.make(*SMALL_FILES, **{name.replace(".", "__"): b""}),
                        f"found only {name}", weights_only=True)

    def test_weights_under_other_names(self):
        self.expect(self.make("config.json", weights__safetensors=b""),
                    "found only weights.safetensors", "rename it to model.safetensors")
        shards = {f"model-0000{i}-of-00002__safetensors": b"" for i in (1, 2)}
        self.expect(self.make("config.json", **shards), "found only model-00001-of-00002",
                    "download model.safetensors.index.json")

    def test_other_formats(self):
        for name, kind in (("pytorch_model.bin", "pickled"), ("model.pt", "pickled"),
                           ("model.pth", "pickled"), ("siglip.ckpt", "pickled"),
                           ("flax_model.msgpack", "Flax"), ("tf_model.h5", "Keras"),
                           ("model.onnx", "ONNX")):
            file = {name.replace(".", "__"): b"PK"}
            self.expect(self.make(**file), f"found only {name}", kind, "convert it")
            self.expect(self.make(*SMALL_FILES, **file), f"found only {name}", weights_only=True)
        exported = self.make(*SMALL_FILES)
        (exported / "onnx").mkdir()
        (exported / "onnx" / "model_quantized.onnx").touch()
        self.expect(exported, "found only onnx/model_quantized.onnx", weights_only=True)
        # What a training leaves beside its weights is not what was meant.
        self.expect(self.make(training_args__bin=b"", optimizer__pt=b"", pytorch_model__bin=b""),
                    "found only pytorch_model.bin")

    def test_no_weights_at_all(self):
        folder = self.make(*SMALL_FILES)
        self.expect(folder, "no weights: expected model.safetensors", weights_only=True)
        self.succeed("tokenize", "--model", folder, "a star")
        self.succeed("preprocess", "--model", folder, "--output", self.folder / "x.safetensors",
                     PICTURE)

    def test_arrays_that_are_no_model(self):
        path = self.make() / "arrays.npz"
        numpy.savez(path, weights=numpy.zeros(3, "f4"))
        self.expect(path, f"{path}: no configuration", "big_vision", weights_only=True)
        # A name without a folder in front.
        said = self.fail_with(1, "inspect", path.name, cwd=path.parent)
        self.assertIn("siglip: arrays.npz: no configuration", said)

    def test_a_link_that_leads_nowhere(self):
        folder = self.make(*SMALL_FILES)
        (folder / WEIGHTS).symlink_to("../../blobs/gone")
        self.expect(folder, folder / WEIGHTS, "a link to a file that is not there",
                    weights_only=True)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_folder_that_may_not_be_read(self):
        folder = self.make(WEIGHTS, *SMALL_FILES)
        self.addCleanup(folder.chmod, 0o700)
        for mode in (0, 0o444):  # nothing at all; the names only
            folder.chmod(mode)
            self.expect(folder, "Permission denied")


class MissingPartTest(CommandTest):
    def same(self, commands, *pieces):
        """All say the same, but for what `run` is given instead."""
        said = {self.fail_with(1, *words).partition(" (this model takes")[0].strip()
                for words in commands}
        self.assertEqual(len(said), 1, said)
        for piece in pieces:
            self.assertIn(piece, next(iter(said)))

    def inputs(self, **names):
        path = self.folder / "input.safetensors"
        source = safetensors_io.read(GOLDEN / "siglip-full" / "input.safetensors")
        safetensors_io.write(path, {name: source[name] for name in names})
        return path

    def without(self, prefix, source=DEMO):
        """The checkpoint without the tensors whose names begin so."""
        folder = self.folder / "part"
        shutil.copytree(source, folder)
        tensors = safetensors_io.read(folder / WEIGHTS)
        safetensors_io.write(folder / WEIGHTS, {name: value for name, value in tensors.items()
                                                if not name.startswith(prefix)})
        return folder

    def run_on(self, model, *names):
        return ["run", "--model", model, "--input", self.inputs(**dict.fromkeys(names)),
                "--output", self.folder / "out.safetensors"]

    def test_no_text_tower(self):
        for model in (self.without("text_model."), GOLDEN / "vision-head",
                      GOLDEN / "names-timm-gelu"):
            self.same([["embed", "--model", model, "--text", "a star"],
                       self.run_on(model, "input_ids"),
                       self.run_on(model, "input_ids", "pixel_values")],
                      f"{model}: no text tower")
        for model in (self.folder / "part", GOLDEN / "names-timm-gelu"):
            self.same([["classify", "--model", model, "--labels", "a,b", PICTURE],
                       ["compare", "--model", model, PICTURE, "--text", "a star"],
                       ["embed", "--model", model, "--text", "a star", "--normalize"]],
                      f"{model}: no text tower")

    def test_no_image_tower(self):
        model = self.without("vision_model.")
        self.same([["embed", "--model", model, PICTURE],
                   ["classify", "--model", model, "--labels", "a,b", PICTURE],
                   ["compare", "--model", model, PICTURE],
                   ["bench", "--model", model],
                   self.run_on(model, "pixel_values"),
                   self.run_on(model, "input_ids", "pixel_values")],
                  f"{model}: no image tower")
        self.succeed("embed", "--model", model, "--text", "a star")

    def test_no_pooling_head(self):
        model = self.without("vision_model.head.")
        config = json.loads((model / "config.json").read_text())
        config["vision_config"]["vision_use_head"] = False
        (model / "config.json").write_text(json.dumps(config))
        self.same([["embed", "--model", model, PICTURE],
                   ["classify", "--model", model, "--labels", "a,b", PICTURE],
                   ["compare", "--model", model, PICTURE, "--text", "a star"]],
                  f"{model}: the image tower has no pooling head", "--tokens")

    def test_no_tokenizer(self):
        model = self.folder / "model"
        shutil.copytree(DEMO, model)
        (model / "spiece.model").unlink()
        self.same([["embed", "--model", model, "--text", "a star"],
                   ["classify", "--model", model, "--labels", "a,b", PICTURE],
                   ["compare", "--model", model, PICTURE, "--text", "a star"],
                   ["tokenize", "--model", model, "a star"]],
                  f"{model}: no tokenizer", "spiece.model")

    def test_a_file_of_weights_has_no_tokenizer(self):
        path = self.folder / "tower.npz"
        big_vision_files.write(path, big_vision_files.to_big_vision(GOLDEN / "siglip-full"))
        self.same([["embed", "--model", path, "--text", "a star"],
                   ["tokenize", "--model", path, "a star"]], f"{path}: no tokenizer")


class SpoiltWeightsTest(CommandTest):
    def spoil(self, name):
        """The demo model with one tensor all NaN."""
        model = self.folder / "model"
        shutil.copytree(DEMO, model)
        tensors = safetensors_io.read(model / WEIGHTS)
        tensors[name] = numpy.full_like(tensors[name], numpy.nan)
        safetensors_io.write(model / WEIGHTS, tensors)
        return model

    def test_texts_too(self):
        model = self.spoil("text_model.head.bias")
        for words in (["embed", "--text", "a", "--text", "b"], ["compare", "--text", "a", PICTURE],
                      ["classify", "--labels", "a,b", PICTURE]):
            said = self.fail_with(1, words[0], "--model", model, *words[1:])
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn(f"{model}: of a text, the model's embedding holds NaN", said)

    def test_a_model_that_gives_nan_ends_the_run_with_one_message(self):
        model = self.spoil("vision_model.post_layernorm.weight")
        pictures = sorted(PICTURE.parent.glob("*.jpg"))
        for words in (["embed"], ["embed", "--threads", 3, "--normalize"], ["embed", "--tokens"],
                      ["embed", "--output", self.folder / "out.npy"],
                      ["embed", "--output", self.folder / "out.jsonl"],
                      ["classify", "--labels", "a,b"], ["compare"]):
            with self.subTest(words):
                said = self.fail_with(1, words[0], "--model", model, *words[1:], *pictures)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(f"{model}: the model's embedding holds NaN or infinity", said)
        self.assertEqual(list(self.folder.glob("out.npy")) + list(self.folder.glob("out.jsonl")), [])


class PackedFolderTest(CommandTest):
    """inspect says yes exactly where embed does."""

    def setUp(self):
        super().setUp()
        self.packed = self.folder / "packed"
        self.succeed("convert", "--precision", "bf16", DEMO, self.packed)

    def expect_same_refusal(self, *pieces):
        said = set()
        for words in (["inspect", self.packed], ["embed", "--model", self.packed, PICTURE],
                      ["embed", "--model", self.packed, "--text", "a star"],
                      ["classify", "--model", self.packed, "--labels", "a,b", PICTURE],
                      ["run", "--model", self.packed, "--output", self.folder / "o.safetensors",
                       "--input", GOLDEN / "vision-head" / "input.safetensors"]):
            said.add(self.fail_with(1, *words))
        self.assertEqual(len(said), 1, said)
        for piece in pieces:
            self.assertIn(piece, next(iter(said)))

    def test_a_config_that_is_broken_or_another_ones(self):
        config = self.packed / "config.json"
        good = json.loads(config.read_text())
        for content in ("{", "[]", "", json.dumps({**good, "model_type": "siglip2"}),
                        json.dumps({**good, "text_config": {**good["text_config"],
                                                            "max_position_embeddings": 12}})):
            with self.subTest(content[:20]):
                config.write_text(content)
                self.expect_same_refusal("config.json")
        config.unlink()
        self.expect_same_refusal("config.json")
        config.write_text(json.dumps(good, indent=7))
        self.succeed("inspect", self.packed)
        self.succeed("embed", "--model", self.packed, PICTURE)

    def test_a_tower_that_does_not_load(self):
        path = self.packed / "packed.safetensors"
        data = path.read_bytes()
        name = b'"vision_model.encoder.layers.1.mlp.fc1.weight"'
        self.assertIn(name, data)
        path.write_bytes(data.replace(name, name.replace(b"fc1", b"fcX")))
        said = {self.fail_with(1, *words) for words in (
            ["inspect", self.packed], ["embed", "--model", self.packed, PICTURE])}
        self.assertEqual(len(said), 1, said)
        self.assertIn("layers.1.mlp.fc1.weight", said.pop())

    def test_another_instruction_set(self):
        if run("--version", isa="avx512").returncode != 0:
            self.skipTest("this machine has one layout only")
        said = {self.fail_with(1, *words, isa="generic") for words in (
            ["inspect", self.packed], ["embed", "--model", self.packed, PICTURE])}
        self.assertEqual(len(said), 1, said)


if __name__ == "__main__":
    unittest.main()
