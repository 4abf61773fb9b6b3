"""What all models of transformers' names share: how they are loaded, and what they are besides computing."""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import _siglip
from .configuration import Config, config_of
from .errors import Unsupported
from .hub import inspect
from .loading import Loading, Precision
from .outputs import check_device, wanted_dtype
from .runtime import Runtime

if TYPE_CHECKING:
    from typing_extensions import Self


class PreTrainedModel:
    """What all models share."""

    config_class: ClassVar[type[Config] | None] = None
    main_input_name: ClassVar[str] = "pixel_values"
    base_model_prefix: ClassVar[str] = ""
    training = False

    _naflex: ClassVar[bool | None] = None  # None: either

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._config: Config | None = None

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str],
        *,
        dtype: Any = None,
        precision: Precision | None = None,
        threads: int | None = None,
        runtime: Runtime | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        **options: Any,
    ) -> Self:
        """Loads a checkpoint.

        Parameters
        ----------
        model : str or path
            A folder, a file that is a checkpoint, or a name of the hub, which is downloaded where
            the cache lacks it.
        dtype : optional
            As transformers has it, of torch or by name. float16 and bfloat16 mean
            ``precision="bf16"``; outputs are float32 all the same.
        precision : "f32", "bf16", "int8" or "auto", optional
            What large matrix products multiply. None: what is packed, f32 of all others.
        threads : int, optional
            Of the runtime that models with the same number share. None: SIGLIP_THREADS, else as
            many as this process may use.
        runtime : Runtime, optional
            Instead of `threads`.
        revision : str, optional
            A branch, tag or commit of the hub.
        local_files_only : bool
            Download nothing.
        **options
            Arguments of transformers that have no meaning here (``device_map="cpu"``,
            ``attn_implementation``, ``low_cpu_mem_usage``, ``use_safetensors``, ...) are taken.

        Raises
        ------
        SiglipError
            `NotFound`, `Mismatch` for a checkpoint that lacks tensors, `Unsupported` for one of the
            other resolution, or for a device that is no CPU.
        TypeError
            For arguments that transformers does not know either.
        """
        loading = Loading.read(
            model,
            dtype=dtype,
            precision=precision,
            threads=threads,
            runtime=runtime,
            revision=revision,
            local_files_only=local_files_only,
            **options,
        )
        return cls._load(loading)

    @classmethod
    def _load(cls, loading: Loading) -> Self:
        if cls._naflex is not None:
            parts = _siglip.find_parts(loading.source.path)
            if parts["image_tower"] and parts["naflex"] != cls._naflex:
                kind = "NaFlex" if parts["naflex"] else "fixed resolution"
                other = _other_name(cls.__name__)
                raise Unsupported(
                    f"{loading.source.name}: {cls.__name__} is for another kind of checkpoint, "
                    f"found {kind}",
                    f"{other} and AutoModel load it",
                )
        return cls(loading)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self)._load, (self._loading,))

    @property
    def config(self) -> Any:
        """The configuration of the checkpoint, of a tower that of the tower."""
        if self._config is None:
            self._config = self._read_config()
        return self._config

    def _read_config(self) -> Config:
        return config_of(self._loading.source.path)

    @property
    def name_or_path(self) -> str:
        return self._loading.source.name

    @property
    def device(self) -> Any:
        """``torch.device("cpu")`` where torch is imported, else "cpu"."""
        torch = imported_torch()
        return "cpu" if torch is None else torch.device("cpu")

    @property
    def dtype(self) -> Any:
        """float32, which inputs and outputs have: of torch where it is imported, else of numpy."""
        torch = imported_torch()
        return np.dtype(np.float32) if torch is None else torch.float32

    @property
    def precision(self) -> str:
        """What large matrix products multiply: "f32", "bf16" or "int8"."""
        raise NotImplementedError

    def to(self, *arguments: Any, **options: Any) -> Self:
        """Nothing happens for the CPU and float32.

        Raises
        ------
        Unsupported
            For another device or dtype.
        """
        dtype = wanted_dtype(arguments, options)
        name = getattr(dtype, "__name__", None) or str(dtype)
        if dtype is not None and name.removeprefix("torch.") not in ("float32", "float"):
            raise Unsupported(
                f"a loaded model cannot become {name}",
                "say dtype= or precision= when loading it",
            )
        return self

    def cpu(self) -> Self:
        return self

    def float(self) -> Self:
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises Unsupported."""
        check_device("cuda")
        return self

    def eval(self) -> Self:
        return self

    def train(self, mode: bool = True) -> Self:
        """Raises Unsupported, unless `mode` is False."""
        if mode:
            raise Unsupported("siglip does not train models", "train with transformers")
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        return self.train(requires_grad)

    def num_parameters(self) -> int:
        """Of the checkpoint's parts that this model computes with."""
        return self._count_parameters(inspect(self._loading.source.path))

    def _count_parameters(self, found: dict[str, Any]) -> int:
        raise NotImplementedError

    def save_pretrained(self, folder: str | PathLike[str]) -> None:
        """Writes the checkpoint that this model was loaded from, with all of its towers, for
        transformers: config.json, model.safetensors in float32, and what preprocessing needs."""
        _siglip.convert_to_transformers(self._loading.source.path, os.fspath(folder), True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name_or_path!r}, precision={self.precision!r})"


def imported_torch() -> Any:
    import sys

    return sys.modules.get("torch")


def _other_name(name: str) -> str:
    if name.startswith("Siglip2"):
        return "Siglip" + name.removeprefix("Siglip2")
    return "Siglip2" + name.removeprefix("Siglip")
