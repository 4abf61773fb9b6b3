"""Zero-shot classification as the model card of SigLIP shows it."""

import json
import sys

import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

folder, *files = sys.argv[1:]
model = AutoModel.from_pretrained(
    folder, dtype=torch.float32, device_map="cpu", attn_implementation="sdpa"
)
processor = AutoProcessor.from_pretrained(folder)

image = Image.open(files[0])
candidate_labels = ["three red rings", "a blue star", "a yellow square"]
texts = [f"This is a photo of {label}." for label in candidate_labels]
# The model was trained with padding="max_length".
inputs = processor(text=texts, images=image, padding="max_length", return_tensors="pt").to(
    model.device
)

with torch.no_grad():
    outputs = model(**inputs)

probs = torch.sigmoid(outputs.logits_per_image)
found = {
    "logits": outputs.logits_per_image.tolist(),
    "of the first": f"{probs[0][0]:.1%} that image 0 is '{candidate_labels[0]}'",
    "best": candidate_labels[int(probs[0].argmax())],
}
print(json.dumps(found))
