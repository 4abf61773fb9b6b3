"""Writes a checkpoint of transformers as big_vision saves it: one .npz file, kernels in flax's layout.

    big_vision_files.py CHECKPOINT OUT.npz [--prefix params/] [--scan] [--compress] [--dtype f4|f2|bf16]

The inverse of transformers' convert_siglip_to_hf.py, for tests. Needs numpy only.
"""

import argparse
import json
import pathlib

import numpy

import safetensors_io

_ATTENTION = "MultiHeadDotProductAttention_0"
_PROJECTIONS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}
_DENSE = {"fc1": "Dense_0", "fc2": "Dense_1"}


def _norm(name, source, target, tensors):
    target[f"{name}/scale"] = tensors.pop(f"{source}.weight")
    target[f"{name}/bias"] = tensors.pop(f"{source}.bias")


def _dense(name, source, target, tensors):
    target[f"{name}/kernel"] = tensors.pop(f"{source}.weight").T
    target[f"{name}/bias"] = tensors.pop(f"{source}.bias")


def _attention(name, source, heads, target, tensors):
    for old, new in _PROJECTIONS.items():
        weight = tensors.pop(f"{source}.{old}.weight")
        bias = tensors.pop(f"{source}.{old}.bias")
        width = weight.shape[0]
        if old == "out_proj":  # heads first, then what they project to
            target[f"{name}/out/kernel"] = weight.T.reshape(heads, width // heads, width)
            target[f"{name}/out/bias"] = bias
        else:
            target[f"{name}/{new}/kernel"] = weight.T.reshape(width, heads, width // heads)
            target[f"{name}/{new}/bias"] = bias.reshape(heads, width // heads)


def _encoder(name, source, config, scan, target, tensors):
    blocks = []
    for layer in range(config["num_hidden_layers"]):
        block, old = {}, f"{source}.encoder.layers.{layer}"
        _norm("LayerNorm_0", f"{old}.layer_norm1", block, tensors)
        _attention(_ATTENTION, f"{old}.self_attn", config["num_attention_heads"], block, tensors)
        _norm("LayerNorm_1", f"{old}.layer_norm2", block, tensors)
        for old_dense, new_dense in _DENSE.items():
            _dense(f"MlpBlock_0/{new_dense}", f"{old}.mlp.{old_dense}", block, tensors)
        blocks.append(block)
    if scan:
        for key in blocks[0]:
            target[f"{name}/encoderblock/{key}"] = numpy.stack([block[key] for block in blocks])
    else:
        for layer, block in enumerate(blocks):
            for key, value in block.items():
                target[f"{name}/encoderblock_{layer}/{key}"] = value


def _vision(config, scan, tensors):
    target, model = {}, "vision_model"
    kernel = tensors.pop(f"{model}.embeddings.patch_embedding.weight")
    positions = tensors.pop(f"{model}.embeddings.position_embedding.weight")
    if kernel.ndim == 2:  # NaFlex
        side = int(len(positions) ** 0.5)
        target["embedding/kernel"] = kernel.T
        target["pos_embedding"] = positions.reshape(side, side, -1)
    else:
        target["embedding/kernel"] = kernel.transpose(2, 3, 1, 0)
        target["pos_embedding"] = positions[None]
    target["embedding/bias"] = tensors.pop(f"{model}.embeddings.patch_embedding.bias")
    _encoder("Transformer", model, config, scan, target, tensors)
    _norm("Transformer/encoder_norm", f"{model}.post_layernorm", target, tensors)
    if f"{model}.head.probe" in tensors:
        head = f"{model}.head"
        target["MAPHead_0/probe"] = tensors.pop(f"{head}.probe")
        for kind in ("weight", "bias"):
            packed = numpy.split(tensors.pop(f"{head}.attention.in_proj_{kind}"), 3)
            for projection, part in zip(("q_proj", "k_proj", "v_proj"), packed):
                tensors[f"{head}.attention.{projection}.{kind}"] = part
        _attention(f"MAPHead_0/{_ATTENTION}", f"{head}.attention", config["num_attention_heads"],
                   target, tensors)
        _norm("MAPHead_0/LayerNorm_0", f"{head}.layernorm", target, tensors)
        for old, new in _DENSE.items():
            _dense(f"MAPHead_0/MlpBlock_0/{new}", f"{head}.mlp.{old}", target, tensors)
    return target


def _text(config, scan, tensors):
    target, model = {}, "text_model"
    target["Embed_0/embedding"] = tensors.pop(f"{model}.embeddings.token_embedding.weight")
    positions = tensors.pop(f"{model}.embeddings.position_embedding.weight")
    target["pos_embedding"] = positions[None]
    _encoder("Encoder_0", model, config, scan, target, tensors)
    _norm("Encoder_0/encoder_norm", f"{model}.final_layer_norm", target, tensors)
    _dense("head", f"{model}.head", target, tensors)
    return target


def read_checkpoint(folder):
    """Configuration and tensors; those of an image tower saved alone get their usual prefix."""
    folder = pathlib.Path(folder)
    tensors = dict(safetensors_io.read(folder / "model.safetensors"))
    if not any(name.startswith("vision_model.") for name in tensors):
        tensors = {f"vision_model.{name}": value for name, value in tensors.items()}
    return json.loads((folder / "config.json").read_text()), tensors


def to_big_vision(folder, prefix="params/", scan=False):
    """The arrays of a checkpoint of transformers under big_vision's names."""
    config, tensors = read_checkpoint(folder)
    if "text_config" not in config:
        arrays = {prefix + name: value for name, value in _vision(config, scan, tensors).items()}
    else:
        arrays = {}
        for tower, make in (("img/", _vision), ("txt/", _text)):
            part = config["vision_config" if make is _vision else "text_config"]
            for name, value in make(part, scan, tensors).items():
                arrays[prefix + tower + name] = value
        arrays[prefix + "t"] = tensors.pop("logit_scale")
        arrays[prefix + "b"] = tensors.pop("logit_bias")
    leftover = [name for name in tensors if not name.endswith("position_ids")]
    if leftover:
        raise ValueError(f"no name for {leftover}")
    return arrays


def to_bfloat16(values):
    """Rounded to nearest even, as the two opaque bytes that numpy saves."""
    bits = values.astype("<f4").view("<u4").astype("u8")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").view("V2")


def convert(array, dtype):
    """f4, f2 or bf16; in row-major order, which a transposed view is not."""
    array = numpy.ascontiguousarray(array)
    return to_bfloat16(array) if dtype == "bf16" else array.astype("<" + dtype)


def write(path, arrays, compress=False):
    (numpy.savez_compressed if compress else numpy.savez)(path, **arrays)


def main():
    parser = argparse.ArgumentParser(description="A checkpoint of transformers as big_vision saves it.")
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--prefix", default="params/")
    parser.add_argument("--scan", action="store_true", help="stack the layers")
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("--dtype", choices=("f4", "f2", "bf16"), default="f4")
    arguments = parser.parse_args()
    arrays = to_big_vision(arguments.checkpoint, arguments.prefix, arguments.scan)
    write(arguments.output, {name: convert(value, arguments.dtype)
                             for name, value in arrays.items()}, arguments.compress)


if __name__ == "__main__":
    main()
