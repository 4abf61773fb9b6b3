"""Writes tests/data/resize: what Pillow, torchvision and transformers make of small pictures.

Run with Pillow 13, torchvision and transformers 5 installed, from anywhere:
    python tests/support/make_resize_cases.py
The pictures are not stored: `picture` and resize_test.cc compute the same pixels.
"""

import json
import pathlib

import numpy
import safetensors_io
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional
from transformers import SiglipImageProcessor
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "resize"

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
TORCHVISION = {
    "nearest": InterpolationMode.NEAREST_EXACT,  # transformers' choice for NEAREST
    "lanczos": InterpolationMode.LANCZOS,
    "bilinear": InterpolationMode.BILINEAR,
    "bicubic": InterpolationMode.BICUBIC,
}
# Input height and width, output height and width.
SIZES = [
    (37, 53, 16, 20),  # smaller
    (9, 7, 21, 30),  # larger
    (40, 5, 11, 17),  # shorter and wider
    (120, 30, 12, 12),  # Pillow 13 starts with the columns
    (97, 13, 10, 24),  # so it does here
    (13, 97, 24, 10),
    (1, 1, 5, 6),
    (1, 50, 7, 9),
    (50, 1, 9, 7),
    (300, 2, 3, 40),
    (24, 31, 24, 12),  # one axis stays
    (31, 24, 12, 24),
    (6, 6, 1, 141),  # where nearest depends on a single rounding
]


def picture(height, width):
    """Noise with full contrast in parts, so that filters overshoot."""
    state, values = (height * 65537 + width) & 0xFFFFFFFF, []
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        byte = state >> 24
        values.append(byte if state & 0x800000 else 255 * (byte >> 7))
    return numpy.array(values, numpy.uint8).reshape(height, width, 3)


def pillow13(pixels, height, width, name):
    return numpy.array(Image.fromarray(pixels).resize((width, height), FILTERS[name]))


def pillow(pixels, height, width, name):
    """Horizontal pass first: two resizes of one axis each."""
    if name == "nearest":
        return pillow13(pixels, height, width, name)
    return pillow13(pillow13(pixels, pixels.shape[0], width, name), height, width, name)


def torchvision(pixels, height, width, name):
    tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    resized = functional.resize(
        tensor, [height, width], interpolation=TORCHVISION[name], antialias=True
    )
    return numpy.ascontiguousarray(resized.permute(1, 2, 0).numpy())


def write_sizes():
    tensors = {}
    for in_height, in_width, height, width in SIZES:
        pixels = picture(in_height, in_width)
        for name in FILTERS:
            for mode in (pillow13, pillow, torchvision):
                if mode is torchvision and name not in TORCHVISION:
                    continue
                key = f"{in_height} {in_width} {height} {width} {name} {mode.__name__}"
                tensors[key] = mode(pixels, height, width, name)
    safetensors_io.write(FOLDER / "sizes.safetensors", tensors)


def write_values():
    """What pixels become for several configurations: every fifth of the 256 values."""
    pixels = numpy.arange(0, 256, 5, numpy.uint8).reshape(1, 52, 1).repeat(3, 2)
    clip = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    cases = []
    for changes in (
        {},
        clip,
        {"image_mean": 0.45, "image_std": 0.225},
        {"rescale_factor": 0.00784313725490196, "image_mean": [1.0, 0.9, 0.8]},
        {"do_rescale": False, **clip},
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
    ):
        config = {"do_resize": False, **changes}
        for mode, backend in (
            ("torchvision", SiglipImageProcessor),
            ("pillow", SiglipImageProcessorPil),
        ):
            result = backend(**config)(
                pixels, return_tensors="np", input_data_format="channels_last"
            )["pixel_values"]
            bits = result.astype(numpy.float32).view(numpy.uint32).reshape(-1).tolist()
            cases.append({"config": config, "mode": mode, "bits": bits})
    (FOLDER / "values.json").write_text(json.dumps(cases) + "\n")


FOLDER.mkdir(parents=True, exist_ok=True)
write_sizes()
write_values()
