"""The model: a small SiglipModel of transformers, its configuration and its embeddings."""

import json
import math

import torch
from torch.nn.functional import normalize
from transformers import SiglipConfig, SiglipModel

from training.datasets import SIDE
from training.tokenizer import END, POSITIONS

TOWER = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4,
         "num_attention_heads": 4}
PATCH = 8
EAGER = "eager"  # the backward pass of fused attention is slower on CPUs


def build_model(vocabulary):
    """With random weights, and the scale and bias of logits that the paper of SigLIP starts from."""
    config = SiglipConfig(
        text_config={**TOWER, "vocab_size": vocabulary, "max_position_embeddings": POSITIONS,
                     "projection_size": TOWER["hidden_size"], "pad_token_id": END,
                     "bos_token_id": None, "eos_token_id": END},
        vision_config={**TOWER, "image_size": SIDE, "patch_size": PATCH},
        attn_implementation=EAGER)
    model = SiglipModel(config)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(10))
        model.logit_bias.fill_(-10)
    return model


def load_model(folder):
    return SiglipModel.from_pretrained(folder, attn_implementation=EAGER, dtype=torch.float32).eval()


def write_preprocessor(folder):
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "SiglipImageProcessor", "do_resize": True,
        "size": {"height": SIDE, "width": SIDE}, "resample": 3, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3, "do_convert_rgb": True}, indent=2) + "\n")


def to_pixel_values(pixels):
    """uint8 [n, H, W, 3] to float [n, 3, H, W] in -1..1, as write_preprocessor says."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def embed_pictures(model, pixels):
    return model.vision_model(pixel_values=to_pixel_values(pixels)).pooler_output


def embed_texts(model, input_ids):
    return model.text_model(input_ids=input_ids).pooler_output


@torch.no_grad()
def unit_embeddings(embed, model, inputs, batch=500):
    """[n, 128] of length one, by embed_pictures or embed_texts."""
    return torch.cat([normalize(embed(model, inputs[begin:begin + batch]))
                      for begin in range(0, len(inputs), batch)])
