"""siglip convert --to hf, and the formats it reads: what big_vision and llama.cpp save gives the golden
values."""

import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import gguf_files
import safetensors_io
from command_line import GOLDEN, CommandTest

TOLERANCE = 2e-5
WHOLE = GOLDEN / "siglip-full"
TOWER = GOLDEN / "vision-no-head"
EVEN_TOWER = GOLDEN / "vision-1024-tokens"  # rows of 32 values, as Q8_0 needs


def relative_error(found, expected):
    distance = numpy.linalg.norm(found.astype("f8") - expected, axis=-1)
    return (distance / numpy.linalg.norm(expected.astype("f8"), axis=-1)).max()


class ConvertTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "output"

    def convert(self, source):
        """The new folder's tensors, and what the command said."""
        said = self.succeed("convert", "--to", "hf", source, self.output, "--force").stdout
        return safetensors_io.read(self.output / "model.safetensors"), said

    def run_model(self, model, case):
        """What the image tower makes of a golden case's pictures."""
        pixels, output = self.folder / "pixels.safetensors", self.folder / "run.safetensors"
        inputs = safetensors_io.read(GOLDEN / case / "input.safetensors")
        safetensors_io.write(pixels, {"pixel_values": inputs["pixel_values"]})
        self.succeed("run", "--model", model, "--input", pixels, "--output", output, "--force")
        return safetensors_io.read(output)

    def check_tensors(self, found, expected):
        self.assertEqual(sorted(found), sorted(expected))
        for name, value in expected.items():
            self.assertEqual(found[name].dtype, numpy.float32)
            self.assertEqual(found[name].shape, value.shape, name)
            self.assertEqual(found[name].tobytes(), value.astype("<f4").tobytes(), name)


class BigVisionTest(ConvertTest):
    def write(self, arrays, compress=False):
        path = self.folder / "model.npz"
        big_vision_files.write(path, arrays, compress)
        return path

    def test_every_variant_gives_the_same_bits(self):
        expected = safetensors_io.read(WHOLE / "model.safetensors")
        for prefix in ("params/", "", "opt/target/"):
            for scan in (False, True):
                arrays = big_vision_files.to_big_vision(WHOLE, prefix, scan)
                arrays = {name: big_vision_files.convert(value, "f4")
                          for name, value in arrays.items()}
                if prefix:  # the state of an optimiser beside the parameters
                    arrays.update({name.replace(prefix, "opt/mu/"): value + 1
                                   for name, value in arrays.items()})
                for compress in (False, True):
                    with self.subTest(prefix=prefix, scan=scan, compress=compress):
                        found, said = self.convert(self.write(arrays, compress))
                        self.check_tensors(found, expected)
                        self.assertIn("both towers", said)

    def test_column_major_arrays(self):
        for scan in (False, True):
            arrays = big_vision_files.to_big_vision(WHOLE, scan=scan)
            found, _ = self.convert(self.write({name: numpy.asfortranarray(value)
                                                for name, value in arrays.items()}, compress=scan))
            self.check_tensors(found, safetensors_io.read(WHOLE / "model.safetensors"))

    def test_half_types(self):
        expected = safetensors_io.read(WHOLE / "model.safetensors")
        arrays = big_vision_files.to_big_vision(WHOLE, scan=True)
        found, _ = self.convert(self.write({name: big_vision_files.convert(value, "f2")
                                            for name, value in arrays.items()}))
        self.check_tensors(found, {name: value.astype("f2").astype("f4")
                                   for name, value in expected.items()})
        found, _ = self.convert(self.write({name: big_vision_files.convert(value, "bf16")
                                            for name, value in arrays.items()}))
        for name, value in expected.items():
            rounded = big_vision_files.to_bfloat16(value).view("<u2").astype("<u4") << 16
            self.assertEqual(found[name].tobytes(), rounded.view("<f4").tobytes(), name)

    def test_configuration_of_shapes(self):
        self.convert(self.write(big_vision_files.to_big_vision(WHOLE)))
        found = json.loads((self.output / "config.json").read_text())
        expected = json.loads((WHOLE / "config.json").read_text())
        self.assertEqual(found["model_type"], "siglip")
        self.assertEqual(found["vision_config"], expected["vision_config"])
        self.assertEqual(found["text_config"], expected["text_config"])
        preprocessing = json.loads((self.output / "preprocessor_config.json").read_text())
        self.assertEqual(preprocessing["size"], {"height": 48, "width": 48})
        self.assertEqual(preprocessing["resample"], 3)

    def test_golden_values_without_conversion(self):
        expected = safetensors_io.read(WHOLE / "expected.safetensors")
        path = self.write(big_vision_files.to_big_vision(WHOLE, scan=True), compress=True)
        pooled = self.run_model(path, "siglip-full")["pooler_output"]
        embeddings = pooled / numpy.linalg.norm(pooled, axis=-1, keepdims=True)
        self.assertLessEqual(relative_error(embeddings, expected["image_embeds"]), TOLERANCE)

    def test_an_image_tower_alone(self):
        for case in ("vision-head", "vision-no-head", "vision-head-dim-72", "vision-five-channels"):
            with self.subTest(case=case):
                path = self.write(big_vision_files.to_big_vision(GOLDEN / case))
                found = self.run_model(path, case)
                expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")
                for name in ("last_hidden_state", "pooler_output"):
                    self.assertEqual(name in found, name in expected)
                    if name in expected:
                        self.assertLessEqual(relative_error(found[name], expected[name]), TOLERANCE)
                self.convert(path)
                config = json.loads((self.output / "config.json").read_text())
                self.assertEqual(config["model_type"], "siglip_vision_model")

    def test_naflex(self):
        case = "siglip2-naflex"
        arrays = big_vision_files.to_big_vision(GOLDEN / case, scan=True)
        path = self.write(arrays)
        found, said = self.convert(path)
        self.check_tensors(found, safetensors_io.read(GOLDEN / case / "model.safetensors"))
        self.assertIn("up to 16 patches, as SigLIP 2 NaFlex", said)
        expected = json.loads((GOLDEN / case / "config.json").read_text())
        config = json.loads((self.output / "config.json").read_text())
        self.assertEqual(config["model_type"], "siglip2")
        for tower in ("vision_config", "text_config"):
            self.assertEqual(config[tower]["model_type"], expected[tower]["model_type"])
            self.assertEqual(config[tower]["num_attention_heads"],
                             expected[tower]["num_attention_heads"])
        for model in (path, self.output):
            output = self.folder / "naflex.safetensors"
            self.succeed("run", "--model", model, "--force", "--output", output,
                         "--input", GOLDEN / case / "input.safetensors")
            embeddings = safetensors_io.read(output)["image_embeds"]
            values = safetensors_io.read(GOLDEN / case / "expected.safetensors")
            self.assertLessEqual(relative_error(embeddings, values["image_embeds"]), TOLERANCE)

    def test_a_damaged_archive(self):
        path = self.write(big_vision_files.to_big_vision(WHOLE))
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
        message = self.fail_with(1, "convert", "--to", "hf", path, self.output)
        self.assertIn("checksum", message)
        self.assertFalse((self.output / "config.json").exists())
        self.assertFalse((self.output / "model.safetensors").exists())


