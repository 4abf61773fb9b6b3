"""SigLIP 2 NaFlex on the command line: every command that takes models of variable resolution."""

import json
import pathlib
import shutil
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import GOLDEN, CommandTest, instruction_sets

CASE = GOLDEN / "siglip2-naflex"
IMAGES = GOLDEN / "images"
PICTURES = [IMAGES / name for name in ("rgb.png", "tall.png", "one-row.png", "grey.jpg")]
TOLERANCE = 2e-5


def row_error(found, expected):
    """Largest relative L2 distance of a row of the last axis."""
    found, expected = found.astype("f8"), expected.astype("f8")
    return (numpy.linalg.norm(found - expected, axis=-1)
            / numpy.linalg.norm(expected, axis=-1)).max()


class NaflexTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "output.safetensors"
        self.model = self.folder / "model"
        shutil.copytree(CASE, self.model)
        self.write_preprocessing()

    def write_preprocessing(self, **fields):
        (self.model / "preprocessor_config.json").write_text(json.dumps({
            "image_processor_type": "Siglip2ImageProcessor", "do_convert_rgb": None,
            "do_resize": True, "resample": 2, "patch_size": 8, "max_num_patches": 36,
            "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": [0.5] * 3, "image_std": [0.5] * 3, **fields}))

    def read_output(self, *words):
        self.succeed(*words, "--output", self.output, "--force")
        return safetensors_io.read(self.output)

    # preprocess

    def preprocess(self, *words):
        return self.read_output("preprocess", "--model", self.model, *words)

    def test_patches_shapes_and_masks_equal_transformers(self):
        self.write_preprocessing(patch_size=16)
        golden = safetensors_io.read(IMAGES / "expected.safetensors")
        names = sorted(json.loads((IMAGES / "about.json").read_text())["images"])
        found = self.preprocess("--preprocess", "pillow13", "--alpha", "drop",
                                *(IMAGES / name for name in names))
        self.assertEqual(set(found), {"pixel_values", "pixel_attention_mask", "spatial_shapes"})
        self.assertEqual(found["pixel_values"].shape, (len(names), 36, 768))
        self.assertEqual(found["pixel_values"].dtype, numpy.float32)
        self.assertEqual(found["pixel_attention_mask"].dtype, numpy.int32)
        self.assertEqual(found["spatial_shapes"].dtype, numpy.int64)
        for row, name in enumerate(names):
            with self.subTest(name):
                shape = golden[f"{name}/naflex.spatial_shape"].astype(int)
                self.assertEqual(found["spatial_shapes"][row].tolist(), shape.tolist())
                patches = shape.prod()
                mask = (numpy.arange(36) < patches).astype(int)
                self.assertEqual(found["pixel_attention_mask"][row].tolist(), mask.tolist())
                values = found["pixel_values"][row]
                steps = numpy.rint((values[:patches] + 1) * 127.5).astype("u1")
                expected = golden[f"{name}/naflex.pillow.pixel_values.u8"][:patches]
                numpy.testing.assert_array_equal(steps, expected)
                self.assertFalse(values[patches:].any())

    def test_max_num_patches_and_filter(self):
        found = self.preprocess("--max-num-patches", 10, "--resample", "nearest", PICTURES[0])
        self.assertEqual(found["pixel_values"].shape, (1, 10, 192))
        self.assertLessEqual(found["spatial_shapes"].prod(), 10)
        with_pictures = self.preprocess("--rgb", *PICTURES)
        self.assertEqual(with_pictures[f"{PICTURES[1]}/rgb"].shape, (700, 9, 3))

    def test_options_of_the_other_resolution_are_refused(self):
        words = ("preprocess", "--output", self.output, PICTURES[0])
        self.assertIn("--size", self.fail_with(1, *words, "--model", self.model, "--size", "8x8"))
        fixed = self.folder / "fixed"
        fixed.mkdir()
        (fixed / "preprocessor_config.json").write_text('{"size": {"height": 8, "width": 8}}')
        self.assertIn("--max-num-patches",
                      self.fail_with(1, *words, "--model", fixed, "--max-num-patches", 9))
        self.fail_with(2, *words, "--model", self.model, "--max-num-patches", 0)

    # run

    def run_model(self, tensors, *options, isa=None):
        file = self.folder / "input.safetensors"
        safetensors_io.write(file, tensors)
        self.succeed("run", "--model", CASE, "--input", file, "--output", self.output, "--force",
                     *options, isa=isa)
        return safetensors_io.read(self.output)

    def test_run_equals_transformers_on_every_instruction_set(self):
        inputs = safetensors_io.read(CASE / "input.safetensors")
        expected = safetensors_io.read(CASE / "expected.safetensors")
        tokens = inputs["spatial_shapes"].prod(axis=1)
        for isa in instruction_sets():
            with self.subTest(isa):
                found = self.run_model(inputs, isa=isa)
                self.assertEqual(set(expected) - set(found), set())
                for name in ("vision.pooler_output", "image_embeds", "text_embeds"):
                    self.assertEqual(found[name].shape, expected[name].shape)
                    self.assertLessEqual(row_error(found[name], expected[name]), TOLERANCE, name)
                logits = "logits_per_image"
                scale = numpy.abs(expected[logits]).max()
                self.assertLessEqual(numpy.abs(found[logits] - expected[logits]).max() / scale,
                                     1e-4)
                states = "vision.last_hidden_state"
                self.assertEqual(found[states].shape, expected[states].shape)
                for picture, count in enumerate(tokens):
                    self.assertLessEqual(row_error(found[states][picture, :count],
                                                   expected[states][picture, :count]), TOLERANCE)
                    self.assertFalse(found[states][picture, count:].any())

    def test_pictures_alone_have_no_prefix_and_need_no_mask(self):
        inputs = safetensors_io.read(CASE / "input.safetensors")
        both = self.run_model(inputs)
        del inputs["input_ids"]
        alone = self.run_model(inputs, "--hidden-states", "--attentions")
        self.assertEqual(set(alone), {"last_hidden_state", "pooler_output", "image_embeds",
                                      "hidden_states.0", "hidden_states.1", "hidden_states.2",
                                      "attentions.0", "attentions.1"})
        self.assertEqual(alone["pooler_output"].tobytes(), both["vision.pooler_output"].tobytes())
        self.assertEqual(alone["attentions.0"].shape, (5, 4, 16, 16))
        del inputs["pixel_attention_mask"]
        unmasked = self.run_model(inputs)
        self.assertEqual(unmasked["pooler_output"].tobytes(), alone["pooler_output"].tobytes())

    def test_a_classifier_sees_the_mean_of_a_pictures_own_tokens(self):
        tensors = {name: value for name, value
                   in safetensors_io.read(CASE / "model.safetensors").items()
                   if name.startswith("vision_model.")}
        random = numpy.random.default_rng(1)
        weight, bias = random.normal(size=(3, 48)), random.normal(size=3)
        tensors["classifier.weight"] = weight.astype("<f4")
        tensors["classifier.bias"] = bias.astype("<f4")
        safetensors_io.write(self.model / "model.safetensors", tensors)
        config = json.loads((CASE / "config.json").read_text())
        config["id2label"] = {"0": "cat", "1": "dog", "2": "bird"}
        (self.model / "config.json").write_text(json.dumps(config))
        found = self.read_output("run", "--model", self.model, "--input",
                                 self.pictures_of_the_case())
        states = safetensors_io.read(CASE / "expected.safetensors")["vision.last_hidden_state"]
        shapes = safetensors_io.read(CASE / "input.safetensors")["spatial_shapes"]
        means = numpy.array([tokens[:count].astype("f8").mean(axis=0)
                             for tokens, count in zip(states, shapes.prod(axis=1))])
        numpy.testing.assert_allclose(found["logits"], means @ weight.T + bias, atol=2e-4)

    def pictures_of_the_case(self):
        """The golden input without its texts, as a file."""
        file = self.folder / "pictures.safetensors"
        inputs = safetensors_io.read(CASE / "input.safetensors")
        del inputs["input_ids"]
        safetensors_io.write(file, inputs)
        return file

    def test_wrong_inputs_are_refused(self):
        good = safetensors_io.read(CASE / "input.safetensors")
        del good["input_ids"]
        file, output = self.folder / "bad.safetensors", self.folder / "none.safetensors"

        def refuse(tensors, *options):
            safetensors_io.write(file, tensors)
            error = self.fail_with(1, "run", "--model", CASE, "--input", file, "--output", output,
                                   *options)
            self.assertFalse(output.exists())
            self.assertNotIn("internal", error)
            return error

        for name in ("pixel_values", "spatial_shapes"):
            self.assertIn(name, refuse({k: v for k, v in good.items() if k != name}))
        self.assertIn("pixel_valves", refuse({**good, "pixel_valves": good["pixel_values"]}))
        for shape in ([0, 4], [-1, 4], [4, 5], [2**62, 2**62], [2**31, 2**33]):
            shapes = good["spatial_shapes"].copy()
            shapes[3] = shape
            self.assertIn("picture 3", refuse({**good, "spatial_shapes": shapes}))
        mask = good["pixel_attention_mask"].copy()
        mask[2, 0] = 0
        error = refuse({**good, "pixel_attention_mask": mask})
        self.assertIn("pixel_attention_mask", error)
        self.assertIn("picture 2", error)
        self.assertIn("--interpolate-pos-encoding", refuse(good, "--interpolate-pos-encoding"))

    # embed, compare

    def embeddings(self, *words, isa=None):
        lines = self.succeed("embed", "--model", self.model, *words, isa=isa).stdout.splitlines()
        return numpy.array([json.loads(line)["embedding"] for line in lines], "<f4")

    def test_embed_equals_preprocess_and_run(self):
        pixels = self.preprocess(*PICTURES)
        pooled = self.run_model(pixels)["pooler_output"]
        found = self.embeddings(*PICTURES)
        self.assertEqual(found.tobytes(), pooled.tobytes())
        self.assertEqual(self.embeddings("--threads", 1, *PICTURES).tobytes(), found.tobytes())
        smaller = self.embeddings("--max-num-patches", 9, *PICTURES)
        self.assertEqual(smaller.shape, found.shape)
        self.assertNotEqual(smaller.tobytes(), found.tobytes())

    def test_tokens_are_padded_with_zeros(self):
        found = self.embeddings("--tokens", "--normalize", *PICTURES)
        self.assertEqual(found.shape, (4, 36, 48))
        shapes = self.preprocess(*PICTURES)["spatial_shapes"]
        for tokens, count in zip(found, shapes.prod(axis=1)):
            numpy.testing.assert_allclose(numpy.linalg.norm(tokens[:count], axis=1), 1, rtol=1e-5)
            self.assertFalse(tokens[count:].any())

    def test_resume_refuses_another_number_of_patches(self):
        words = ("embed", "--model", self.model, "--output", self.folder / "out.npy", *PICTURES)
        self.succeed(*words)
        again = self.fail_with(1, *words, "--resume", "--max-num-patches", 9)
        self.assertTrue("out.npy" in again, again)

    def test_compare(self):
        found = json.loads(self.succeed("compare", "--json", "--model", self.model,
                                        *PICTURES).stdout)
        vectors = self.embeddings("--normalize", *PICTURES)
        numpy.testing.assert_allclose(found["cosines"], vectors @ vectors.T, atol=1e-6)

    def test_preprocessing_that_does_not_fit(self):
        self.write_preprocessing(patch_size=16)
        error = self.fail_with(1, "embed", "--model", self.model, PICTURES[0])
        self.assertIn("patches of 16", error)
        self.write_preprocessing(image_processor_type="SiglipImageProcessor")
        error = self.fail_with(1, "embed", "--model", self.model, PICTURES[0])
        self.assertIn("Siglip2ImageProcessor", error)

    # inspect, init, bench, convert

    def test_inspect(self):
        found = json.loads(self.succeed("inspect", "--json", self.model).stdout)
        self.assertEqual(found["model_type"], "siglip2")
        self.assertEqual(found["config"]["num_patches"], 16)
        self.assertNotIn("image_size", found["config"])
        self.assertEqual(found["preprocessing"]["max_num_patches"], 36)
        self.assertEqual(found["unusable"], [])
        text = self.succeed("inspect", self.model).stdout
        self.assertIn("any size and shape", text)
        self.assertIn("at most 36 patches of 8", text)

    def test_init_writes_what_loads(self):
        made = self.folder / "made"
        self.succeed("init", "--config", CASE / "config.json", "--seed", 3, made)
        reference = safetensors_io.read(CASE / "model.safetensors")
        written = safetensors_io.read(made / "model.safetensors")
        self.assertEqual({name: value.shape for name, value in written.items()},
                         {name: value.shape for name, value in reference.items()
                          if name.startswith("vision_model.")})
        lines = self.succeed("embed", "--model", made, PICTURES[0]).stdout.splitlines()
        self.assertEqual(len(json.loads(lines[0])["embedding"]), 48)
        self.assertIn("siglip2-base-patch16-naflex", self.succeed("init", "--list").stdout)

    def test_bench(self):
        words = ("bench", "--json", "--repeats", 1, "--batch", "1,3", "--threads", "1",
                 "--model", self.model)
        found = json.loads(self.succeed(*words).stdout)
        images = self.folder / "images"
        images.mkdir()
        for picture in PICTURES:
            shutil.copy(picture, images)
        few = json.loads(self.succeed(*words, "--max-num-patches", 4, "--images", images).stdout)
        self.assertLess(few["gflop_per_picture"], found["gflop_per_picture"])
        self.assertEqual(few["images"][0]["pictures"], len(PICTURES))
        self.assertIn("--max-num-patches", self.fail_with(
            1, "bench", "--model", GOLDEN / "vision-head", "--max-num-patches", 4))

    def test_packed_it_gives_the_same_bits(self):
        packed = self.folder / "packed"
        self.succeed("convert", self.model, packed, "--precision", "bf16")
        loaded = self.succeed("embed", "--model", packed, *PICTURES).stdout
        direct = self.succeed("embed", "--model", self.model, "--precision", "bf16",
                              *PICTURES).stdout
        self.assertEqual(loaded, direct)


if __name__ == "__main__":
    unittest.main()
