"""The hashes of weights that packed checkpoints carry: those of a definition that is written here once more,
whatever layout and dtype the weights are stored in."""

import hashlib
import json
import pathlib
import shutil
import struct
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import gguf_files
import safetensors_io
from command_line import GOLDEN, CommandTest

WHOLE = GOLDEN / "siglip-full"
HEADLESS = GOLDEN / "vision-no-head"
NAMES = ("names-legacy", "names-open-clip", "names-paligemma", "names-sharded", "names-timm-gelu",
         "names-timm-gelu_tanh", "names-tutorial", "vision-float16", "vision-bfloat16", "siglip2-naflex",
         "siglip-projection")


def hash_of(tensors, tower):
    """Of tensors as transformers names them."""
    digest = hashlib.sha256()
    for name in sorted(name.encode() for name in tensors if name.startswith(tower)):
        values = tensors[name.decode()].astype("<f4")
        digest.update(struct.pack("<Q", len(name)) + name + struct.pack("<Q", values.ndim))
        digest.update(struct.pack(f"<{values.ndim}Q", *values.shape) + values.tobytes())
    return digest.hexdigest()


def hashes_of(tensors):
    return {f"{part}_weights_sha256": hash_of(tensors, f"{part}_model.") for part in ("vision", "text")
            if any(name.startswith(f"{part}_model.") for name in tensors)}


class WeightsHashTest(CommandTest):
    def pack(self, model, precision="f32"):
        """The hashes in the packed file."""
        output = self.folder / "packed"
        self.succeed("convert", "--precision", precision, "--force", model, output)
        with open(output / "packed.safetensors", "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            metadata = json.loads(file.read(length))["__metadata__"]
        return {name: value for name, value in metadata.items() if name.endswith("_sha256")}

    def write(self, tensors):
        """A checkpoint like WHOLE with other tensors."""
        model = self.folder / "model"
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir()
        shutil.copy(WHOLE / "config.json", model)
        safetensors_io.write(model / "model.safetensors", tensors)
        return model

    def test_every_precision_and_dtype(self):
        tensors = safetensors_io.read(WHOLE / "model.safetensors")
        for precision in ("f32", "bf16", "int8"):
            self.assertEqual(self.pack(WHOLE, precision), hashes_of(tensors), precision)
        halves = {name: values.astype("<f2") for name, values in tensors.items()}
        self.assertEqual(self.pack(self.write(halves)), hashes_of(halves))
        self.assertEqual(self.pack(self.write({name: values.astype("<f4") for name, values in halves.items()})),
                         hashes_of(halves))
        self.assertNotEqual(hashes_of(halves), hashes_of(tensors))

    def test_names_of_other_projects(self):
        for case in NAMES:
            output = self.folder / case
            self.succeed("convert", "--to", "hf", GOLDEN / case, output)
            self.assertEqual(self.pack(GOLDEN / case), hashes_of(safetensors_io.read(output / "model.safetensors")),
                             case)

    def test_files_of_big_vision_and_llama_cpp(self):
        expected = hashes_of(safetensors_io.read(WHOLE / "model.safetensors"))
        path = self.folder / "model.npz"
        for scan in (False, True):
            arrays = {name: big_vision_files.convert(value, "f4")
                      for name, value in big_vision_files.to_big_vision(WHOLE, scan=scan).items()}
            big_vision_files.write(path, arrays, compress=scan)
            self.assertEqual(self.pack(path), expected, scan)
        path = self.folder / "mmproj.gguf"
        gguf_files.write(path, *gguf_files.to_gguf(HEADLESS))
        self.assertEqual(self.pack(path), hashes_of(big_vision_files.read_checkpoint(HEADLESS)[1]))

    def test_any_value_counts_in_its_tower_alone(self):
        tensors = safetensors_io.read(WHOLE / "model.safetensors")
        before = hashes_of(tensors)
        for tower, name in (("vision", "vision_model.head.attention.in_proj_bias"),
                            ("text", "text_model.embeddings.token_embedding.weight")):
            changed = dict(tensors)
            changed[name] = tensors[name].copy()
            changed[name].flat[-1] = numpy.nextafter(changed[name].flat[-1], numpy.float32(9))
            found = self.pack(self.write(changed))
            self.assertEqual(found, hashes_of(changed))
            self.assertEqual([key for key in before if found[key] != before[key]], [f"{tower}_weights_sha256"])


if __name__ == "__main__":
    unittest.main()
