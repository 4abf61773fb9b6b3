"""Tokens and embeddings of an image tower by a pipeline."""

import json
import sys

from transformers import pipeline

folder, *files = sys.argv[1:]
extract = pipeline(task="image-feature-extraction", model=folder)
tokens = extract(files[0])
found = {
    "tokens": [len(tokens), len(tokens[0]), len(tokens[0][0])],
    "first token": tokens[0][0],
    "embeddings": extract(files, pool=True),
}
print(json.dumps(found))
