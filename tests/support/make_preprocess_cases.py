"""Writes tests/data/preprocess: what timm, open_clip and transformers make of small pictures.

Run with Pillow 13, torchvision, timm 1.0.31, open_clip 3.3 and transformers 5.24 installed, from
anywhere:
    python tests/support/make_preprocess_cases.py
The pictures are not stored: make_resize_cases.py and processor_cases_test.cc compute the same pixels.
"""

import dataclasses
import itertools
import json
import pathlib
import tempfile

import numpy
import safetensors_io
import transformers
from make_resize_cases import picture
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from timm.data import create_transform, resolve_data_config
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "preprocess"

HALF = [0.5, 0.5, 0.5]
CLASSES = ["BitImageProcessor", "BlipImageProcessor", "CLIPImageProcessor", "ChineseCLIPImageProcessor",
           "DeiTImageProcessor", "Gemma3ImageProcessor", "LlavaImageProcessor", "PI0ImageProcessor",
           "PvtImageProcessor", "SiglipImageProcessor", "ViTImageProcessor"]
# Height and width: wide, tall, smaller than what is cut out, one pixel thin, odd margins.
SHAPES = [(23, 31), (31, 24), (5, 40), (9, 7), (1, 30), (40, 1), (12, 13), (1, 400)]


def shape(number, keeps_all):
    """Where the longer side decides, the shorter one of a thin picture would become nothing."""
    return SHAPES[number % (4 if keeps_all else len(SHAPES))]


def levels(values):
    """What -1 to 1 stand for, as bytes: means and deviations are 0.5 throughout."""
    return numpy.rint((numpy.asarray(values, numpy.float64) + 1) * 127.5).astype(numpy.uint8)


def timm_files():
    for side, fraction, mode in itertools.product([8, 11], [0.875, 0.9, 0.95, 1.0], ["center", "border", "squash"]):
        yield {"input_size": [3, side, side], "crop_pct": fraction, "crop_mode": mode, "interpolation": "bicubic"}
    for mode in ["center", "border", "squash"]:
        yield {"input_size": [3, 8, 11], "crop_pct": 0.875, "crop_mode": mode, "interpolation": "lanczos"}
        yield {"input_size": [3, 9, 9], "crop_pct": 1.2, "crop_mode": mode, "interpolation": "bilinear"}
    yield {"input_size": [3, 10, 10], "crop_pct": None, "crop_mode": None, "interpolation": None}
    yield {"input_size": [3, 10, 10], "crop_pct": 0}
    yield {"input_size": [3, 10, 10], "crop_pct": 1, "crop_mode": "squash", "interpolation": "nearest"}


def timm_cases():
    for number, fields in enumerate(timm_files()):
        config = {**fields, "mean": HALF, "std": HALF}
        transform = create_transform(**resolve_data_config({}, pretrained_cfg=config))
        for k in range(2):
            height, width = shape(2 * number + k, keeps_all=fields.get("crop_mode") == "border")
            yield ("config.json", {"pretrained_cfg": config}, height, width, "pillow13",
                   transform(Image.fromarray(picture(height, width))))


def open_clip_files():
    for mode, size, interpolation in itertools.product(
            ["shortest", "longest", "squash", None], [8, [11, 11], [8, 11]], ["bicubic", "bilinear"]):
        yield size, {"resize_mode": mode, "interpolation": interpolation}
    for colour in [127, [10, 20, 30], [124.9, 116.3, 103.5]]:
        yield 9, {"resize_mode": "longest", "interpolation": "random", "fill_color": colour}
    yield 9, {}


def open_clip_cases():
    for number, (size, fields) in enumerate(open_clip_files()):
        config = {**fields, "mean": HALF, "std": HALF}
        final = merge_preprocess_dict(dataclasses.asdict(PreprocessCfg()), config)
        final["size"] = size if isinstance(size, int) else tuple(size)
        transform = image_transform_v2(PreprocessCfg(**final), is_train=False)
        file = {"model_cfg": {"vision_cfg": {"image_size": size}}, "preprocess_cfg": config}
        for k in range(2):
            height, width = shape(2 * number + k, keeps_all=fields.get("resize_mode") == "longest")
            yield ("open_clip_config.json", file, height, width, "pillow13",
                   transform(Image.fromarray(picture(height, width))))


