"""Processors and tokenizers against golden values of transformers, Pillow and torchvision."""

import json
import pickle
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, GOLDEN, read_safetensors

import siglip

ROWS = json.loads((GOLDEN / "text" / "expected.json").read_text())["rows"]
IMAGES = GOLDEN / "images"
FIXED = {
    "image_processor_type": "SiglipImageProcessor",
    "size": {"height": 64, "width": 64},
    "resample": 3,
}
NAFLEX = {"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 36, "patch_size": 16}


def folder_with(folder: Path, **files: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(("folder", "key"), [("sentencepiece", "siglip_hf"), ("gemma", "siglip2")])
def test_tokens_equal_the_reference(folder: str, key: str) -> None:
    tokenizer = siglip.AutoTokenizer.from_pretrained(GOLDEN / "text" / folder)
    assert tokenizer.model_max_length == 64
    texts = [row["text"] for row in ROWS]
    expected = [row[key] for row in ROWS]
    encoding = tokenizer(texts, padding="max_length", return_tensors="np")
    assert list(encoding) == ["input_ids"]
    assert encoding.input_ids.dtype == np.int64
    assert encoding.input_ids.tolist() == expected
    assert tokenizer(texts).input_ids == expected
    assert tokenizer(texts[0])["input_ids"] == tokenizer.encode(texts[0]) == expected[0]


# What transformers' tokenizers make of "a photo of a cat" without padding; the last id ends it.
CAT = {"sentencepiece": 10, "gemma": 8}


@pytest.mark.parametrize("folder", CAT)
def test_other_padding_is_done_and_warned_of(folder: str) -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(GOLDEN / "text" / folder)
    whole = tokenizer("a photo of a cat").input_ids
    own = whole[: CAT[folder]]
    assert own[-1] == 1
    with pytest.warns(siglip.SiglipWarning, match="max_length"):
        assert tokenizer("a photo of a cat", padding=False).input_ids == own
    with pytest.warns(siglip.SiglipWarning, match="longest") as caught:
        longest = tokenizer(["a photo of a cat", "a"], padding=True, return_tensors="np")
    assert caught[0].filename == __file__
    assert longest.input_ids.shape == (2, CAT[folder])
    assert longest.input_ids[0].tolist() == own
    assert longest.input_ids[1, -1] == tokenizer.pad_token_id
    with pytest.warns(siglip.SiglipWarning, match="max_length=6"):
        short = tokenizer("a photo of a cat", max_length=6).input_ids
    assert short == [*own[:5], 1]
    with pytest.warns(siglip.SiglipWarning), pytest.raises(siglip.Mismatch, match="lengths"):
        tokenizer(["a photo of a cat", "a"], padding=False, return_tensors="np")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer("a photo of a cat", max_length=64, padding="max_length", truncation=True)


@pytest.mark.parametrize("folder", CAT)
def test_long_texts_are_cut_unless_they_must_not(folder: str) -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(GOLDEN / "text" / folder)
    text = "a photo of a cat " * 30
    assert len(tokenizer(text).input_ids) == 64 and tokenizer(text).input_ids[-1] == 1
    whole = tokenizer([text, "a cat"], truncation=False).input_ids
    assert len(whole[0]) > 64 and whole[0][-1] == 1
    assert len(whole[1]) == 64
    assert whole[0][:63] == tokenizer(text).input_ids[:63]


@pytest.mark.parametrize("folder", CAT)
def test_masks_are_there_when_asked_for(folder: str) -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(GOLDEN / "text" / folder)
    mask = tokenizer("a photo of a cat", return_attention_mask=True).attention_mask
    assert mask == [1] * CAT[folder] + [0] * (64 - CAT[folder])


@pytest.mark.parametrize("folder", CAT)
def test_decoding(folder: str) -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(GOLDEN / "text" / folder)
    ids = tokenizer(["a photo of a cat", "two dogs"], return_tensors="np").input_ids
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == ["a photo of a cat", "two dogs"]
    assert tokenizer.decode(ids[1].tolist(), skip_special_tokens=True) == "two dogs"
    assert "".join(tokenizer.tokenize("two dogs")).replace("\u2581", " ").strip() == "two dogs"
    assert tokenizer.convert_ids_to_tokens(1) in ("</s>", "<eos>")
    assert len(tokenizer.convert_ids_to_tokens([1, 1])) == 2
    with pytest.raises(siglip.InvalidArgument):
        tokenizer.convert_ids_to_tokens(10**9)


def test_bytes_are_decoded_together() -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(GOLDEN / "text" / "gemma")
    ids = tokenizer("\U0001f408", return_tensors="np").input_ids[0]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "\U0001f408"


def test_wrong_arguments_of_tokenizers() -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(DEMO)
    with pytest.raises(siglip.InvalidArgument, match="padding.*'left'"):
        tokenizer("a", padding="left")
    with pytest.raises(siglip.InvalidArgument, match="tf"):
        tokenizer("a", return_tensors="tf")  # type: ignore[arg-type]
    with pytest.raises(siglip.InvalidArgument):
        tokenizer([])
    with pytest.raises(siglip.InvalidArgument):
        tokenizer([1])  # type: ignore[list-item]
    with pytest.raises(siglip.InvalidArgument), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer("a", max_length=0)
    with pytest.raises(TypeError):
        tokenizer("a", colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        siglip.SiglipTokenizer.from_pretrained(DEMO, colour="red")
    with pytest.raises(siglip.NotFound):
        siglip.SiglipTokenizer.from_pretrained(GOLDEN / "vision-head")


def test_tokenizers_can_be_pickled() -> None:
    tokenizer = siglip.SiglipTokenizer.from_pretrained(DEMO, use_fast=True)
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again("a star").input_ids == tokenizer("a star").input_ids
    assert (tokenizer.pad_token, tokenizer.padding_side) == ("</s>", "right")


FILES = ["rgb.png", "rgb.jpg", "grey.jpg", "palette.png", "cmyk.jpg", "exif-6.jpg", "tall.png"]


@pytest.mark.parametrize("name", FILES)
def test_pixels_equal_the_reference(name: str, tmp_path: Path) -> None:
    processor = siglip.AutoImageProcessor.from_pretrained(
        folder_with(tmp_path, preprocessor_config=FIXED)
    )
    assert type(processor) is siglip.SiglipImageProcessor
    expected = read_safetensors(IMAGES / "expected.safetensors")
    pixels = processor(str(IMAGES / name), return_tensors="np").pixel_values
    assert pixels.dtype == np.float32
    bytes_found = np.rint((pixels[0] + 1) * 127.5).astype(np.uint8)
    assert (bytes_found == expected[f"{name}/torchvision.64.bicubic.u8"]).all()
    again = processor([expected[f"{name}/rgb"]], return_tensors="np").pixel_values
    assert (again == pixels).all()


def test_patches_equal_the_reference(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    processor = siglip.AutoImageProcessor.from_pretrained(
        folder_with(tmp_path, preprocessor_config=NAFLEX)
    )
    assert type(processor) is siglip.Siglip2ImageProcessor
    assert (processor.max_num_patches, processor.patch_size) == (36, 16)
    expected = read_safetensors(IMAGES / "expected.safetensors")
    sources = [IMAGES / "rgb.png", image.open(IMAGES / "tall.png")]
    batch = processor(sources, return_tensors="np")
    assert list(batch) == ["pixel_values", "pixel_attention_mask", "spatial_shapes"]
    assert batch.pixel_values.shape == (2, 36, 768)
    assert batch.pixel_attention_mask.dtype == np.int32
    for index, name in enumerate(["rgb.png", "tall.png"]):
        shape = expected[f"{name}/naflex.spatial_shape"].astype(np.int64)
        assert batch.spatial_shapes[index].tolist() == shape.tolist()
        own = int(shape.prod())
        assert batch.pixel_attention_mask[index].tolist() == [1] * own + [0] * (36 - own)
        assert not batch.pixel_values[index, own:].any()
    few = processor(sources[0], return_tensors="np", max_num_patches=12)
    assert few.pixel_values.shape == (1, 12, 768)
    assert few.spatial_shapes.prod() <= 12
    with pytest.raises(siglip.InvalidArgument, match="max_num_patches"):
        processor(sources[0], max_num_patches=0)
    lists = processor(sources)
    assert isinstance(lists.pixel_values, list) and lists.pixel_values[1].shape == (36, 768)


def test_the_kind_of_processor_is_that_of_the_files(tmp_path: Path) -> None:
    open_processor = siglip.AutoImageProcessor.from_pretrained
    plain = {"max_num_patches": 16, "patch_size": 16}
    folder = folder_with(tmp_path / "a", preprocessor_config=plain)
    assert type(open_processor(folder)) is siglip.Siglip2ImageProcessor
    folder = folder_with(tmp_path / "b", processor_config={"image_processor": NAFLEX})
    assert type(open_processor(folder)) is siglip.Siglip2ImageProcessor
    assert type(siglip.SiglipImageProcessor.from_pretrained(DEMO)) is siglip.SiglipImageProcessor


def test_image_processors() -> None:
    processor = siglip.SiglipImageProcessor.from_pretrained(DEMO)
    assert processor.size == {"height": 64, "width": 64}
    assert processor.image_mean == [0.5, 0.5, 0.5]
    assert processor.to_dict()["resample"] == 3
    with pytest.raises(AttributeError, match="colour"):
        processor.colour  # noqa: B018
    again = pickle.loads(pickle.dumps(processor))
    file = str(IMAGES / "rgb.png")
    expected = processor(file, return_tensors="np").pixel_values
    assert (again(file, return_tensors="np").pixel_values == expected).all()
    assert (processor.preprocess(file).pixel_values[0] == expected[0]).all()
    with pytest.raises(siglip.InvalidArgument, match="fixed"):
        processor(file, max_num_patches=16)
    with pytest.raises(siglip.Unsupported):
        processor(file, do_convert_rgb=False)
    with pytest.raises(siglip.InvalidArgument):
        processor([])
    with pytest.raises(siglip.NotFound, match="missing"):
        processor(["missing.jpg"])
    with pytest.raises(TypeError):
        processor(file, do_resize=False)  # type: ignore[call-arg]


def test_processors(pictures: list[str], tmp_path: Path) -> None:
    processor = siglip.AutoProcessor.from_pretrained(DEMO)
    assert type(processor) is siglip.SiglipProcessor
    batch = processor(text=["a star", "a ring"], images=pictures[:2], return_tensors="np")
    assert batch.input_ids.shape == (2, 24) and batch.pixel_values.shape == (2, 3, 64, 64)
    output = siglip.AutoModel.from_pretrained(DEMO)(**batch)
    model = siglip.load(DEMO)
    images = model.encode_image(pictures[:2])
    np.testing.assert_allclose(output.vision_model_output.pooler_output, images, atol=1e-4)
    assert list(processor(images=pictures[0])) == ["pixel_values"]
    assert list(processor(text="a star")) == ["input_ids"]
    assert processor(text="a star").input_ids == processor.tokenizer("a star").input_ids
    assert processor.batch_decode(batch.input_ids, skip_special_tokens=True) == ["a star", "a ring"]
    with pytest.raises(siglip.InvalidArgument, match="at least one"):
        processor()
    assert (
        pickle.loads(pickle.dumps(processor))(text="a").input_ids == processor(text="a").input_ids
    )
    processor.save_pretrained(tmp_path)
    shutil.copyfile(DEMO / "config.json", tmp_path / "config.json")
    again = siglip.AutoProcessor.from_pretrained(tmp_path)
    assert again(text="a star").input_ids == processor(text="a star").input_ids


def test_a_processor_without_tokenizer_is_that_of_images(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, preprocessor_config=FIXED)
    assert type(siglip.AutoProcessor.from_pretrained(folder)) is siglip.SiglipImageProcessor


def test_torch_tensors(pictures: list[str]) -> None:
    torch = pytest.importorskip("torch")
    processor = siglip.AutoProcessor.from_pretrained(DEMO)
    batch = processor(text=["a star"], images=pictures[:2], return_tensors="pt")
    assert batch.input_ids.dtype == torch.int64 and batch.pixel_values.dtype == torch.float32
    expected = processor(images=pictures[:2], return_tensors="np").pixel_values
    assert (batch.pixel_values.numpy() == expected).all()
    model = siglip.AutoModel.from_pretrained(DEMO)
    output = model(**batch.to(model.device))
    assert isinstance(output.logits_per_image, torch.Tensor)
    assert output.logits_per_image.shape == (2, 1)
