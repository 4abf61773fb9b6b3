"""The text tower alone."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from transformers import AutoTokenizer, SiglipTextModel

folder = sys.argv[1]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
model = SiglipTextModel.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
inputs = tokenizer(["a red ring", "a blue star"], padding="max_length", return_tensors=tensors)
outputs = model(**inputs)
found = {
    "pooled": outputs.pooler_output.tolist(),
    "last token": outputs.last_hidden_state[:, -1].tolist(),
    "same": outputs[1].tolist() == outputs["pooler_output"].tolist(),
    "keys": list(outputs.keys()),
}
print(json.dumps(found))
