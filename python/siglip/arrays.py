"""Arrays of numpy, torch and whatever speaks DLPack, in and out without a copy."""

import sys
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgument, Mismatch, Unsupported

F32: TypeAlias = NDArray[np.float32]
I32: TypeAlias = NDArray[np.int32]
I64: TypeAlias = NDArray[np.int64]
Framework: TypeAlias = Literal["np", "pt"]

_CPU_DEVICES = (1, 3)  # of DLPack: kDLCPU and kDLCUDAHost, memory of the host


class SupportsDLPack(Protocol):
    """Arrays of torch, jax, tensorflow or cupy that lie in the memory of the host, and numpy's."""

    def __dlpack__(self, *arguments: Any, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...


class SupportsArray(Protocol):
    """What numpy.asarray takes, a PIL.Image among others."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


def root_module(value: object) -> str:
    """The package that defines the type of `value`: "numpy", "torch", "PIL", ..."""
    return type(value).__module__.partition(".")[0]


def is_torch_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    # A module of this name that is being imported, or another one, has no such class.
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def framework_of(*values: object) -> Framework:
    """ "pt" where one of them is a torch tensor."""
    return "pt" if any(is_torch_tensor(value) for value in values) else "np"


def to_numpy(value: object, name: str) -> NDArray[Any]:
    """Any array as one of numpy, without a copy where its memory is that of the host.

    Parameters
    ----------
    value : array
        Of numpy, torch, or with ``__dlpack__``; nested lists are copied.
    name : str
        What errors call it.

    Raises
    ------
    Unsupported
        For memory of a GPU.
    InvalidArgument
        For what is no array.
    """
    if isinstance(value, np.ndarray):
        return value
    if is_torch_tensor(value):
        return _numpy_of_torch(cast(Any, value), name)
    if hasattr(value, "__dlpack_device__") and hasattr(value, "__dlpack__"):
        device = value.__dlpack_device__()[0]
        if device not in _CPU_DEVICES:
            raise _not_on_cpu(name, f"DLPack device {int(device)}")
        return np.from_dlpack(cast(Any, value))
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidArgument(f"{name}: expected an array, found {error}") from error
    if array.dtype == object or array.dtype.kind in "USV":
        raise InvalidArgument(f"{name}: expected an array, found {type(value).__name__}")
    return array


def _numpy_of_torch(tensor: Any, name: str) -> NDArray[Any]:
    if tensor.device.type != "cpu":
        raise _not_on_cpu(name, str(tensor.device))
    tensor = tensor.detach()
    if str(tensor.dtype) == "torch.bfloat16":  # numpy has no such type
        tensor = tensor.float()
    return cast(NDArray[Any], tensor.resolve_conj().resolve_neg().numpy())


def _not_on_cpu(name: str, where: str) -> Unsupported:
    return Unsupported(
        f"{name}: expected memory of the CPU, found {where}",
        "siglip computes on CPUs; call .cpu() first",
    )


def as_floats(value: object, name: str) -> F32:
    """An array of floating point numbers as contiguous float32; other dtypes raise Mismatch."""
    array = to_numpy(value, name)
    if array.dtype.kind != "f":
        raise Mismatch(f"{name}: expected floating point numbers, found {array.dtype}")
    return np.ascontiguousarray(array, np.float32)


def as_ids(value: object, name: str) -> I64:
    """An array of integers as contiguous int64."""
    return np.ascontiguousarray(_integers(value, name), np.int64)


def as_mask(value: object, name: str) -> I32:
    """An array of integers or truth values as contiguous int32."""
    array = to_numpy(value, name)
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array, np.int32)
    return np.ascontiguousarray(_integers(array, name), np.int32)


def _integers(value: object, name: str) -> NDArray[Any]:
    array = to_numpy(value, name)
    if array.dtype.kind not in "iu":
        raise Mismatch(f"{name}: expected whole numbers, found {array.dtype}")
    return array


def import_torch() -> Any:
    """The module torch, for callers who asked for its tensors."""
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError('return_tensors="pt" needs torch, which is not installed') from error
    return torch


def give(array: NDArray[Any], framework: Framework) -> Any:
    """A new array as the caller wants it, over the same memory."""
    return import_torch().from_numpy(array) if framework == "pt" else array


def give_all(arrays: Sequence[NDArray[Any]], framework: Framework) -> tuple[Any, ...]:
    return tuple(give(array, framework) for array in arrays)


def check_framework(return_tensors: object) -> Framework | None:
    """The argument `return_tensors` of transformers."""
    value = getattr(return_tensors, "value", return_tensors)  # of an enumeration of transformers
    if value is None or value == "np" or value == "pt":
        return value
    raise InvalidArgument(f'return_tensors: expected None, "np" or "pt", found {return_tensors!r}')


def output_array(out: object, shape: tuple[int, ...]) -> F32:
    """The argument `out`, checked: where results are written to."""
    array = to_numpy(out, "out")
    if array.shape != shape:
        raise Mismatch(f"out: expected shape {list(shape)}, found {list(array.shape)}")
    if array.dtype != np.float32:
        raise Mismatch(f"out: expected float32, found {array.dtype}")
    if not array.flags.writeable:
        raise InvalidArgument("out: expected an array that can be written to")
    return cast(F32, array)
