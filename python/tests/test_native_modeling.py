"""The classes of transformers against golden values: outputs of every layer, logits, features."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, GOLDEN, assert_logits_equal, assert_rows_equal, read_safetensors

import siglip

VISION_CASES = sorted(
    path.name
    for path in GOLDEN.iterdir()
    if path.name.startswith(("vision-", "names-")) or path.name == "config-defaults-omitted"
)


def floats(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


@pytest.mark.parametrize("case", VISION_CASES)
def test_image_towers_equal_the_reference(case: str) -> None:
    folder = GOLDEN / case
    model = siglip.SiglipVisionModel.from_pretrained(folder)
    output = model(
        floats(read_safetensors(folder / "input.safetensors")["pixel_values"]),
        interpolate_pos_encoding=case == "vision-interpolated",
        output_hidden_states=True,
        output_attentions=True,
    )
    expected = read_safetensors(folder / "expected.safetensors")
    expected.pop("projected", None)
    assert ("pooler_output" in output) == ("pooler_output" in expected)
    for name, values in expected.items():
        field, _, layer = name.partition(".")
        assert_rows_equal(output[field][int(layer)] if layer else output[field], values)


@pytest.mark.parametrize("case", ["siglip-full", "siglip-projection"])
def test_whole_models_equal_the_reference(case: str) -> None:
    folder = GOLDEN / case
    inputs = read_safetensors(folder / "input.safetensors")
    expected = read_safetensors(folder / "expected.safetensors")
    model = siglip.SiglipModel.from_pretrained(folder)
    output = model(**inputs)
    assert isinstance(output, siglip.SiglipOutput)
    assert list(output) == [
        "logits_per_image", "logits_per_text", "text_embeds", "image_embeds",
        "text_model_output", "vision_model_output",
    ]  # fmt: skip
    for name in ("image_embeds", "text_embeds"):
        assert_rows_equal(output[name], expected[name])
    for name in ("logits_per_image", "logits_per_text"):
        assert_logits_equal(output[name], expected[name])
    text = model.text_model(inputs["input_ids"])
    assert_rows_equal(text.last_hidden_state, expected["text.last_hidden_state"])
    assert_rows_equal(text.pooler_output, expected["text.pooler_output"])
    assert text.hidden_states is None and text.attentions is None
    features = model.get_text_features(inputs["input_ids"])
    assert isinstance(features, siglip.BaseModelOutputWithPooling)
    assert_rows_equal(features.pooler_output, expected["text.pooler_output"])
    pixels = inputs["pixel_values"]
    pooled = model.get_image_features(pixels).pooler_output
    assert (pooled == output.vision_model_output.pooler_output).all()
    assert (pooled == model.vision_model(pixels).pooler_output).all()
    pairs = len(pixels)
    loss = model(inputs["input_ids"][:pairs], pixels, return_loss=True).loss
    assert loss.shape == () and "loss" not in output
    assert_logits_equal(loss[np.newaxis], expected["loss_first_n"])


def test_a_naflex_model_equals_the_reference() -> None:
    folder = GOLDEN / "siglip2-naflex"
    inputs = read_safetensors(folder / "input.safetensors")
    expected = read_safetensors(folder / "expected.safetensors")
    model = siglip.Siglip2Model.from_pretrained(folder)
    output = model(**inputs)
    assert isinstance(output, siglip.Siglip2Output)
    assert_rows_equal(output.image_embeds, expected["image_embeds"])
    assert_rows_equal(output.text_embeds, expected["text_embeds"])
    assert_logits_equal(output.logits_per_image, expected["logits_per_image"])
    ids = inputs.pop("input_ids")
    vision = siglip.Siglip2VisionModel.from_pretrained(folder)(**inputs)
    for picture, (rows, columns) in enumerate(inputs["spatial_shapes"]):
        own = rows * columns  # behind these is padding
        assert_rows_equal(
            vision.last_hidden_state[picture, :own],
            expected["vision.last_hidden_state"][picture, :own],
        )
        assert not vision.last_hidden_state[picture, own:].any()
    assert_rows_equal(vision.pooler_output, expected["vision.pooler_output"])
    assert (model.get_image_features(**inputs).pooler_output == vision.pooler_output).all()
    text = siglip.Siglip2TextModel.from_pretrained(folder)(ids)
    assert (text.pooler_output == model.get_text_features(ids).pooler_output).all()
    inputs.pop("pixel_attention_mask")  # follows from the shapes
    again = model.get_image_features(**inputs)
    assert (again.pooler_output == vision.pooler_output).all()
    with pytest.raises(siglip.InvalidArgument, match="spatial_shapes"):
        model.get_image_features(inputs["pixel_values"])


def test_a_classifier_equals_the_reference() -> None:
    folder = GOLDEN / "image-classification"
    model = siglip.SiglipForImageClassification.from_pretrained(folder)
    inputs = read_safetensors(folder / "input.safetensors")
    output = model(**inputs, output_hidden_states=True)
    expected = read_safetensors(folder / "expected.safetensors")
    assert_logits_equal(output.logits, expected["logits"])
    assert output[0] is output.logits and len(output.hidden_states) == 3
    assert model.labels == [f"class-{index}" for index in range(5)]
    assert model.config.id2label[3] == "class-3" and model.num_labels == 5
    with pytest.raises(siglip.Unsupported, match="labels"):
        model(**inputs, labels=np.zeros(3, np.int64))


CASES = {
    "SiglipModel": "siglip-full",
    "SiglipVisionModel": "vision-head",
    "SiglipTextModel": "siglip-full",
    "SiglipForImageClassification": "image-classification",
    "Siglip2Model": "siglip2-naflex",
    "Siglip2VisionModel": "siglip2-naflex",
    "Siglip2TextModel": "siglip2-naflex",
}


def inputs_of(model: Any, folder: Path) -> dict[str, np.ndarray]:
    inputs = read_safetensors(folder / "input.safetensors")
    if "Text" in type(model).__name__:
        return {"input_ids": inputs["input_ids"]}
    if "Vision" in type(model).__name__:
        inputs.pop("input_ids", None)
    return inputs


@pytest.mark.parametrize("name", CASES)
def test_every_class_can_be_pickled(name: str) -> None:
    folder = GOLDEN / CASES[name]
    model = getattr(siglip, name).from_pretrained(folder, threads=1)
    data = pickle.dumps(model)
    assert len(data) <= 4096
    inputs = inputs_of(model, folder)
    expected, found = model(**inputs), pickle.loads(data)(**inputs)
    assert (found[0] == expected[0]).all()
    assert model.forward(**inputs, return_dict=False)[0].shape == expected[0].shape
    assert isinstance(model(**inputs, return_dict=False), tuple)


@pytest.mark.parametrize("name", CASES)
def test_torch_in_torch_out(name: str) -> None:
    torch = pytest.importorskip("torch")
    folder = GOLDEN / CASES[name]
    model = getattr(siglip, name).from_pretrained(folder)
    inputs = inputs_of(model, folder)
    expected = model(**inputs)
    found = model(**{key: torch.from_numpy(value) for key, value in inputs.items()})
    for ours, theirs in zip(found.to_tuple(), expected.to_tuple(), strict=True):
        if isinstance(ours, torch.Tensor):
            assert (ours.numpy() == theirs).all()
        else:
            assert isinstance(ours, tuple) and isinstance(ours[0], torch.Tensor)
    assert isinstance(found[0], torch.Tensor)


@pytest.mark.parametrize("name", CASES)
def test_every_class_stays_where_it_is(name: str) -> None:
    model = getattr(siglip, name).from_pretrained(
        GOLDEN / CASES[name], device_map="cpu", attn_implementation="sdpa",
        low_cpu_mem_usage=True, use_safetensors=True, dtype="float32",
    )  # fmt: skip
    assert model.to("cpu") is model.eval() is model.cpu() is model.train(False) is model
    assert model.training is False and str(model.device) == "cpu" and model.precision == "f32"
    assert model.to(model.device, model.dtype) is model
    for move in (lambda: model.to("cuda"), lambda: model.cuda(), lambda: model.to(device=0)):
        with pytest.raises(siglip.Unsupported, match="CPU"):
            move()
    with pytest.raises(siglip.Unsupported, match="train"):
        model.train()
    with pytest.raises(siglip.Unsupported, match="loading"):
        model.to("cpu", dtype=np.float16)
    assert name in repr(model)


def test_arguments_of_from_pretrained() -> None:
    folder = GOLDEN / "siglip-full"
    load = siglip.SiglipModel.from_pretrained
    for name in ("bfloat16", "float16"):
        assert load(folder, dtype=name).precision == "bf16"
        assert load(folder, torch_dtype=name).precision == "bf16"
    assert load(folder, dtype="auto", device_map="auto").precision == "f32"
    assert load(folder, precision="int8").precision == "int8"
    with pytest.raises(siglip.InvalidArgument, match="float64"):
        load(folder, dtype=np.float64)
    with pytest.raises(siglip.InvalidArgument, match="bf16.*f32"):
        load(folder, dtype="bfloat16", precision="f32")
    for device in ({"device_map": "cuda"}, {"device_map": {"": 0}}, {"device": "cuda:0"}):
        with pytest.raises(siglip.Unsupported, match="CPU"):
            load(folder, **device)
    with pytest.raises(siglip.Unsupported, match="int8"):
        load(folder, load_in_8bit=True)
    with pytest.raises(siglip.Unsupported, match="HF_HUB_CACHE"):
        load(folder, cache_dir="here")
    with pytest.raises(siglip.Unsupported, match="HF_TOKEN"):
        load(folder, token="secret")
    with pytest.raises(TypeError, match="colour"):
        load(folder, colour="red")
    with pytest.raises(siglip.NotFound):
        load(folder / "nothing")


def test_dtype_of_torch() -> None:
    torch = pytest.importorskip("torch")
    folder = GOLDEN / "siglip-full"
    model = siglip.SiglipModel.from_pretrained(folder, dtype=torch.bfloat16)
    assert model.precision == "bf16" and model.dtype == torch.float32
    inputs = read_safetensors(folder / "input.safetensors")
    pixels = torch.from_numpy(inputs["pixel_values"]).to(torch.bfloat16)
    features = model.get_image_features(pixels)
    assert features.pooler_output.dtype == torch.float32


def test_the_other_resolution_is_refused() -> None:
    with pytest.raises(siglip.Unsupported, match="NaFlex.*Siglip2Model"):
        siglip.SiglipModel.from_pretrained(GOLDEN / "siglip2-naflex")
    with pytest.raises(siglip.Unsupported, match="fixed.*SiglipVisionModel"):
        siglip.Siglip2VisionModel.from_pretrained(GOLDEN / "vision-head")


def test_wrong_inputs() -> None:
    model = siglip.SiglipModel.from_pretrained(GOLDEN / "siglip-full")
    inputs = read_safetensors(GOLDEN / "siglip-full" / "input.safetensors")
    ids, pixels = inputs["input_ids"], inputs["pixel_values"]
    with pytest.raises(siglip.InvalidArgument, match="input_ids"):
        model(pixel_values=pixels)
    with pytest.raises(siglip.InvalidArgument, match="pixel_values"):
        model(input_ids=ids)
    with pytest.raises(siglip.Mismatch, match="uint8"):
        model.get_image_features(pixels.astype(np.uint8))
    with pytest.raises(siglip.SiglipError):
        model.get_image_features(pixels[0])
    with pytest.raises(siglip.InvalidArgument):
        model.get_text_features(np.full_like(ids, 10**6))
    with pytest.raises(siglip.Unsupported, match="attention_mask"):
        model.get_text_features(ids, attention_mask=np.zeros_like(ids))
    with pytest.raises(siglip.Unsupported, match="position_ids"):
        model.get_text_features(ids, position_ids=np.zeros_like(ids))
    ones = model.get_text_features(ids, np.ones_like(ids), np.arange(ids.shape[1])[np.newaxis])
    assert (ones.pooler_output == model.get_text_features(ids.tolist()).pooler_output).all()
    with pytest.raises(TypeError):
        model(ids, pixels, colour="red")


def test_logit_scale_and_bias() -> None:
    model = siglip.SiglipModel.from_pretrained(DEMO)
    weights = read_safetensors(DEMO / "model.safetensors")
    assert model.logit_scale.shape == model.logit_bias.shape == (1,)
    assert float(model.logit_scale[0]) == weights["logit_scale"][0]
    assert float(model.logit_bias[0]) == weights["logit_bias"][0]


def count_values(*names: str) -> int:
    weights = read_safetensors(DEMO / "model.safetensors")
    return sum(values.size for name, values in weights.items() if name.startswith(names))


def test_counts_of_parameters() -> None:
    assert siglip.SiglipModel.from_pretrained(DEMO).num_parameters() == count_values("")
    tower = siglip.SiglipVisionModel.from_pretrained(DEMO)
    assert tower.num_parameters() == count_values("vision_model.")
    text = siglip.SiglipTextModel.from_pretrained(DEMO)
    assert text.num_parameters() == count_values("text_model.")


def test_saving_and_loading_again(tmp_path: Path) -> None:
    folder = GOLDEN / "names-timm-gelu"
    model = siglip.SiglipVisionModel.from_pretrained(folder)
    model.save_pretrained(tmp_path / "saved")
    again = siglip.AutoModel.from_pretrained(tmp_path / "saved")
    assert type(again) is siglip.SiglipVisionModel
    pixels = read_safetensors(folder / "input.safetensors")["pixel_values"]
    assert (again(pixels).last_hidden_state == model(pixels).last_hidden_state).all()


def test_auto_models() -> None:
    auto = siglip.AutoModel.from_pretrained
    for name, case in CASES.items():
        if name not in ("SiglipTextModel", "Siglip2VisionModel", "Siglip2TextModel",
                        "SiglipForImageClassification"):  # fmt: skip
            assert type(auto(GOLDEN / case)).__name__ == name
    assert type(auto(GOLDEN / "image-classification")) is siglip.SiglipVisionModel
    classifier = siglip.AutoModelForImageClassification.from_pretrained(
        GOLDEN / "image-classification"
    )
    assert type(classifier) is siglip.SiglipForImageClassification
    zero_shot = siglip.AutoModelForZeroShotImageClassification.from_pretrained
    assert type(zero_shot(DEMO, threads=1)) is siglip.SiglipModel
    assert type(zero_shot(GOLDEN / "siglip2-naflex")) is siglip.Siglip2Model
    with pytest.raises(siglip.Unsupported, match="siglip_vision_model"):
        zero_shot(GOLDEN / "vision-head")
