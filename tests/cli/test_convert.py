"""siglip convert: packed checkpoints compute the same bits, and are refused where they do not fit."""

import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import safetensors_io
from command_line import GOLDEN, CommandTest, instruction_sets

ROOT = GOLDEN.parent.parent
DEMO = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("0*.jpg"))


def header_of(path):
    """The length of a safetensors file's header, and the header itself."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return length, json.loads(data[8:8 + length])


class ConvertTest(CommandTest):
    def pack(self, precision, source=DEMO, isa=None):
        packed = self.folder / f"packed-{precision}-{isa}"
        self.succeed("convert", "--force", "--precision", precision, source, packed, isa=isa)
        return packed

    def rewrite(self, packed, change):
        """The packed file with its header changed; the data stay."""
        path = packed / "packed.safetensors"
        length, header = header_of(path)
        data = path.read_bytes()[8 + length:]
        change(header)
        text = json.dumps(header).encode()
        text += b" " * (-(8 + len(text)) % 64)
        path.write_bytes(len(text).to_bytes(8, "little") + text + data)

    def test_every_precision_gives_the_bits_of_the_original(self):
        for isa in instruction_sets():
            for precision in ("f32", "bf16", "int8"):
                with self.subTest(isa=isa, precision=precision):
                    packed = self.pack(precision, isa=isa)
                    expected = self.succeed("embed", "--model", DEMO, "--precision", precision,
                                            *PICTURES, isa=isa).stdout
                    found = self.succeed("embed", "--model", packed, *PICTURES, isa=isa).stdout
                    self.assertEqual(found, expected)
                    self.assertEqual(
                        self.succeed("embed", "--model", packed, "--precision", precision,
                                     *PICTURES, isa=isa).stdout, expected)

    def test_both_towers_of_odd_sizes(self):
        source = GOLDEN / "siglip-projection"
        packed = self.pack("bf16", source)
        outputs = []
        for model, words in ((source, ["--precision", "bf16"]), (packed, [])):
            output = self.folder / f"{model.name}.safetensors"
            self.succeed("run", "--model", model, "--input", source / "input.safetensors",
                         "--output", output, *words)
            outputs.append(safetensors_io.read(output))
        self.assertEqual(outputs[0].keys(), outputs[1].keys())
        self.assertIn("text_embeds", outputs[0])
        for name, value in outputs[0].items():
            numpy.testing.assert_array_equal(outputs[1][name], value, err_msg=name)

    def test_a_tower_without_a_head_stays_without(self):
        packed = self.pack("f32", GOLDEN / "vision-no-head")
        self.assertFalse(json.loads(self.succeed("inspect", "--json", packed).stdout)["has_head"])

    def test_what_the_file_says_of_itself(self):
        packed = self.pack("int8")
        metadata = header_of(packed / "packed.safetensors")[1]["__metadata__"]
        self.assertEqual(metadata["precision"], "int8")
        self.assertEqual(metadata["version"], "1")
        self.assertEqual(json.loads(metadata["config"]), json.loads((DEMO / "config.json").read_text()))
        self.assertIn("packed in int8", self.succeed("inspect", packed).stdout)
        for name in ("preprocessor_config.json", "spiece.model", "tokenizer_config.json"):
            self.assertEqual((packed / name).read_bytes(), (DEMO / name).read_bytes(), name)

    def test_weights_are_aligned_to_cache_lines(self):
        for precision in ("f32", "int8"):
            path = self.pack(precision) / "packed.safetensors"
            length, header = header_of(path)
            for name, tensor in header.items():
                if name != "__metadata__" and len(tensor["shape"]) >= 3 and "probe" not in name:
                    self.assertEqual((8 + length + tensor["data_offsets"][0]) % 64, 0, name)

    def test_another_precision_is_refused(self):
        said = self.fail_with(1, "embed", "--model", self.pack("int8"), "--precision", "f32",
                              PICTURES[0])
        self.assertIn("holds weights in int8, asked for f32", said)

    def test_auto_takes_what_is_packed(self):
        packed = self.pack("bf16")
        self.assertEqual(
            self.succeed("embed", "--model", packed, "--precision", "auto", PICTURES[0]).stdout,
            self.succeed("embed", "--model", packed, PICTURES[0]).stdout)

    def test_auto_is_one_of_the_others(self):
        automatic = self.succeed("embed", "--model", DEMO, "--precision", "auto", PICTURES[0]).stdout
        others = [self.succeed("embed", "--model", DEMO, "--precision", precision,
                               PICTURES[0]).stdout for precision in ("f32", "int8")]
        self.assertIn(automatic, others)

    def test_another_layout_is_refused(self):
        if "avx512" not in instruction_sets():
            self.skipTest("this machine has one layout only")
        said = self.fail_with(1, "embed", "--model", self.pack("f32", isa="avx512"), PICTURES[0],
                              isa="generic")
        self.assertIn("laid out as 32x1", said)
        self.assertIn("takes 16x1", said)

    def test_a_file_that_names_its_columns_only_is_read(self):
        """As it was written before layouts had names."""
        packed = self.pack("int8")
        expected = self.succeed("embed", "--model", packed, PICTURES[0]).stdout

        def rename(header):
            columns, words = header["__metadata__"].pop("layout").split("x")
            self.assertEqual(words, "1")
            header["__metadata__"]["panel_columns"] = columns

        self.rewrite(packed, rename)
        self.assertEqual(self.succeed("embed", "--model", packed, PICTURES[0]).stdout, expected)

    def test_another_version_is_refused(self):
        packed = self.pack("f32")
        self.rewrite(packed, lambda header: header["__metadata__"].update(version="2"))
        said = self.fail_with(1, "embed", "--model", packed, PICTURES[0])
        self.assertIn("version", said)
        self.assertIn("siglip convert", said)

    def test_malformed_metadata_are_refused(self):
        changes = [lambda m: m.pop("precision"), lambda m: m.update(precision="int7"),
                   lambda m: m.update(panel_columns="-32"), lambda m: m.update(panel_columns="16x1"),
                   lambda m: m.update(layout="16"), lambda m: m.update(layout="x"), lambda m: m.pop("layout"),
                   lambda m: m.update(config="[]"), lambda m: m.update(config="{"),
                   lambda m: m.pop("format"), lambda m: m.update(format="pt")]
        for number, change in enumerate(changes):
            with self.subTest(number):
                packed = self.pack("f32")
                self.rewrite(packed, lambda header: change(header["__metadata__"]))
                self.assertIn("packed.safetensors",
                              self.fail_with(1, "embed", "--model", packed, PICTURES[0]))

    def test_weights_of_another_shape_are_refused(self):
        packed = self.pack("f32")

        def reshape(header):
            tensor = header["vision_model.encoder.layers.0.mlp.fc1.weight"]
            panels, depth, columns = tensor["shape"]
            tensor["shape"] = [panels * 2, depth // 2, columns]

        self.rewrite(packed, reshape)
        said = self.fail_with(1, "embed", "--model", packed, PICTURES[0])
        self.assertIn("vision_model.encoder.layers.0.mlp.fc1.weight", said)
        self.assertIn("expected F32", said)

    def test_a_truncated_file_is_refused(self):
        path = self.pack("f32") / "packed.safetensors"
        path.write_bytes(path.read_bytes()[:-1000])
        self.assertIn("packed.safetensors",
                      self.fail_with(1, "embed", "--model", path.parent, PICTURES[0]))

    def test_packed_ones_are_not_packed_again(self):
        said = self.fail_with(1, "convert", "--precision", "bf16", self.pack("f32"),
                              self.folder / "again")
        self.assertIn("packed already", said)

    def test_an_existing_file_is_kept(self):
        packed = self.pack("f32")
        before = (packed / "packed.safetensors").read_bytes()
        self.assertIn("--force", self.fail_with(1, "convert", "--precision", "int8", DEMO, packed))
        self.assertEqual((packed / "packed.safetensors").read_bytes(), before)
        self.succeed("convert", "--precision", "int8", "--force", DEMO, packed)
        self.assertNotEqual((packed / "packed.safetensors").read_bytes(), before)

    def test_the_input_is_not_the_output(self):
        model = self.folder / "model"
        shutil.copytree(DEMO, model)
        (self.folder / "link").symlink_to(model)
        before = {path.name: path.read_bytes() for path in model.glob("*.*")}
        for name in (model, f"{model}/", self.folder / "link", model / ".", model / ".." / "model"):
            for form in (["--precision", "int8"], ["--to", "hf"]):
                for words in ([model, name], [name, model]):
                    with self.subTest(form=form, words=words):
                        self.assertIn("is the checkpoint that is to be converted",
                                      self.fail_with(1, "convert", "--force", *form, *words))
        self.assertIn("is the checkpoint", self.fail_with(1, "convert", "--precision", "bf16",
                                                          ".", ".", cwd=model))
        self.assertEqual({path.name: path.read_bytes() for path in model.glob("*.*")}, before)

    def test_a_file_is_not_converted_into_its_own_folder(self):
        folder = self.folder / "big_vision"
        folder.mkdir()
        arrays = big_vision_files.to_big_vision(GOLDEN / "siglip-full")
        numpy.savez(folder / "tower.npz", **arrays)
        for form in (["--precision", "int8"], ["--to", "hf"]):
            self.assertIn("is the checkpoint that is to be converted",
                          self.fail_with(1, "convert", *form, "tower.npz", folder, cwd=folder))
        self.assertEqual([path.name for path in folder.iterdir()], ["tower.npz"])

    def test_another_checkpoint_keeps_its_kind(self):
        other = self.folder / "other"
        shutil.copytree(GOLDEN / "siglip-full", other)
        before = {path.name: path.read_bytes() for path in other.iterdir()}
        self.assertIn("--force", self.fail_with(1, "convert", "--precision", "int8", DEMO, other))
        self.assertEqual({path.name: path.read_bytes() for path in other.iterdir()}, before)
        packed = self.pack("int8")
        for words in (["convert", "--to", "hf", DEMO, packed],
                      ["init", "--preset", "base-patch16-224", packed]):
            self.assertIn("--force", self.fail_with(1, *words))
        self.assertFalse((packed / "model.safetensors").exists())

    def test_a_precision_is_needed(self):
        self.assertIn("--precision", self.fail_with(2, "convert", DEMO, self.folder / "out"))


if __name__ == "__main__":
    unittest.main()
