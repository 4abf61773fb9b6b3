"""Pictures of their own shapes with a NaFlex model."""

import json
import sys

import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

folder, *files = sys.argv[1:]
model = AutoModel.from_pretrained(folder, dtype="auto", device_map="cpu")
processor = AutoProcessor.from_pretrained(folder)

images = [Image.open(file) for file in files]
texts = [f"This is a photo of {label}." for label in ("a Pallas cat", "a lion")]
inputs = processor(
    text=texts,
    images=images,
    padding="max_length",
    max_num_patches=25,
    return_tensors="pt",
).to(model.device)
with torch.no_grad():
    outputs = model(**inputs)
found = {
    "inputs": {name: list(inputs[name].shape) for name in sorted(inputs)},
    "spatial shapes": inputs["spatial_shapes"].tolist(),
    "masked": inputs["pixel_attention_mask"].sum(dim=1).tolist(),
    "image embeds": outputs.image_embeds.tolist(),
    "logits per text": outputs.logits_per_text.tolist(),
}
print(json.dumps(found))
