"""What processors make: arrays of numpy and lists."""

import json
import sys

from PIL import Image
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

folder, *files = sys.argv[1:]
image_processor = AutoImageProcessor.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
processor = AutoProcessor.from_pretrained(folder)
images = [Image.open(file) for file in files]
pixels = image_processor(images, return_tensors="np")["pixel_values"]
both = processor(images=images, text=["a cat", "a dog"], padding="max_length", return_tensors="np")
lists = tokenizer(["a cat", "two dogs"], padding="max_length", max_length=64, truncation=True)
found = {
    "dtype": str(pixels.dtype),
    "shape": list(pixels.shape),
    "row": pixels[0, 1, 3].tolist(),
    "means": pixels.mean(axis=(1, 2, 3)).tolist(),
    "same": bool((both.pixel_values == pixels).all()),
    "ids": both.input_ids.tolist(),
    "lists": lists["input_ids"],
    "tokens": tokenizer.tokenize("a photo of a cat"),
    "decoded": tokenizer.batch_decode(lists["input_ids"], skip_special_tokens=True),
}
print(json.dumps(found))
