#!/usr/bin/env python3
"""Writes the seeds of fuzz_npz and fuzz_gguf: small files of every kind that is read.

    make_weight_seeds.py fuzz/corpus
"""

import io
import pathlib
import sys
import zipfile

import numpy

import gguf_files
from big_vision_files import convert

NUMBERS = numpy.arange(24, dtype="<f4").reshape(2, 3, 4) / 8


def write_npz(folder):
    folder.mkdir(parents=True, exist_ok=True)
    types = {dtype: convert(NUMBERS, dtype) for dtype in ("f4", "f2", "bf16", "f8")}
    numpy.savez(folder / "types.npz", **types, step=numpy.int64(7), word=numpy.array("text"))
    numpy.savez_compressed(folder / "deflated.npz", a=NUMBERS, b=numpy.zeros(1000, "<f4"))
    numpy.savez(folder / "fortran.npz", a=numpy.asfortranarray(NUMBERS))
    numpy.savez_compressed(folder / "fortran_deflated.npz", a=numpy.asfortranarray(NUMBERS))
    numpy.savez(folder / "scalars.npz", a=numpy.float32(1), b=numpy.zeros((0, 3), "<f4"))
    numpy.savez(folder / "tree.npz", **{"params/img/embedding/kernel": NUMBERS, "params/t": NUMBERS})
    with zipfile.ZipFile(folder / "versions.npz", "w") as archive:
        archive.comment = b"a comment"
        for version in ((1, 0), (2, 0), (3, 0)):
            file = io.BytesIO()
            numpy.lib.format.write_array(file, NUMBERS, version)
            archive.writestr(f"v{version[0]}.npy", file.getvalue())
    numpy.savez(folder / "empty.npz")
    for path in folder.glob("*.npz"):  # seeds have no extension
        path.rename(path.with_suffix(""))


def write_gguf(folder):
    folder.mkdir(parents=True, exist_ok=True)
    config = dict(image_size=12, patch_size=4, hidden_size=6, intermediate_size=8,
                  num_hidden_layers=1, num_attention_heads=2, layer_norm_eps=1e-6)
    values = numpy.linspace(-1, 1, 64, dtype="<f4").reshape(2, 32)
    tensors = {dtype: (dtype, values.shape, gguf_files.encode(values, dtype))
               for dtype in ("F32", "F16", "BF16", "Q8_0")}
    tensors["Q4_0"] = ("Q4_0", (1, 32), bytes(18))
    gguf_files.write(folder / "types", gguf_files.metadata_of(config), tensors)
    gguf_files.write(folder / "metadata", {"text": "a", "number": 7, "flag": True, "list": [1, 2],
                                           "words": ["a", "b"], "long": [0] * 100}, {})
    gguf_files.write(folder / "empty", {}, {})
    gguf_files.write(folder / "alignment", {"general.alignment": 32},
                     {"a": ("F32", (), values[0, :1].tobytes())})


def main():
    corpus = pathlib.Path(sys.argv[1])
    write_npz(corpus / "npz")
    write_gguf(corpus / "gguf")


if __name__ == "__main__":
    main()
