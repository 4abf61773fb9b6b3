"""How similar pictures are to each other, in batches."""

import json
import sys

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

folder, *files = sys.argv[1:]
device = "cuda" if torch.cuda.is_available() else "cpu"
processor = AutoImageProcessor.from_pretrained(folder)
model = AutoModel.from_pretrained(folder).to(device).eval()

rows = []
for begin in range(0, len(files), 2):
    batch = [Image.open(file).convert("RGB") for file in files[begin : begin + 2]]
    inputs = processor(images=batch, return_tensors="pt").to(device)
    with torch.no_grad():
        rows.append(model.get_image_features(**inputs).pooler_output.cpu())
features = torch.nn.functional.normalize(torch.cat(rows), dim=-1)
similarity = features @ features.T
nearest = (similarity - 2 * torch.eye(len(files))).argmax(dim=1)
print(json.dumps({"similarity": similarity.tolist(), "nearest": nearest.tolist()}))
