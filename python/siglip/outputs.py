"""What models and processors return: the classes of transformers, under their names."""

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import Unsupported

# Arrays are those of numpy or, where torch tensors came in, of torch.


class ModelOutput(dict[str, Any]):
    """Fields as attributes, keys and positions; those that are None are left out of the latter two.

    ``output.pooler_output``, ``output["pooler_output"]`` and ``output[1]`` are the same array.
    Iterating gives keys; use `to_tuple` to unpack.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if value is not None and name in _field_names(self):
            super().__setitem__(name, value)
        super().__setattr__(name, value)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        super().__setattr__(key, value)

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        return self.to_tuple()[key]

    def __delitem__(self, key: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__}: fields cannot be deleted")

    def pop(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__}: fields cannot be taken out")

    def setdefault(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__}: set an attribute instead of setdefault")

    def update(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__}: set attributes instead of update")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), tuple(getattr(self, name) for name in _field_names(self)))

    def to_tuple(self) -> tuple[Any, ...]:
        """The fields that are not None, in order."""
        return tuple(super(ModelOutput, self).__getitem__(key) for key in self)


def _field_names(output: ModelOutput) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(output))  # type: ignore[arg-type]


@dataclass
class BaseModelOutputWithPooling(ModelOutput):
    """Of a tower; all float32.

    Attributes
    ----------
    last_hidden_state : array [B, N, D]
        Of an image tower after its last layer norm; of NaFlex, rows behind a picture's own patches
        are zero.
    pooler_output : array [B, D] or None
        The embeddings, not normalised. None without a pooling head.
    hidden_states : tuple of layers + 1 arrays [B, N, D], or None
    attentions : tuple of arrays [B, heads, N, N], one per layer, or None
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class SiglipOutput(ModelOutput):
    """Of both towers; all float32.

    Attributes
    ----------
    loss : array [] or None
        Where ``return_loss=True`` was asked for.
    logits_per_image : array [images, texts]
        Their sigmoids are probabilities.
    logits_per_text : array [texts, images]
    text_embeds : array [texts, D], normalised
    image_embeds : array [images, D], normalised
    text_model_output, vision_model_output : BaseModelOutputWithPooling
    """

    loss: Any = None
    logits_per_image: Any = None
    logits_per_text: Any = None
    text_embeds: Any = None
    image_embeds: Any = None
    text_model_output: Any = None
    vision_model_output: Any = None

    def to_tuple(self) -> tuple[Any, ...]:
        """The fields that are not None, outputs among them as tuples."""
        return tuple(
            value.to_tuple() if isinstance(value, ModelOutput) else value for value in self.values()
        )


@dataclass
class Siglip2Output(SiglipOutput):
    """The same of a NaFlex model."""


@dataclass
class ImageClassifierOutput(ModelOutput):
    """Of a classifier.

    Attributes
    ----------
    loss : None
        Training is no business of this package.
    logits : array [B, labels]
    hidden_states, attentions : as in BaseModelOutputWithPooling
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class BatchFeature(dict[str, Any]):
    """What a processor returns: a dict whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))

    def to(self, *arguments: Any, **options: Any) -> "BatchFeature":
        """Converts floating point arrays to a dtype; of devices there is only "cpu".

        Parameters
        ----------
        *arguments, **options
            As torch takes them: a device, a dtype, or both. A dtype is one of torch for tensors, of
            numpy for arrays. Models take all of them and compute in their own precision.

        Returns
        -------
        BatchFeature
            This one.

        Raises
        ------
        Unsupported
            For another device.
        """
        dtype = wanted_dtype(arguments, options)
        if dtype is not None:
            for key, value in self.items():
                self[key] = _converted(value, dtype)
        return self


class BatchEncoding(BatchFeature):
    """What a tokenizer returns."""


def _converted(value: Any, dtype: Any) -> Any:
    if isinstance(value, list):
        return [_converted(item, dtype) for item in value]
    # Either library's dtype does for either's arrays.
    name = str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "f" and hasattr(value, "astype"):
        if name == "bfloat16":
            raise Unsupported(
                "numpy has no bfloat16", "models take float32, whatever they compute in"
            )
        return value.astype(name)
    if hasattr(value, "is_floating_point") and value.is_floating_point():
        return value.to(getattr(sys.modules["torch"], name))
    return value


def wanted_dtype(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Of the arguments of a method `to` as torch has it: the dtype, or None.

    Raises
    ------
    Unsupported
        For a device other than the CPU.
    TypeError
        For options that torch does not know.
    """
    unknown = set(options) - {"device", "dtype", "non_blocking", "copy", "memory_format"}
    if unknown:
        raise TypeError(f"to() got an unexpected keyword argument {sorted(unknown)[0]!r}")
    dtype = options.get("dtype")
    check_device(options.get("device"))
    for argument in arguments:
        if isinstance(argument, str | int) or type(argument).__name__ == "device":
            check_device(argument)
        elif argument is not None and not isinstance(argument, bool):
            dtype = argument
    return dtype


def check_device(device: Any) -> None:
    """Raises Unsupported for a device other than None, "cpu" and torch.device("cpu")."""
    if device is None or str(device) in ("cpu", "cpu:0", "-1"):
        return
    raise Unsupported(
        f"device {str(device)!r}: siglip is an engine for CPUs",
        'leave the device out or say "cpu"; for GPUs there is transformers',
    )
