"""Embeddings of a picture, and texts of 64 tokens, as the model card of SigLIP 2 shows them."""

import json
import sys

import torch
from transformers import AutoModel, AutoProcessor
from transformers.image_utils import load_image

folder, *files = sys.argv[1:]
model = AutoModel.from_pretrained(folder, device_map="cpu").eval()
processor = AutoProcessor.from_pretrained(folder, use_fast=True)

image = load_image(files[0])
inputs = processor(images=[image], return_tensors="pt").to(model.device)
with torch.no_grad():
    image_embeddings = model.get_image_features(**inputs).pooler_output

texts = ["This is a photo of 2 cats.", "This is a photo of 2 dogs."]
inputs = processor(
    text=texts, images=image, padding="max_length", max_length=64, return_tensors="pt"
).to(model.device)
with torch.inference_mode():
    outputs = model(**inputs)
found = {
    "shape": list(image_embeddings.shape),
    "image embeddings": image_embeddings.tolist(),
    "probabilities": torch.sigmoid(outputs.logits_per_image).tolist(),
    "ids": inputs["input_ids"].tolist(),
}
print(json.dumps(found))
