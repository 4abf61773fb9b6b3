"""The arguments that every `from_pretrained` takes."""

import os
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, TypeAlias

from .errors import InvalidArgument, NotFound, Unsupported
from .hub import check_hub_arguments, locate
from .outputs import check_device
from .runtime import Runtime, choose_runtime

Precision: TypeAlias = Literal["f32", "bf16", "int8", "auto"]

# Of transformers: what they mean is what happens anyway, or has no meaning on a CPU.
_WITHOUT_EFFECT = (
    "attn_implementation",
    "framework",
    "low_cpu_mem_usage",
    "trust_remote_code",
    "use_fast",
    "use_safetensors",
)
_PRECISION_OF_DTYPE: dict[str, Precision | None] = {
    "auto": None,
    "float32": "f32",
    "float": "f32",
    "float16": "bf16",
    "half": "bf16",
    "bfloat16": "bf16",
}


@dataclass(frozen=True)
class Source:
    """Where a model is, and how to find it again in another process."""

    name: str
    path: str
    revision: str | None

    @classmethod
    def find(
        cls,
        model: str | PathLike[str],
        revision: str | None = None,
        download: bool = True,
        any_file: bool = False,
    ) -> "Source":
        name = os.fspath(model)
        path = locate(name, revision=revision, download=download, any_file=any_file)
        return cls(name, os.path.abspath(path), revision)

    def here(self) -> "Source":
        """The same on this machine, whose cache may be elsewhere.

        Raises
        ------
        NotFound
            For a path that is not here.
        """
        if os.path.exists(self.path):
            return self
        try:
            return Source.find(self.name, self.revision)
        except NotFound as error:
            raise NotFound(f"{self.path} is not on this machine: {error.message}") from error


@dataclass(frozen=True)
class Loading:
    """What a model is loaded from, and how."""

    source: Source
    runtime: Runtime
    threads: int | None  # asked for, where the runtime is the process' own
    own_runtime: bool
    precision: str

    @classmethod
    def read(
        cls,
        model: str | PathLike[str],
        *,
        dtype: Any = None,
        torch_dtype: Any = None,
        precision: Precision | None = None,
        threads: int | None = None,
        runtime: Runtime | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        cache_dir: str | None = None,
        token: str | bool | None = None,
        device_map: Any = None,
        device: Any = None,
        **without_effect: Any,
    ) -> "Loading":
        check_without_effect(without_effect)
        if device_map != "auto":
            for place in device_map.values() if isinstance(device_map, dict) else [device_map]:
                check_device(place)
        check_device(device)
        check_hub_arguments(cache_dir, token)
        return cls(
            source=Source.find(model, revision, download=not local_files_only),
            runtime=choose_runtime(runtime, threads),
            threads=threads,
            own_runtime=runtime is not None,
            precision=choose_precision(precision, torch_dtype if dtype is None else dtype) or "",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        runtime = self.runtime if self.own_runtime else None
        return (_load_again, (self.source, runtime, self.threads, self.precision))


def _load_again(
    source: Source, runtime: Runtime | None, threads: int | None, precision: str
) -> Loading:
    return Loading(
        source.here(), choose_runtime(runtime, threads), threads, runtime is not None, precision
    )


def check_without_effect(options: dict[str, Any], function: str = "from_pretrained") -> None:
    """Raises TypeError for what `function` does not know, Unsupported for what siglip lacks."""
    for name, value in options.items():
        if name in ("load_in_8bit", "load_in_4bit", "quantization_config"):
            if value:
                raise Unsupported(f"{name} is not supported", 'precision="int8" computes in bytes')
        elif name not in _WITHOUT_EFFECT:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


def choose_precision(precision: Precision | None, dtype: Any) -> Precision | None:
    """What `precision` and a dtype of transformers mean; None: as stored."""
    if dtype is None:
        return precision
    name = getattr(dtype, "__name__", None) or str(dtype)
    name = name.removeprefix("torch.")
    if name not in _PRECISION_OF_DTYPE:
        raise InvalidArgument(
            f"dtype: expected one of {', '.join(_PRECISION_OF_DTYPE)}, found {name}",
            'precision="int8" computes in bytes',
        )
    meant = _PRECISION_OF_DTYPE[name]
    if precision is not None and meant is not None and meant != precision:
        raise InvalidArgument(f"dtype {name} means precision {meant}, but {precision} is asked for")
    return meant if precision is None else precision