class GgufTest(ConvertTest):
    def write(self, tower, dtype="F32", swap=False):
        path = self.folder / "mmproj.gguf"
        gguf_files.write(path, *gguf_files.to_gguf(tower, dtype, swap))
        return path

    def expected(self, tower, dtype):
        """The tower's tensors with the rounding of a type, and the types themselves."""
        names = {gguf_files.rename(name): name
                 for name in big_vision_files.read_checkpoint(tower)[1]}
        tensors, types = {}, set()
        for name, (stored, shape, raw) in gguf_files.to_gguf(tower, dtype)[1].items():
            if stored == "F32":
                values = numpy.frombuffer(raw, "<f4")
            elif stored == "F16":
                values = numpy.frombuffer(raw, "<f2").astype("<f4")
            elif stored == "BF16":
                values = (numpy.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
            elif stored == "Q8_0":
                values = gguf_files.dequantise(numpy.frombuffer(raw, gguf_files.Q8_BLOCK))
            else:
                continue  # the projector
            tensors[names[name]] = values.reshape(shape)
            types.add(stored)
        return tensors, types

    def test_every_type(self):
        for dtype in ("F32", "F16", "BF16", "Q8_0"):
            for swap in (False, True):
                with self.subTest(dtype=dtype, swap=swap):
                    found, said = self.convert(self.write(EVEN_TOWER, dtype, swap))
                    expected, types = self.expected(EVEN_TOWER, dtype)
                    self.assertIn(dtype, types)
                    self.check_tensors(found, expected)
                    self.assertIn("image tower", said)

    def test_golden_values_without_conversion(self):
        expected = safetensors_io.read(TOWER / "expected.safetensors")["last_hidden_state"]
        for swap in (False, True):
            found = self.run_model(self.write(TOWER, swap=swap), TOWER.name)
            self.assertNotIn("pooler_output", found)
            self.assertLessEqual(relative_error(found["last_hidden_state"], expected), TOLERANCE)

    def test_quantised_towers_run_as_their_rounded_weights(self):
        path = self.write(EVEN_TOWER, "Q8_0")
        direct = self.run_model(path, EVEN_TOWER.name)["last_hidden_state"]
        self.convert(path)
        converted = self.run_model(self.output, EVEN_TOWER.name)["last_hidden_state"]
        self.assertEqual(direct.tobytes(), converted.tobytes())

    def test_other_quantisations_are_refused_by_name(self):
        path = self.folder / "mmproj.gguf"
        metadata, tensors = gguf_files.to_gguf(TOWER)
        metadata.update({"clip.vision.patch_size": 32, "clip.vision.image_size": 128})
        tensors["v.patch_embd.weight"] = ("Q4_0", (48, 3, 32, 32), bytes(48 * 3 * 32 * 18))
        gguf_files.write(path, metadata, tensors)
        message = self.fail_with(1, "inspect", path)
        self.assertIn("'v.patch_embd.weight' has dtype Q4_0", message)


class SmolVlmTest(ConvertTest):
    def test_its_tower_is_siglips(self):
        config, tensors = big_vision_files.read_checkpoint(TOWER)
        model = self.folder / "smolvlm"
        model.mkdir()
        stored = {f"model.{name}": value for name, value in tensors.items()}
        stored["model.connector.modality_projection.proj.weight"] = numpy.zeros((2, 2), "<f4")
        stored["model.text_model.norm.weight"] = numpy.zeros(2, "<f4")
        safetensors_io.write(model / "model.safetensors", stored)
        vision = dict(config, model_type="smolvlm_vision")
        for key in ("hidden_act", "layer_norm_eps", "vision_use_head"):
            vision.pop(key, None)
        (model / "config.json").write_text(json.dumps(
            {"model_type": "smolvlm", "vision_config": vision, "text_config": {}}))
        found = self.run_model(model, TOWER.name)["last_hidden_state"]
        expected = safetensors_io.read(TOWER / "expected.safetensors")["last_hidden_state"]
        self.assertLessEqual(relative_error(found, expected), TOLERANCE)
        self.check_tensors(self.convert(model)[0], tensors)


class FoldersTest(ConvertTest):
    def test_other_schemes(self):
        for case in ("names-timm-gelu", "names-timm-gelu_tanh", "names-open-clip", "names-paligemma",
                     "names-tutorial", "names-legacy", "names-sharded", "vision-bfloat16"):
            with self.subTest(case=case):
                self.convert(GOLDEN / case)
                found = self.run_model(self.output, case)["last_hidden_state"]
                expected = safetensors_io.read(GOLDEN / case / "expected.safetensors")
                self.assertLessEqual(relative_error(found, expected["last_hidden_state"]), TOLERANCE)

    def test_what_has_no_place_is_named(self):
        self.assertIn("left out: classifier", self.convert(GOLDEN / "image-classification")[1])
        self.assertIn("left out: projector", self.convert(GOLDEN / "names-paligemma")[1])
        self.assertNotIn("left out", self.convert(WHOLE)[1])

    def test_preprocessing_and_tokenizer_are_copied(self):
        source = self.folder / "source"
        source.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(WHOLE / name, source)
        preprocessing = '{"size": {"height": 48, "width": 48}, "resample": 2}'
        (source / "preprocessor_config.json").write_text(preprocessing)
        (source / "spiece.model").write_bytes(b"pieces")
        (source / "unrelated.txt").write_text("x")
        _, said = self.convert(source)
        self.assertNotIn("guess", said)
        self.assertEqual((self.output / "preprocessor_config.json").read_text(), preprocessing)
        self.assertEqual((self.output / "spiece.model").read_bytes(), b"pieces")
        self.assertFalse((self.output / "unrelated.txt").exists())

    def test_preprocessing_of_open_clip_is_translated(self):
        source = self.folder / "source"
        shutil.copytree(GOLDEN / "names-open-clip", source)
        config = json.loads((source / "open_clip_config.json").read_text())
        config["preprocess_cfg"] = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
                                    "interpolation": "bilinear", "resize_mode": "squash"}
        (source / "open_clip_config.json").write_text(json.dumps(config))
        _, said = self.convert(source)
        self.assertNotIn("guess", said)
        found = json.loads((self.output / "preprocessor_config.json").read_text())
        self.assertEqual(found["image_mean"], [0.1, 0.2, 0.3])
        self.assertEqual(found["resample"], 2)

    def test_a_guess_for_siglip_2(self):
        config = json.loads((WHOLE / "config.json").read_text())
        tensors = safetensors_io.read(WHOLE / "model.safetensors")
        config["text_config"]["vocab_size"] = 256000
        tensors["text_model.embeddings.token_embedding.weight"] = numpy.zeros((256000, 48), "<f4")
        (self.folder / "config.json").write_text(json.dumps(config))
        safetensors_io.write(self.folder / "model.safetensors", tensors)
        _, said = self.convert(self.folder)
        self.assertIn("bilinear as SigLIP 2", said)

    def test_refusals(self):
        convert = ("convert", "--to", "hf")
        self.convert(WHOLE)
        self.assertIn("--force", self.fail_with(1, *convert, WHOLE, self.output))
        self.assertIn("is the checkpoint that is to be converted",
                      self.fail_with(1, *convert, self.output, self.output, "--force"))
        self.assertIn("nowhere", self.fail_with(1, *convert, self.folder / "nowhere", self.folder))
        self.assertIn("--to", self.fail_with(2, "convert", WHOLE, self.folder / "new"))
        self.fail_with(2, "convert", "--to", "gguf", WHOLE, self.folder / "new")
        self.fail_with(2, *convert, "--precision", "f32", WHOLE, self.folder / "new")
        self.succeed("convert", "--precision", "f32", WHOLE, self.folder / "packed")
        self.assertIn("packed", self.fail_with(1, *convert, self.folder / "packed",
                                               self.folder / "new"))
        (self.folder / "file").write_text("x")
        self.fail_with(1, *convert, WHOLE, self.folder / "file" / "new")


if __name__ == "__main__":
    unittest.main()
