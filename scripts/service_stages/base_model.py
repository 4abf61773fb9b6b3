"""A model as large as those that are served."""

import json
import shutil

import numpy

import safetensors_io
from index_figures import DEMO

SIZE, LAYERS, HEADS = 768, 12, 12


def random_model(siglip, scratch, seed):
    """A folder with a model of base-patch16-224's size in both towers, with the words that the demo model knows."""
    model, wanted = scratch / "base", scratch / "wanted.json"
    config = json.loads((DEMO / "config.json").read_text())
    size = {"hidden_size": SIZE, "intermediate_size": 4 * SIZE, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS}
    config["vision_config"].update(size, image_size=224, patch_size=16)
    config["text_config"].update(size, projection_size=SIZE)
    wanted.write_text(json.dumps(config))
    siglip.run("init", "--config", wanted, "--seed", seed, model)
    demo = safetensors_io.read(DEMO / "model.safetensors")
    tensors = {name if name.startswith("vision_model.") else f"vision_model.{name}": tensor
               for name, tensor in safetensors_io.read(model / "model.safetensors").items()}
    tensors |= random_text_tower(demo, numpy.random.default_rng(seed))
    tensors |= {name: demo[name] for name in ("logit_scale", "logit_bias")}
    safetensors_io.write(model / "model.safetensors", tensors)
    (model / "config.json").write_text(json.dumps(config))
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(DEMO / name, model)
    return model


def random_text_tower(demo, source):
    """The tensors of the demo model's text tower, but as wide and deep as SIZE and LAYERS say."""
    wider = {128: SIZE, 512: 4 * SIZE}
    tensors = {}
    for name, tensor in demo.items():
        if not name.startswith("text_model.") or ".layers." in name and ".layers.0." not in name:
            continue
        shape = [wider.get(length, length) for length in tensor.shape]
        is_norm = "layer_norm" in name and name.endswith("weight")
        for layer in range(LAYERS if ".layers." in name else 1):
            values = numpy.ones(shape) if is_norm else source.normal(0, 0.02, shape)
            tensors[name.replace(".layers.0.", f".layers.{layer}.")] = values.astype("<f4")
    return tensors
