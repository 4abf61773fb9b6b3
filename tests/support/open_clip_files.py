"""A checkpoint of both towers under the names that open_clip gives its tensors."""

import numpy

LAYER = {"layer_norm1": ("norm1", "ln_1"), "layer_norm2": ("norm2", "ln_2"),
         "self_attn.out_proj": ("attn.proj", "attn.out_proj"),
         "mlp.fc1": ("mlp.fc1", "mlp.c_fc"), "mlp.fc2": ("mlp.fc2", "mlp.c_proj")}


def layers(tensors, tower, kind, into):
    """The layers of a tower: `kind` 0 for timm's names, 1 for those of open_clip's own texts."""
    result = {}
    count = sum(name.startswith(f"{tower}.encoder.layers.") and name.endswith(".mlp.fc1.bias")
                for name in tensors)
    for number in range(count):
        old, new = f"{tower}.encoder.layers.{number}.", f"{into}.{number}."
        for part in ("weight", "bias"):
            for name, names in LAYER.items():
                result[f"{new}{names[kind]}.{part}"] = tensors[f"{old}{name}.{part}"]
            joined = "attn.in_proj_" if kind else "attn.qkv."
            result[new + joined + part] = numpy.concatenate(
                [tensors[f"{old}self_attn.{name}_proj.{part}"] for name in "qkv"])
    return result


def to_open_clip(tensors):
    """Of transformers' tensors, those of open_clip with a timm image tower."""
    image, trunk = "vision_model.", "visual.trunk."
    text = "text_model."
    result = {**layers(tensors, "vision_model", 0, f"{trunk}blocks"),
              **layers(tensors, "text_model", 1, "text.transformer.resblocks")}
    result[f"{trunk}pos_embed"] = tensors[f"{image}embeddings.position_embedding.weight"][None]
    result[f"{trunk}attn_pool.latent"] = tensors[f"{image}head.probe"]
    result["text.token_embedding.weight"] = tensors[f"{text}embeddings.token_embedding.weight"]
    result["text.positional_embedding"] = tensors[f"{text}embeddings.position_embedding.weight"]
    for name in ("logit_scale", "logit_bias"):
        result[name] = tensors[name].reshape(())
    for part in ("weight", "bias"):
        query, key, value = numpy.split(tensors[f"{image}head.attention.in_proj_{part}"], 3)
        result[f"{trunk}attn_pool.q.{part}"] = query
        result[f"{trunk}attn_pool.kv.{part}"] = numpy.concatenate([key, value])
        for old, new in (("embeddings.patch_embedding", "patch_embed.proj"),
                         ("post_layernorm", "norm"), ("head.attention.out_proj", "attn_pool.proj"),
                         ("head.layernorm", "attn_pool.norm"), ("head.mlp.fc1", "attn_pool.mlp.fc1"),
                         ("head.mlp.fc2", "attn_pool.mlp.fc2")):
            result[f"{trunk}{new}.{part}"] = tensors[f"{image}{old}.{part}"]
        result[f"text.ln_final.{part}"] = tensors[f"{text}final_layer_norm.{part}"]
        result[f"text.text_projection.{part}"] = tensors[f"{text}head.{part}"]
    return result
