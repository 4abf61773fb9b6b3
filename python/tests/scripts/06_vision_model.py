"""The image tower alone: tokens and embeddings."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from PIL import Image
from transformers import AutoProcessor, SiglipVisionModel

folder, *files = sys.argv[1:]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
model = SiglipVisionModel.from_pretrained(folder)
processor = AutoProcessor.from_pretrained(folder)
image = Image.open(files[0])
inputs = processor(images=image, return_tensors=tensors)
outputs = model(**inputs, output_hidden_states=True)
assert outputs.hidden_states is not None
last_hidden_state = outputs.last_hidden_state
pooled_output = outputs.pooler_output  # pooled features
found = {
    "tokens": list(last_hidden_state.shape),
    "last token": last_hidden_state[0, -1].tolist(),
    "pooled": pooled_output.tolist(),
    "hidden states": [list(state.shape) for state in outputs.hidden_states],
    "first of the middle": outputs.hidden_states[1][0, 0].tolist(),
    "image size": model.config.image_size,
}
print(json.dumps(found))
