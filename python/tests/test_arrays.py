"""Arrays come in and go out without a copy."""

import numpy as np
import pytest

import siglip
from siglip import arrays


def test_numpy_is_taken_as_it_is() -> None:
    array = np.zeros((2, 3), np.float32)
    assert np.shares_memory(arrays.as_floats(array, "x"), array)
    assert arrays.as_floats(array.T, "x").flags.c_contiguous
    assert arrays.as_floats(array.astype(np.float64), "x").dtype == np.float32


def test_other_dtypes_are_refused_by_name() -> None:
    with pytest.raises(siglip.Mismatch, match="pixel_values: .* int64"):
        arrays.as_floats(np.zeros(2, np.int64), "pixel_values")
    with pytest.raises(siglip.Mismatch, match="input_ids: .* float64"):
        arrays.as_ids([0.5], "input_ids")
    with pytest.raises(siglip.InvalidArgument, match="input_ids: .* str"):
        arrays.as_ids("a cat", "input_ids")
    with pytest.raises(siglip.InvalidArgument, match="x: expected an array"):
        arrays.as_ids([[1, 2], [3]], "x")


def test_masks_may_be_truth_values() -> None:
    assert arrays.as_mask([True, False], "mask").tolist() == [1, 0]
    assert arrays.as_mask(np.array([1, 0], np.int64), "mask").dtype == np.int32


class OnlyDLPack:
    """An array of a library that siglip knows nothing about."""

    def __init__(self, array: np.ndarray, device: int = 1) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, *arguments: object, **options: object) -> object:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (self.device, 0)


def test_dlpack_is_taken_without_a_copy() -> None:
    array = np.arange(6, dtype=np.float32)
    assert np.shares_memory(arrays.as_floats(OnlyDLPack(array), "x"), array)
    with pytest.raises(siglip.Unsupported, match="memory of the CPU"):
        arrays.as_floats(OnlyDLPack(array, device=2), "x")


def test_torch_in_and_out_without_a_copy() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6, dtype=torch.float32, requires_grad=True)
    array = arrays.as_floats(tensor, "x")
    assert array.ctypes.data == tensor.data_ptr()
    assert arrays.framework_of(array, tensor) == "pt"
    assert arrays.give(array, "pt").data_ptr() == tensor.data_ptr()
    half = torch.tensor([0.5, 1.5], dtype=torch.bfloat16)
    assert arrays.as_floats(half, "x").tolist() == [0.5, 1.5]
    with pytest.raises(siglip.Unsupported, match="meta"):
        arrays.as_floats(torch.zeros(2, device="meta"), "x")


def test_numpy_alone_gives_numpy() -> None:
    assert arrays.framework_of(np.zeros(1), [1]) == "np"


def test_return_tensors() -> None:
    assert arrays.check_framework(None) is None
    assert arrays.check_framework("np") == "np"
    with pytest.raises(siglip.InvalidArgument, match="tf"):
        arrays.check_framework("tf")


def test_out_must_fit() -> None:
    out = np.zeros((2, 3), np.float32)
    assert arrays.output_array(out, (2, 3)) is out
    with pytest.raises(siglip.Mismatch, match=r"\[2, 4\], found \[2, 3\]"):
        arrays.output_array(out, (2, 4))
    with pytest.raises(siglip.Mismatch, match="float64"):
        arrays.output_array(out.astype(np.float64), (2, 3))
    out.flags.writeable = False
    with pytest.raises(siglip.InvalidArgument, match="written"):
        arrays.output_array(out, (2, 3))
