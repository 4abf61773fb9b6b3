"""Configurations, and what is said of checkpoints without loading them."""

import json
import pickle
from pathlib import Path

import pytest
from conftest import DEMO, GOLDEN

import siglip


def test_defaults_are_those_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    for name in ("SiglipConfig", "SiglipVisionConfig", "SiglipTextConfig",
                 "Siglip2Config", "Siglip2VisionConfig", "Siglip2TextConfig"):  # fmt: skip
        ours = getattr(siglip, name)()
        theirs = getattr(transformers, name)().to_dict()
        for key, value in ours.to_dict().items():
            if isinstance(value, dict) and key.endswith("_config"):
                assert value["model_type"] == theirs[key]["model_type"]
            elif key not in ("architectures", "transformers_version", "return_dict"):
                assert value == theirs[key], (name, key)
        missing = set(theirs) - set(ours.to_dict())
        assert not {key for key in missing if key in ("patch_size", "vocab_size", "num_patches")}


def test_attributes_of_a_checkpoint() -> None:
    config = siglip.SiglipConfig.from_pretrained(DEMO)
    fields = json.loads((DEMO / "config.json").read_text())
    for part in ("vision_config", "text_config"):
        for name, value in fields[part].items():
            assert getattr(getattr(config, part), name) == value
    assert type(config.vision_config) is siglip.SiglipVisionConfig
    assert config.architectures == ["SiglipModel"] and config.model_type == "siglip"
    assert config.to_dict()["text_config"]["vocab_size"] == 109
    assert json.loads(config.to_json_string())["vision_config"]["image_size"] == 64
    assert repr(config).startswith("SiglipConfig {")
    assert pickle.loads(pickle.dumps(config)) == config
    vision = siglip.SiglipVisionConfig.from_pretrained(DEMO)
    assert vision == config.vision_config and vision != config.text_config
    assert siglip.SiglipTextConfig.from_pretrained(DEMO) == config.text_config


def test_auto_config() -> None:
    for case, name in {
        "siglip-full": "SiglipConfig",
        "siglip2-naflex": "Siglip2Config",
        "vision-head": "SiglipVisionConfig",
        "names-open-clip": "SiglipVisionConfig",
        "names-paligemma": "SiglipVisionConfig",
    }.items():
        config = siglip.AutoConfig.from_pretrained(GOLDEN / case)
        assert type(config).__name__ == name, case
    with pytest.raises(siglip.Unsupported, match="siglip2.*AutoConfig"):
        siglip.SiglipConfig.from_pretrained(GOLDEN / "siglip2-naflex")


def test_labels() -> None:
    config = siglip.AutoConfig.from_pretrained(GOLDEN / "image-classification")
    assert config.id2label[4] == "class-4" and config.label2id["class-4"] == 4
    assert config.num_labels == 5
    assert siglip.SiglipConfig(num_labels=3).id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


def test_models_have_configurations() -> None:
    model = siglip.SiglipModel.from_pretrained(DEMO)
    assert model.config == siglip.SiglipConfig.from_pretrained(DEMO)
    assert model.vision_model.config.hidden_size == 128
    assert model.text_model.config.vocab_size == 109


@pytest.mark.parametrize("text", ["{", "[]", '"siglip"'])
def test_broken_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(siglip.MalformedFile, match="config.json"):
        siglip.AutoConfig.from_pretrained(tmp_path)


def test_inspecting() -> None:
    found = siglip.inspect(DEMO)
    assert found["config"]["image_size"] == 64
    assert found["text"]["config"]["max_position_embeddings"] == 24
    with pytest.raises(siglip.NotFound):
        siglip.inspect("organisation/nothing")


def test_resolving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert siglip.resolve(DEMO) == str(DEMO)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(siglip.NotFound):
        siglip.resolve("organisation/nothing")
    with pytest.raises(siglip.NotFound):  # nothing is asked for on the network
        siglip.load("organisation/nothing")


def test_packing(tmp_path: Path, pictures: list[str]) -> None:
    siglip.convert(DEMO, tmp_path / "packed", precision="int8")
    packed = siglip.load(tmp_path / "packed")
    assert packed.precision == "int8"
    expected = siglip.load(DEMO, precision="int8").encode_image(pictures)
    assert (packed.encode_image(pictures) == expected).all()
    model = siglip.SiglipModel.from_pretrained(tmp_path / "packed")
    assert model.precision == "int8"
    siglip.convert(DEMO, tmp_path / "plain")
    exact = siglip.load(tmp_path / "plain").encode_image(pictures)
    assert (exact == siglip.load(DEMO).encode_image(pictures)).all()
    with pytest.raises(siglip.SiglipError):
        siglip.convert(DEMO, tmp_path / "packed", precision="bf16")
    siglip.convert(DEMO, tmp_path / "packed", precision="bf16", replace=True)
    assert siglip.load(tmp_path / "packed").precision == "bf16"
