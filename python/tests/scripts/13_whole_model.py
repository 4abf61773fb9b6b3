"""Both towers with one call: tuples, losses and configurations."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from PIL import Image
from transformers import SiglipConfig, SiglipModel, SiglipProcessor

folder, *files = sys.argv[1:]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
config = SiglipConfig.from_pretrained(folder)
model = SiglipModel.from_pretrained(folder)
processor = SiglipProcessor.from_pretrained(folder)
inputs = processor(
    text=["three red rings", "a blue star"],
    images=[Image.open(file) for file in files[:2]],
    padding="max_length",
    return_tensors=tensors,
)
outputs = model(**inputs, return_loss=True)
loss, logits_per_image, *_ = outputs.to_tuple()
found = {
    "loss": outputs.loss.item(),
    "same": loss.item() == outputs.loss.item(),
    "logits": logits_per_image.tolist(),
    "text embeds": outputs.text_embeds.tolist(),
    "image embeds": outputs.image_embeds.tolist(),
    "pooled": outputs.vision_model_output.pooler_output.tolist(),
    "layers": config.text_config.num_hidden_layers,
    "type": model.config.model_type,
}
print(json.dumps(found))
