"""Into an index of siglip: searched and shown by name, without the pictures themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ... import _siglip
from ..job import Job
from ..location import Location
from ..model_folder import layout_of, local_model, open_embedder, runtimes_here
from .rows import Ingested, JobRows, Progress, RowNames, ShardRows, as_float32, vectors

_COLUMNS = ["key", "row", "format", "width", "height", "size", "xxh3", "embedding"]


def to_index(
    output: str,
    index: str | os.PathLike[str],
    *,
    output_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Adds the rows of a job that have an embedding to an index, which is made where there is none.

    Each input of the job becomes an archive of the index, called by its address. A picture is called by its shard and
    key, a file by its path. Each shard is added whole or not at all, and takes the place of what was called the same:
    the call may be killed and repeated.

    Parameters
    ----------
    output : str
        The job.
    index : str or path
        The index' folder.

    Raises
    ------
    Mismatch
        Where the index holds embeddings of another kind.
    InvalidArgument
        Where an input is one of the folders of the index.
    IOFailure
        While another process changes the index.
    """
    rows = JobRows(output, output_options)
    counts = rows.begin()
    folder = os.path.abspath(os.fsdecode(os.fspath(index)))
    space = _space_of(rows.location, rows.job)
    for result in rows.results:
        shard = rows.open(result)
        if shard.count > 0:
            archive = rows.job.inputs[shard.shard.input].uri
            _add(folder, archive, space, shard)
        counts.added += 1
        counts.rows += shard.count
        if progress is not None:
            progress(counts)
    return counts


@dataclass(frozen=True)
class _Space:
    """What vectors are of."""

    model: str
    fingerprint: str
    logit_scale: float | None
    logit_bias: float | None


def _space_of(location: Location, job: Job) -> _Space:
    """Of texts, too, where the model has them: they are what one searches by."""
    here = runtimes_here()
    fitting = [each for each in here if layout_of(job, each) in job.model_folders]
    runtime = fitting[-1] if fitting else here[-1]
    folder = local_model(location, job, runtime)
    embedder = open_embedder(folder, runtime, job.model_options)
    parts = _siglip.find_parts(folder)
    logits = embedder.logits if parts["logits"] else None
    return _Space(
        os.path.abspath(job.model) if os.path.exists(job.model) else job.model,
        embedder.fingerprint(True, parts["text_tower"]),
        None if logits is None else logits.logit_scale,
        None if logits is None else logits.logit_bias,
    )


def _add(index: str, archive: str, space: _Space, shard: ShardRows) -> None:
    names = RowNames(shard.shard)
    table = pa.Table.from_batches(shard.batches(_COLUMNS)).combine_chunks()
    (batch,) = table.to_batches()
    _siglip.add_archive_to_index(
        index,
        archive,
        space.model,
        space.fingerprint,
        space.logit_scale,
        space.logit_bias,
        names.of(batch),
        b"".join(batch.column("xxh3").to_pylist()),
        _without_nulls(batch, "format", ""),
        _without_nulls(batch, "width", 0),
        _without_nulls(batch, "height", 0),
        _without_nulls(batch, "size", 0),
        as_float32(vectors(batch)),
    )


def _without_nulls(batch: pa.RecordBatch, column: str, value: Any) -> list[Any]:
    values: list[Any] = batch.column(column).fill_null(value).to_pylist()
    return values
