"""The model of a job: packed once beside it, in the layout of its instruction set, and mapped by all processes of a
machine."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import _siglip
from ..errors import Unsupported
from ..loading import Source
from ..runtime import Runtime
from .job import ANY, Job
from .location import Location

_PRECISIONS = ("f32", "bf16", "int8")


@dataclass(frozen=True)
class PreparedModel:
    """Attributes
    ----------
    fingerprint : str
        JSON, as `_siglip.Embedder.fingerprint` gives it.
    isa : str
        The instruction set of the job, or "any".
    folders : dict
        Layout -> folder below the output.
    dimension : int
        D
    """

    fingerprint: str
    isa: str
    folders: dict[str, str]
    dimension: int


def open_embedder(
    folder: str, runtime: Runtime, model_options: Mapping[str, Any]
) -> _siglip.Embedder:
    """Of a packed model."""
    return _siglip.Embedder(
        folder,
        runtime.native,
        "",
        model_options.get("preprocess") or "",
        model_options.get("alpha") or "white",
        bool(model_options.get("fast_decode")),
        model_options.get("max_num_patches") or 0,
    )


def prepare_model(
    output: Location,
    model: str,
    precision: str | None,
    isa: str | None,
    model_options: Mapping[str, Any],
) -> PreparedModel:
    """Packs a model into the output, in all layouts that the job's workers need, unless it is there.

    Parameters
    ----------
    model : str
        As `siglip.load` takes it.
    precision : str, optional
        None: as stored, else f32.
    isa : str, optional
        The instruction set that workers compute with, or "any": then in every layout that this machine can make. None:
        this machine's best.
    """
    source = Source.find(model)
    if isa == ANY:
        # One of each layout, this machine's best first.
        best_of_layout = {}
        for runtime in runtimes_here():
            layouts = tuple(_siglip.packed_layout(runtime.native, each) for each in _PRECISIONS)
            best_of_layout[layouts] = runtime
        runtimes = [*reversed(best_of_layout.values())]
    else:
        runtimes = [Runtime(1, instruction_set=isa)]
    folders: dict[str, str] = {}
    fingerprint, dimension = "", 0
    with tempfile.TemporaryDirectory(prefix="siglip-model-") as scratch:
        for runtime in runtimes:
            packed = os.path.join(scratch, runtime.instruction_set)
            _siglip.pack_checkpoint(source.path, packed, precision or "", runtime.native)
            embedder = open_embedder(packed, runtime, model_options)
            if not fingerprint:
                fingerprint = embedder.fingerprint(True, False)
                (dimension,) = embedder.embedding_shape()
            del embedder
            parts = json.loads(fingerprint)
            layout = _siglip.packed_layout(runtime.native, parts["precision"])
            name = f"model/{parts['image_weights'][:12]}-{parts['precision']}-{layout}"
            _copy_into(output, Path(packed), name)
            folders[layout] = name
    return PreparedModel(fingerprint, isa or runtimes[0].instruction_set, folders, dimension)


def runtimes_here() -> list[Runtime]:
    """Of one thread, with each instruction set of this machine, and at last with the one that it prefers, which need not
    be the last of them."""
    sets = _siglip.instruction_sets()
    return [*(Runtime(1, instruction_set=each) for each in sets), Runtime(1)]


def layout_of(job: Job, runtime: Runtime) -> str:
    """In which these kernels take the job's model, see `_siglip.packed_layout`."""
    return _siglip.packed_layout(runtime.native, job.fingerprint["embedding"]["precision"])


def job_runtime(job: Job, threads: int) -> Runtime:
    """Threads with the kernels that the job's bits are of. Raises Unsupported where this CPU lacks them."""
    if job.isa == ANY:
        return Runtime(threads)
    if job.isa not in _siglip.instruction_sets():
        raise Unsupported(
            f"the job was planned for the instruction set {job.isa}, which this CPU lacks: it has "
            f"{', '.join(_siglip.instruction_sets())}",
            "plan a job with --isa any, or with a set that all machines have",
        )
    return Runtime(threads, instruction_set=job.isa)


def local_model(output: Location, job: Job, runtime: Runtime) -> str:
    """The folder on this machine; of an output that is elsewhere, copied into the user's cache once, by one process."""
    layout = layout_of(job, runtime)
    if layout not in job.model_folders:
        raise Unsupported(
            f"the job has its model in the layout {', '.join(job.model_folders)}, this CPU needs {layout}",
            "plan it again with --isa any on a machine of this kind: that adds the layout",
        )
    name = job.model_folders[layout]
    if output.folder is not None:
        return str(output.folder / name)
    cache = _cache_folder()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = cache / name.removeprefix("model/")
    with open(cache / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = list(output.list(name))
        if not _has_all(folder, {Path(each.path).name: each.size for each in entries}):
            # Of one name, which nobody else has under the lock: what a killed process left is not kept for ever.
            unfinished = cache / f"{folder.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            for entry in entries:
                with output.open(entry) as stream:
                    with open(unfinished / Path(entry.path).name, "wb") as file:
                        shutil.copyfileobj(stream, file, 1 << 20)
                        os.fsync(file.fileno())
            if folder.exists():
                shutil.rmtree(folder)
            unfinished.rename(folder)
    return str(folder)


def _copy_into(output: Location, packed: Path, name: str) -> None:
    """A file that is there already has the same bytes: its folder is called by their hash."""
    for file in sorted(packed.iterdir()):
        path = f"{name}/{file.name}"
        there = output.entry(path)
        if there is None or there.size != file.stat().st_size:
            output.replace(path, file.read_bytes())


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "siglip" / "bulk"


def _has_all(folder: Path, sizes: Mapping[str, int]) -> bool:
    try:
        return {file.name: file.stat().st_size for file in folder.iterdir()} == dict(sizes)
    except FileNotFoundError:
        return False
