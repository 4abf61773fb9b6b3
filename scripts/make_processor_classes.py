#!/usr/bin/env python3
"""Writes src/image/processor_classes.cc: the image processors of transformers and their defaults.

Run with transformers 5.24, torch and torchvision installed, from anywhere, then clang-format.
"""

import inspect
import json
import pathlib

import transformers
from transformers.image_processing_backends import TorchvisionBackend

TARGET = pathlib.Path(__file__).resolve().parent.parent / "src/image/processor_classes.cc"

# Nothing but defaults for the steps that all have in common.
PLAIN = [
    "BitImageProcessor",
    "BlipImageProcessor",
    "CLIPImageProcessor",
    "ChameleonImageProcessor",
    "ChineseCLIPImageProcessor",
    "DeiTImageProcessor",
    "MobileNetV1ImageProcessor",
    "PI0ImageProcessor",
    "PvtImageProcessor",
    "SiglipImageProcessor",
    "Tipsv2ImageProcessor",
    "ViTImageProcessor",
]
# Steps of their own, of which one is left where `do_...` is false.
OTHER = {
    "Gemma3ImageProcessor": "kNeverCrops",
    "LlavaImageProcessor": "kPadsFirst",
    "Idefics2ImageProcessor": "kSplits",
    "Idefics3ImageProcessor": "kSplits",
    "LlavaNextImageProcessor": "kSplits",
    "LlavaOnevisionImageProcessor": "kSplits",
    "SmolVLMImageProcessor": "kSplits",
}
FIELDS = [
    "crop_size",
    "default_to_square",
    "do_center_crop",
    "do_convert_rgb",
    "do_normalize",
    "do_pad",
    "do_rescale",
    "do_resize",
    "image_mean",
    "image_std",
    "max_image_size",
    "pad_size",
    "resample",
    "rescale_factor",
    "size",
]


def check_is_plain(cls):
    for name, value in vars(cls).items():
        if inspect.isfunction(value) and name != "__init__":
            raise SystemExit(f"{cls.__name__} has a method of its own: {name}")
    assert cls.__mro__[1] is TorchvisionBackend, cls


def defaults(cls):
    fields = {name: getattr(cls, name, None) for name in FIELDS}
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def main():
    rows = []
    for name in sorted(PLAIN + list(OTHER)):
        cls = getattr(transformers, name)
        if name in PLAIN:
            check_is_plain(cls)
        kind = OTHER.get(name, "kPlain")
        rows.append(f'    {{"{name}", ProcessorClass::Kind::{kind}, R"({defaults(cls)})"}},\n')
    TARGET.write_text(
        "// The image processors of transformers "
        + transformers.__version__
        + " and their defaults. Written by\n"
        "// scripts/make_processor_classes.py.\n"
        '#include "image/processor_classes.h"\n\n'
        "namespace siglip {\nnamespace {\n\n"
        "// clang-format off\n"
        "constexpr ProcessorClass kClasses[] = {\n" + "".join(rows) + "};\n"
        "// clang-format on\n\n"
        "}  // namespace\n\n"
        "std::span<const ProcessorClass> ProcessorClasses() { return kClasses; }\n\n"
        "}  // namespace siglip\n"
    )


if __name__ == "__main__":
    main()
