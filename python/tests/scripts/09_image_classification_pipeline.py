"""A classifier by a pipeline."""

import json
import sys

from transformers import pipeline

folder, *files = sys.argv[1:]
classify = pipeline("image-classification", model=folder)
found = {"two": classify(files[0], top_k=2), "all": classify(files)}
print(json.dumps(found))
