"""Writes GGUF files, and checkpoints of transformers as llama.cpp's mmproj files. Needs numpy only.

    gguf_files.py CHECKPOINT OUT.gguf [--dtype F32|F16|BF16|Q8_0] [--swap]
"""

import argparse
import pathlib
import re
import struct

import numpy

from big_vision_files import read_checkpoint, to_bfloat16

_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "BF16": 30}
_VALUES = {bool: 7, int: 4, float: 6, str: 8}
ALIGNMENT = 32
Q8_BLOCK = numpy.dtype([("scale", "<f2"), ("quanta", "i1", 32)])

_RENAMES = (
    (r"vision_model\.embeddings\.patch_embedding\.", "v.patch_embd."),
    (r"vision_model\.embeddings\.position_embedding\.", "v.position_embd."),
    (r"vision_model\.post_layernorm\.", "v.post_ln."),
    (r"vision_model\.encoder\.layers\.(\d+)\.", r"v.blk.\1."),
    (r"layer_norm1\.", "ln1."),
    (r"layer_norm2\.", "ln2."),
    (r"self_attn\.([qkv])_proj\.", r"attn_\1."),
    (r"self_attn\.out_proj\.", "attn_out."),
    (r"mlp\.fc1\.", "ffn_up."),
    (r"mlp\.fc2\.", "ffn_down."),
)


def quantise(values):
    """Q8_0: blocks of 32 elements along a row, each with a half as its scale."""
    blocks = values.astype("<f4").reshape(-1, 32)
    scale = (numpy.abs(blocks).max(axis=1) / 127).astype("<f2")
    inverse = numpy.where(scale == 0, 0, 1 / numpy.maximum(scale.astype("f4"), 1e-30))
    quanta = numpy.clip(numpy.rint(blocks * inverse[:, None]), -127, 127).astype("i1")
    packed = numpy.empty(len(blocks), Q8_BLOCK)
    packed["scale"], packed["quanta"] = scale, quanta
    return packed


def dequantise(packed):
    return packed["scale"].astype("f4")[:, None] * packed["quanta"].astype("f4")


def encode(values, dtype):
    if dtype == "Q8_0":
        return quantise(values).tobytes()
    if dtype == "BF16":
        return to_bfloat16(numpy.ascontiguousarray(values)).tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def _text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _scalar(value):
    return _text(value) if isinstance(value, str) else struct.pack(
        {bool: "<?", int: "<I", float: "<f"}[type(value)], value)


def _value(value):
    if isinstance(value, list):
        body = b"".join(map(_scalar, value))
        return struct.pack("<IIQ", 9, _VALUES[type(value[0])], len(value)) + body
    return struct.pack("<I", _VALUES[type(value)]) + _scalar(value)


def write(path, metadata, tensors):
    """tensors: name -> (dtype name, shape, bytes)."""
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        header += _text(key) + _value(value)
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        data += b"\0" * (-len(data) % ALIGNMENT)
        header += _text(name) + struct.pack("<I", len(shape))
        header += b"".join(struct.pack("<Q", extent) for extent in reversed(shape))
        header += struct.pack("<IQ", _TYPES[dtype], len(data))
        data += raw
    header += b"\0" * (-len(header) % ALIGNMENT)
    pathlib.Path(path).write_bytes(header + data)


def metadata_of(config):
    return {
        "general.architecture": "clip",
        "general.file_type": 0,
        "clip.has_vision_encoder": True,
        "clip.projector_type": "gemma3",
        "clip.vision.image_size": config["image_size"],
        "clip.vision.patch_size": config["patch_size"],
        "clip.vision.embedding_length": config["hidden_size"],
        "clip.vision.feed_forward_length": config["intermediate_size"],
        "clip.vision.block_count": config["num_hidden_layers"],
        "clip.vision.attention.head_count": config["num_attention_heads"],
        "clip.vision.attention.layer_norm_epsilon": config["layer_norm_eps"],
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
        "clip.use_gelu": True,
    }


def rename(name, swap=False):
    for old, new in _RENAMES:
        name = re.sub(old, new, name)
    if swap:
        name = name.replace("ffn_up", "ffn_").replace("ffn_down", "ffn_up").replace(
            "ffn_.", "ffn_down.")
    return name


def to_gguf(folder, dtype="F32", swap=False):
    """Metadata and tensors of an image tower; vectors and positions stay F32, as llama.cpp does."""
    config, stored = read_checkpoint(folder)
    tensors = {"mm.input_projection.weight": ("Q4_0", (2, 32), bytes(2 * 18))}
    for name, value in stored.items():
        if not name.startswith("vision_model.") or ".head." in name:
            continue
        keep = value.ndim < 2 or "position" in name or value.shape[-1] % 32 and dtype == "Q8_0"
        chosen = "F32" if keep else dtype
        tensors[rename(name, swap)] = (chosen, value.shape, encode(value, chosen))
    return metadata_of(config.get("vision_config", config)), tensors


def main():
    parser = argparse.ArgumentParser(description="An image tower as llama.cpp's mmproj file.")
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--dtype", choices=("F32", "F16", "BF16", "Q8_0"), default="F32")
    parser.add_argument("--swap", action="store_true", help="ffn_up and ffn_down as in old files")
    arguments = parser.parse_args()
    write(arguments.output, *to_gguf(arguments.checkpoint, arguments.dtype, arguments.swap))


if __name__ == "__main__":
    main()
