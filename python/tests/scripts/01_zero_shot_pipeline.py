"""Zero-shot classification by a pipeline."""

import json
import sys

from transformers import pipeline

folder, *files = sys.argv[1:]
classifier = pipeline(task="zero-shot-image-classification", model=folder, device="cpu")
labels = ["three red rings", "a blue star", "two green squares"]
one = classifier(files[0], candidate_labels=labels)
many = classifier(files, candidate_labels=labels, hypothesis_template="a drawing of {}")
print(json.dumps({"one": one, "many": many}))
