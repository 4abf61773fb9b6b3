"""A classifier that was fine-tuned on SigLIP."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from PIL import Image
from transformers import AutoImageProcessor, SiglipForImageClassification

folder, *files = sys.argv[1:]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
image_processor = AutoImageProcessor.from_pretrained(folder)
model = SiglipForImageClassification.from_pretrained(folder)
images = [Image.open(file).convert("RGB") for file in files]
inputs = image_processor(images=images, return_tensors=tensors)
outputs = model(**inputs)
logits = outputs.logits
predicted = [model.config.id2label[index] for index in logits.argmax(-1).tolist()]
print(json.dumps({"predicted": predicted, "logits": logits.tolist()}))