def transformers_files():
    sizes = [{"shortest_edge": 9}, {"shortest_edge": 9, "longest_edge": 12}, {"shortest_edge": 9, "longest_edge": 9},
             {"max_height": 10, "max_width": 14}, {"height": 9, "width": 12}, 9, [7, 10]]
    for size, crop in itertools.product(sizes, [{"height": 8, "width": 8}, [5, 12], 13]):
        yield {"size": size, "do_center_crop": True, "crop_size": crop}
    for crop in [6, 9, 30]:
        yield {"do_resize": False, "size": None, "do_center_crop": True, "crop_size": crop}
    yield {"size": {"max_height": 10, "max_width": 14}, "do_center_crop": None, "do_pad": True,
           "pad_size": {"height": 11, "width": 14}}
    yield {"size": {"max_height": 10, "max_width": 14}, "do_center_crop": False, "do_pad": True, "pad_size": None}
    yield {"size": 9, "do_center_crop": True, "crop_size": 8, "do_pad": True, "pad_size": 10}
    yield {"size": [9, 8], "do_center_crop": False, "do_pad": True, "pad_size": [9, 8]}


def run_transformers(cls, fields, height, width):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "preprocessor_config.json").write_text(json.dumps(fields))
        processor = cls.from_pretrained(folder)
    return processor(Image.fromarray(picture(height, width)), return_tensors="np")["pixel_values"][0]


def transformers_cases():
    for number, fields in enumerate(transformers_files()):
        file = {**fields, "image_processor_type": "CLIPImageProcessor", "image_mean": HALF, "image_std": HALF}
        for mode, cls in (("torchvision", transformers.CLIPImageProcessor), ("pillow13", CLIPImageProcessorPil)):
            for k in range(2):
                height, width = shape(2 * number + k, keeps_all="max_" in str(fields) or "longest" in str(fields))
                yield ("preprocessor_config.json", file, height, width, mode,
                       run_transformers(cls, file, height, width))


def classes():
    """The fields of every class that a file leaves all to."""
    result = {}
    for name in CLASSES:
        fields = getattr(transformers, name)().to_dict()
        result[name] = {key: fields.get(key) for key in (
            "size", "do_center_crop", "crop_size", "do_pad", "pad_size", "do_resize", "resample",
            "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")}
    return result


def transparent():
    """A picture with transparency as timm and open_clip prepare it at 48 pixels."""
    image = Image.open(FOLDER.parent.parent / "golden" / "images" / "alpha.png")
    config = {"input_size": [3, 48, 48], "crop_pct": 1.0, "crop_mode": "squash", "mean": HALF, "std": HALF}
    open_clip = image_transform_v2(PreprocessCfg(48, mean=HALF, std=HALF, resize_mode="squash"), is_train=False)
    # timm's loader of data sets converts before the transform.
    timm = create_transform(**resolve_data_config({}, pretrained_cfg=config))(image.convert("RGB"))
    return {"timm": levels(timm), "open_clip": levels(open_clip(image))}


def main():
    cases, tensors = [], {}
    for file, fields, height, width, mode, values in [*timm_cases(), *open_clip_cases(), *transformers_cases()]:
        tensors[str(len(cases))] = levels(values)
        cases.append({"file": file, "fields": fields, "height": height, "width": width, "mode": mode})
    FOLDER.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (FOLDER / "cases.json").write_text("[\n" + lines + "\n]\n")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in classes().items())
    (FOLDER / "classes.json").write_text("{\n" + lines + "\n}\n")
    safetensors_io.write(FOLDER / "expected.safetensors", tensors)
    safetensors_io.write(FOLDER / "transparent.safetensors", transparent())
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
