"""Results against their inputs: some rows are computed again and compared bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .. import _siglip
from ..errors import NotFound, SiglipError
from .errors import InputChanged
from .open_location import open_location
from .open_samples import open_samples
from .results import Footer, Result
from .sample import Sample
from .table import OK, status_of
from .worker import ShardEmbedder

# As worker.py words it: whoever computes such a picture again dies, too.
_POISONED = "the process died (signal "


class Reembedder:
    """Computes rows of results again, with all cores.

    Parameters
    ----------
    output : str
    output_options : mapping, optional
    """

    def __init__(self, output: str, *, output_options: Mapping[str, str] | None = None) -> None:
        self._worker = ShardEmbedder(output, output_options=output_options, threads=None)
        self._class: str | None = None

    def can_compare(self, footer: Footer) -> bool:
        """Whether this machine gives the bits of this result: of a job for any instruction set, others may not."""
        if self._class is None:
            found = json.loads(self._worker.embedder.fingerprint(True, False))
            self._class = str(found["instruction_set_class"])
        return footer.instruction_set_class == self._class

    def compare(self, result: Result, positions: Sequence[int]) -> list[str]:
        """What differs in the rows at these positions, which ascend.

        Raises
        ------
        TransportError
            Where the input cannot be read; one that has changed or gone is a difference.
        """
        stored = self._read_stored(result, positions)
        wanted = [row for row, each in stored.items() if _POISONED not in (each["error"] or "")]
        problems: list[str] = []
        try:
            for row, sample, embedding, error in self._embed(result.number, wanted):
                problems += _compare_row(row, stored.pop(row), sample, embedding, error)
        except (InputChanged, NotFound) as error:
            return [f"cannot be computed again: {error}"]
        left = sorted(set(wanted) & stored.keys())
        problems += [f"row {row}: the input has no such row" for row in left]
        return problems

    def _read_stored(self, result: Result, positions: Sequence[int]) -> dict[int, dict[str, Any]]:
        """By their rows in the input, which are other numbers behind a damage."""
        stored: dict[int, dict[str, Any]] = {}
        columns = ["key", "row", "status", "error", "embedding"]
        begin = 0
        with self._worker.output.open(result.entry) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False)
            for group in range(file.num_row_groups):
                end = begin + file.metadata.row_group(group).num_rows
                here = [position - begin for position in positions if begin <= position < end]
                if here:
                    table = file.read_row_group(group, columns, use_threads=False)
                    stored.update(
                        (each["row"], each) for each in self._to_rows(table.take(pa.array(here)))
                    )
                begin = end
        return stored

    def _to_rows(self, table: pa.Table) -> Iterator[dict[str, Any]]:
        dtype = np.dtype(self._worker.job.dtype)
        for index, row in enumerate(table.drop_columns(["embedding"]).to_pylist()):
            embedding = table["embedding"][index]
            values = embedding.values
            row["embedding"] = None if values is None else values.to_numpy().astype(dtype)
            yield row

    def _embed(
        self, number: int, rows: Sequence[int]
    ) -> Iterator[tuple[int, Sample, NDArray[Any] | None, SiglipError | None]]:
        """Row, sample, and its embedding as it would be stored, or the error."""
        dtype = np.dtype(self._worker.job.dtype)
        shard = self._worker.plan[number]
        there = self._worker.job.inputs[shard.input]
        location = open_location(there.uri, there.options, read_only=True)
        taken: list[Sample] = []

        def pictures() -> Iterator[_siglip.Picture]:
            remaining = set(rows)
            for sample in reader:
                if not remaining:
                    return
                if sample.row in remaining:
                    remaining.remove(sample.row)
                    taken.append(sample)
                    data = sample.data if sample.error is None else None
                    yield _siglip.Picture.bytes(b"" if data is None else data, sample.key)

        with (
            open_samples(shard, self._worker.job, location) as reader,
            closing(self._worker.embedder.stream(pictures())) as results,
        ):
            for result in results:
                sample = taken.pop(0)
                error = sample.error or result.error
                if error is not None and not isinstance(error, SiglipError):
                    raise error
                embedding = None
                if error is None and result.embedding is not None:
                    embedding = result.embedding.astype(dtype)
                yield sample.row, sample, embedding, error


def _compare_row(
    row: int,
    stored: Mapping[str, Any],
    sample: Sample,
    embedding: NDArray[Any] | None,
    error: SiglipError | None,
) -> list[str]:
    if stored["key"] != sample.key:
        return [f"row {row}: key: stored {stored['key']}, found {sample.key}"]
    if error is None and embedding is not None and not np.isfinite(embedding).all():
        error = SiglipError("beyond the stored type")
    status = OK if error is None else status_of(error)
    if stored["status"] != status:
        return [f"row {row} ({sample.key}): status: stored {stored['status']}, found {status}"]
    if error is not None:
        return []
    assert embedding is not None
    if stored["embedding"].tobytes() != embedding.tobytes():
        return [f"row {row} ({sample.key}): another embedding than is computed here"]
    return []
