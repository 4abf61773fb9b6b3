"""Embeddings of texts, with torch where it is installed."""

import json
import sys
from importlib.util import find_spec
from typing import Literal

from transformers import AutoModel, AutoTokenizer

folder = sys.argv[1]
tensors: Literal["np", "pt"] = "pt" if find_spec("torch") else "np"
model = AutoModel.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
inputs = tokenizer(
    ["a photo of a cat", "a photo of a dog"],
    padding="max_length",
    truncation=True,
    return_tensors=tensors,
)
text_features = model.get_text_features(**inputs)
found = {
    "ids": inputs.input_ids.tolist(),
    "embeddings": text_features.pooler_output.tolist(),
    "text": tokenizer.decode(inputs["input_ids"][0], skip_special_tokens=True),
}
print(json.dumps(found))
