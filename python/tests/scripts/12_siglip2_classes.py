"""The classes of NaFlex models by their names."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from PIL import Image
from transformers import Siglip2ImageProcessor, Siglip2Model, Siglip2VisionModel

folder, *files = sys.argv[1:]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
processor = Siglip2ImageProcessor.from_pretrained(folder)
images = [Image.open(file) for file in files]
inputs = processor(images=images, max_num_patches=16, return_tensors=tensors)
pooled = Siglip2VisionModel.from_pretrained(folder)(**inputs).pooler_output
model = Siglip2Model.from_pretrained(folder)
again = model.get_image_features(
    pixel_values=inputs["pixel_values"],
    pixel_attention_mask=inputs["pixel_attention_mask"],
    spatial_shapes=inputs["spatial_shapes"],
).pooler_output
found = {
    "pixels": list(inputs["pixel_values"].shape),
    "spatial shapes": inputs["spatial_shapes"].tolist(),
    "pooled": pooled.tolist(),
    "same": bool((pooled == again).all()),
    "hidden size": model.config.vision_config.hidden_size,
}
print(json.dumps(found))
