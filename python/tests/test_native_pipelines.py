"""Pipelines: results in the shapes of transformers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO, GOLDEN

import siglip

LABELS = ["a red ring", "a blue star"]


def test_zero_shot(pictures: list[str]) -> None:
    classify = siglip.pipeline("zero-shot-image-classification", DEMO, device="cpu")
    one = classify(pictures[0], candidate_labels=LABELS)
    assert [set(each) for each in one] == [{"score", "label"}] * 2
    assert one[0]["score"] >= one[1]["score"] and {each["label"] for each in one} == set(LABELS)
    many = classify(pictures[:2], candidate_labels=LABELS, batch_size=8)
    assert many[0] == one and len(many) == 2
    assert classify(images=pictures[0], candidate_labels="a red ring, a blue star") == one
    other = classify(pictures[0], LABELS, hypothesis_template="{}")
    expected = siglip.load(DEMO).classify(pictures[0], LABELS, template="{}")[0]
    assert [each["score"] for each in other] == [each["score"] for each in expected]
    with pytest.raises(siglip.InvalidArgument, match="candidate_labels"):
        classify(pictures[0])


def test_features(pictures: list[str]) -> None:
    model = siglip.load(DEMO)
    extract = siglip.pipeline("image-feature-extraction", model)
    one = extract(pictures[0])
    assert isinstance(one, list)
    tokens = model.encode_image(pictures[0], tokens=True)
    assert (np.float32(one) == tokens[np.newaxis]).all()
    pooled = extract(pictures[:2], pool=True, return_tensors=True)
    assert [row.shape for row in pooled] == [(1, 128)] * 2
    assert (np.concatenate(pooled) == model.encode_image(pictures[:2])).all()


def test_classifiers(tmp_path: Path, pictures: list[str]) -> None:
    shutil.copytree(GOLDEN / "image-classification", tmp_path / "model")
    (tmp_path / "model" / "preprocessor_config.json").write_text(
        json.dumps(
            {"image_processor_type": "SiglipImageProcessor", "size": {"height": 48, "width": 48}}
        )
    )
    classify = siglip.pipeline("image-classification", tmp_path / "model")
    one = classify(pictures[0])
    assert len(one) == 5 and sum(each["score"] for each in one) == pytest.approx(1)
    assert one == sorted(one, key=lambda each: -each["score"])
    batch = classify.image_processor([pictures[0]], return_tensors="np")
    logits = classify.model(**batch).logits[0]
    assert one[0]["label"] == f"class-{logits.argmax()}"
    raw = classify(pictures[:2], top_k=1, function_to_apply="none")
    assert raw[0] == [{"label": one[0]["label"], "score": pytest.approx(float(logits.max()))}]
    sigmoids = classify(pictures[0], function_to_apply="sigmoid")
    assert sigmoids[0]["score"] == pytest.approx(1 / (1 + np.exp(-float(logits.max()))))
    with pytest.raises(siglip.InvalidArgument, match="tanh"):
        classify(pictures[0], function_to_apply="tanh")  # type: ignore[arg-type]


def test_wrong_arguments() -> None:
    with pytest.raises(siglip.InvalidArgument, match="text-generation"):
        siglip.pipeline("text-generation", DEMO)  # type: ignore[call-overload]
    with pytest.raises(siglip.Unsupported, match="CPU"):
        siglip.pipeline("image-feature-extraction", DEMO, device="cuda:0")
    with pytest.raises(TypeError, match=r"pipeline\(\).*colour"):
        siglip.pipeline("image-feature-extraction", DEMO, colour="red")
    extract = siglip.pipeline(
        "image-feature-extraction", DEMO, torch_dtype="float16", use_fast=True, framework="pt"
    )
    assert extract.model.precision == "bf16"
