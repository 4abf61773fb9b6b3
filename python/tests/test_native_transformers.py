"""The same program with `transformers` and with `siglip`: results of the same kind and value."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, GOLDEN, LOGIT_TOLERANCE, assert_rows_equal

import siglip

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
Image = pytest.importorskip("PIL.Image")

TEXTS = ["three red rings", "a blue star"]


def both(function: Any) -> tuple[Any, Any]:
    with torch.no_grad():
        return function(siglip), function(transformers)


def assert_same(ours: Any, theirs: Any, path: str = "output") -> None:
    """Of the same kind and shape, and equal within the tolerance of rows."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, torch.Tensor), path
        assert ours.dtype == theirs.dtype, path
        if theirs.ndim > 1 and "logits" not in path:
            assert_rows_equal(ours.numpy(), theirs.numpy())
        else:
            scale = float(theirs.abs().max())
            np.testing.assert_allclose(
                ours.numpy(), theirs.numpy(), atol=LOGIT_TOLERANCE * scale, err_msg=path
            )
    elif isinstance(theirs, dict) or hasattr(theirs, "keys"):
        assert list(ours.keys()) == list(theirs.keys()), path
        for key in list(theirs.keys()):
            assert_same(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(theirs, list | tuple):
        assert isinstance(ours, type(theirs)) and len(ours) == len(theirs), path
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(our, their, f"{path}.{index}")
    else:
        assert ours == theirs, path


def test_the_example_of_the_model_card(pictures: list[str]) -> None:
    images = [Image.open(file) for file in pictures[:2]]

    def program(library: Any) -> Any:
        model = library.AutoModel.from_pretrained(DEMO).eval()
        processor = library.AutoProcessor.from_pretrained(DEMO)
        inputs = processor(
            text=TEXTS, images=images, padding="max_length", max_length=24, return_tensors="pt"
        )
        outputs = model(**inputs.to(model.device), output_hidden_states=True, return_loss=True)
        return dict(inputs), outputs, outputs.to_tuple()

    ours, theirs = both(program)
    theirs[0].pop("attention_mask", None)
    assert_same(ours, theirs)
    assert type(ours[1]).__name__ == type(theirs[1]).__name__


def test_features(pictures: list[str]) -> None:
    image = Image.open(pictures[0])

    def program(library: Any) -> Any:
        model = library.SiglipModel.from_pretrained(DEMO)
        pixels = library.AutoImageProcessor.from_pretrained(DEMO)(image, return_tensors="pt")
        ids = library.AutoTokenizer.from_pretrained(DEMO)(
            TEXTS, padding="max_length", return_tensors="pt"
        )["input_ids"]
        return model.get_image_features(**pixels), model.get_text_features(input_ids=ids)

    ours, theirs = both(program)
    assert_same(ours, theirs)
    assert [type(each).__name__ for each in ours] == [type(each).__name__ for each in theirs]


def test_naflex() -> None:
    generator = torch.Generator().manual_seed(1)
    inputs = {
        "pixel_values": torch.rand(2, 16, 192, generator=generator),
        "pixel_attention_mask": torch.tensor([[1] * 16, [1] * 16], dtype=torch.int32),
        "spatial_shapes": torch.tensor([[4, 4], [2, 8]]),
    }

    def program(library: Any) -> Any:
        model = library.AutoModel.from_pretrained(GOLDEN / "siglip2-naflex")
        tower = library.Siglip2VisionModel.from_pretrained(GOLDEN / "siglip2-naflex")
        return model.get_image_features(**inputs), tower(**inputs, output_hidden_states=True)

    assert_same(*both(program))


def test_naflex_classifiers(tmp_path: Path) -> None:
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_patches": 16, "patch_size": 4,
    }  # fmt: skip
    torch.manual_seed(2)
    config = transformers.Siglip2Config(vision_config=vision, num_labels=3)
    transformers.Siglip2ForImageClassification(config).save_pretrained(tmp_path)
    inputs = {
        "pixel_values": torch.rand(2, 16, 48),
        "pixel_attention_mask": torch.tensor([[1] * 16, [1] * 12 + [0] * 4], dtype=torch.int32),
        "spatial_shapes": torch.tensor([[4, 4], [3, 4]]),
    }

    def program(library: Any) -> Any:
        model = library.AutoModelForImageClassification.from_pretrained(tmp_path)
        return model(**inputs).logits, model.config.id2label

    assert_same(*both(program))
    model = siglip.AutoModelForImageClassification.from_pretrained(tmp_path)
    assert type(model) is siglip.Siglip2ForImageClassification
    assert model.labels == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_zero_shot_pipelines(pictures: list[str]) -> None:
    images = [Image.open(file) for file in pictures[:2]]

    def program(library: Any) -> Any:
        classify = library.pipeline("zero-shot-image-classification", model=str(DEMO))
        if library is transformers:  # which takes 64 tokens, whatever the model was made for
            tokenizer = classify.tokenizer
            classify.tokenizer = lambda texts, **options: tokenizer(
                texts, **{**options, "max_length": 24}
            )
        return classify(images[0], TEXTS), classify(images, TEXTS)

    ours, theirs = both(program)
    for our, their in zip([ours[0], *ours[1]], [theirs[0], *theirs[1]], strict=True):
        assert [each["label"] for each in our] == [each["label"] for each in their]
        np.testing.assert_allclose(
            [each["score"] for each in our], [each["score"] for each in their], rtol=1e-3
        )
        assert [set(each) for each in our] == [set(each) for each in their]


def test_tokenizers_without_padding() -> None:
    def program(library: Any) -> Any:
        tokenizer = library.AutoTokenizer.from_pretrained(DEMO)
        found = [
            tokenizer(TEXTS, padding=False)["input_ids"],
            tokenizer(TEXTS[0], padding=False)["input_ids"],
            tokenizer(TEXTS, padding=True, return_tensors="pt")["input_ids"].tolist(),
            tokenizer(TEXTS[0], padding="max_length", max_length=8, truncation=True)["input_ids"],
        ]
        return found, tokenizer.decode(found[1], skip_special_tokens=True)

    with pytest.warns(siglip.SiglipWarning):
        ours, theirs = both(program)
    assert ours == theirs
