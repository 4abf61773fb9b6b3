"""Outputs behave as those of transformers, with which they are compared where it is installed."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import siglip
from siglip.outputs import BaseModelOutputWithPooling, BatchFeature, SiglipOutput


def output() -> BaseModelOutputWithPooling:
    return BaseModelOutputWithPooling(
        last_hidden_state=np.zeros((1, 2, 3)), attentions=(np.ones((1, 1, 2, 2)),)
    )


def test_attribute_key_and_position_are_the_same() -> None:
    found = output()
    assert found.last_hidden_state is found["last_hidden_state"] is found[0]
    assert found.attentions is found["attentions"] is found[1] is found[-1]
    assert len(found[:2]) == 2


def test_fields_that_are_none_are_left_out() -> None:
    found = output()
    assert list(found) == ["last_hidden_state", "attentions"]
    assert list(found.keys()) == list(found)
    assert len(found) == 2
    assert found.pooler_output is None
    assert "pooler_output" not in found
    assert found.get("pooler_output", 5) == 5
    with pytest.raises(KeyError):
        found["pooler_output"]
    with pytest.raises(IndexError):
        found[2]


def test_fields_can_be_set_but_not_taken_out() -> None:
    found = output()
    found.pooler_output = np.ones(3)
    assert found["pooler_output"] is found.pooler_output
    found["hidden_states"] = (np.ones(1),)
    assert found.hidden_states is found["hidden_states"]
    for take in (
        lambda: found.pop("attentions"),
        lambda: found.update(attentions=None),
        lambda: found.setdefault("attentions", None),
        lambda: found.__delitem__("attentions"),
    ):
        with pytest.raises(TypeError):
            take()


def test_tuples_hold_outputs_as_tuples() -> None:
    found = SiglipOutput(logits_per_image=np.ones((1, 1)), vision_model_output=output())
    logits, vision = found.to_tuple()
    assert logits is found.logits_per_image
    assert isinstance(vision, tuple) and len(vision) == 2


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy])
def test_outputs_can_be_pickled_and_copied(again: Any) -> None:
    found = again(output())
    assert list(found) == ["last_hidden_state", "attentions"]
    assert found.last_hidden_state.shape == (1, 2, 3)


def test_the_same_in_transformers() -> None:
    theirs = pytest.importorskip("transformers.modeling_outputs").BaseModelOutputWithPooling(
        last_hidden_state=np.zeros((1, 2, 3)), attentions=(np.ones((1, 1, 2, 2)),)
    )
    ours = output()
    assert list(ours) == list(theirs)
    assert isinstance(theirs, dict) and isinstance(ours, dict)
    assert len(ours.to_tuple()) == len(theirs.to_tuple())
    assert repr(ours) == repr(theirs)
    for each in (ours, theirs):
        each.pooler_output = 1
    assert list(ours) == list(theirs) == ["last_hidden_state", "attentions", "pooler_output"]
    assert ours[2] == theirs[2] == 1


def test_features_have_attributes_and_can_be_pickled() -> None:
    batch = BatchFeature(pixel_values=np.zeros((1, 3, 2, 2), np.float32))
    assert batch.pixel_values is batch["pixel_values"]
    with pytest.raises(AttributeError, match="input_ids"):
        batch.input_ids  # noqa: B018
    again = pickle.loads(pickle.dumps(batch))
    assert type(again) is BatchFeature and again.pixel_values.shape == (1, 3, 2, 2)


def test_features_stay_on_the_cpu() -> None:
    batch = BatchFeature(pixel_values=np.zeros(2, np.float32), input_ids=np.zeros(2, np.int64))
    assert batch.to("cpu") is batch
    assert batch.to(np.float16).pixel_values.dtype == np.float16
    assert batch.input_ids.dtype == np.int64
    for device in ("cuda", "cuda:1", 0):
        with pytest.raises(siglip.Unsupported, match="CPU"):
            batch.to(device)
    with pytest.raises(TypeError, match="colour"):
        batch.to(colour="red")


def test_features_of_torch_become_another_dtype() -> None:
    torch = pytest.importorskip("torch")
    batch = BatchFeature(pixel_values=torch.zeros(2), input_ids=torch.zeros(2, dtype=torch.int64))
    assert batch.to(torch.device("cpu"), torch.bfloat16).pixel_values.dtype == torch.bfloat16
    assert batch.to(dtype=torch.float64).pixel_values.dtype == torch.float64
    assert batch.input_ids.dtype == torch.int64
    assert batch.to("cpu", np.float16).pixel_values.dtype == torch.float16
    array = BatchFeature(pixel_values=np.zeros(2, np.float32))
    assert array.to("cpu", torch.float16).pixel_values.dtype == np.float16
    with pytest.raises(siglip.Unsupported, match="bfloat16"):
        array.to(torch.bfloat16)
    with pytest.raises(siglip.Unsupported):
        batch.to(torch.device("cuda"))
