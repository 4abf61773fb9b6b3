"""Whether results hold what their footers and the job say."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import MalformedFile, NotFound, SiglipError
from .errors import InputChanged
from .job import ANY, Job
from .location import Location
from .plan_file import read_plan
from .processes import available_cores
from .results import Footer, Result, choose_part, find_results, read_footer
from .table import OK, make_schema

_ALWAYS_WHERE_OK = ("format", "width", "height", "size", "sha256", "xxh3")
_PER_ROUND = 256


@dataclass(frozen=True)
class Checked:
    """Attributes
    ----------
    result : Result
    footer : Footer or None
        None where it cannot be read.
    problems : tuple of str
        What is wrong; empty of a good one.
    """

    result: Result
    footer: Footer | None
    problems: tuple[str, ...]


def verify(output: Location, *, sample: float = 1.0) -> Iterator[Checked]:
    """Reads results in full: page checksums, columns, rows, numbers, and the hash over the embeddings.

    Parameters
    ----------
    sample : float, optional
        Above 0, at most 1: of so large a part of the results, evenly chosen, at least one.

    Yields
    ------
    Checked
        Of every result that was read, in order of the shards' numbers.

    Raises
    ------
    TransportError
    """
    job = Job.open(output)
    with read_plan(output) as plan:
        results = list(find_results(output, job, plan).results.values())
    remaining = iter(choose_part(results, sample))
    with ThreadPoolExecutor(len(available_cores())) as threads:
        while piece := list(islice(remaining, _PER_ROUND)):
            yield from threads.map(lambda result: check_result(output, job, result), piece)


def check_result(output: Location, job: Job, result: Result) -> Checked:
    """Reads one result in full."""
    footer = None
    try:
        footer = read_footer(output, result)
        problems = [*_check_footer(job, result, footer), *_check_rows(output, job, result, footer)]
    except (MalformedFile, NotFound, InputChanged) as error:
        problems = [str(error)]
    return Checked(result, footer, tuple(problems))


def _check_footer(job: Job, result: Result, footer: Footer) -> Iterator[str]:
    expected = {
        "schema": job.fingerprint["schema"],
        "fingerprint": job.fingerprint,
        "fingerprint_hash": job.fingerprint_hash,
        "shard": result.number,
        "id": result.id,
        "generation": result.generation,
        "rows": sum(footer.counts.values()),
    }
    if job.isa != ANY:
        expected["instruction_set_class"] = job.fingerprint["embedding"]["instruction_set_class"]
    for name, value in expected.items():
        if getattr(footer, name) != value:
            yield f"{name}: expected {value}, its footer says {getattr(footer, name)}"


def _check_rows(output: Location, job: Job, result: Result, footer: Footer) -> list[str]:
    try:
        with output.open(result.entry) as stream:
            file = pq.ParquetFile(stream, page_checksum_verification=True, pre_buffer=False)
            problems = _check_schema(job, file.schema_arrow)
            if problems:
                return problems
            rows = _Rows(job, gaps=bool(footer.damage))
            columns = [field.name for field in make_schema(job.dimension, job.dtype)]
            for group in range(file.num_row_groups):
                # All columns, so that all checksums are compared.
                rows.add(file.read_row_group(group, use_threads=False).select(columns))
                if rows.problems:
                    return rows.problems
            return rows.compare(footer)
    except SiglipError:
        raise
    except (pa.ArrowException, OSError) as error:
        return [f"cannot be read: {error}"]


def _check_schema(job: Job, schema: pa.Schema) -> list[str]:
    expected = make_schema(job.dimension, job.dtype)
    found = list(schema)[: len(expected)]
    for position, field in enumerate(expected):
        if position >= len(found) or not found[position].equals(field):
            there = found[position] if position < len(found) else "none"
            return [f"column {position}: expected {field}, found {there}"]
    if len(set(schema.names)) != len(schema.names):
        return [f"two columns have one name: {', '.join(schema.names)}"]
    return []


class _Rows:
    """Checks the rows of a result, piece by piece. `gaps`: rows of the input may be missing."""

    def __init__(self, job: Job, *, gaps: bool) -> None:
        self._gaps = gaps
        self._last_row = -1
        self._dtype = np.dtype(job.dtype).newbyteorder("<")
        self._digest = hashlib.sha256()
        self._counts: Counter[str] = Counter()
        self._count = 0
        self.problems: list[str] = []

    def add(self, table: pa.Table) -> None:
        table = table.combine_chunks()
        begin = self._count
        self._count += len(table)
        statuses = table["status"].cast(pa.string())
        self._counts.update(statuses.to_pylist())
        for name in ("key", "row", "status"):
            self._reject(table[name].is_null(), begin, f"{name} is null")
        ok = pc.equal(statuses, OK)
        failed = pc.invert(ok)
        self._check_order(table["row"], begin)
        self._reject(pc.and_(ok, table["embedding"].is_null()), begin, "ok, but without embedding")
        self._reject(pc.and_(failed, table["embedding"].is_valid()), begin, "failed, but embedded")
        self._reject(pc.and_(ok, table["error"].is_valid()), begin, "ok, but with an error")
        self._reject(pc.and_(failed, table["error"].is_null()), begin, "failed, but without error")
        for name in _ALWAYS_WHERE_OK:
            self._reject(pc.and_(ok, table[name].is_null()), begin, f"ok, but {name} is null")
        self._add_embeddings(table["embedding"])

    def _check_order(self, column: pa.ChunkedArray, begin: int) -> None:
        rows = column.fill_null(0).to_numpy().astype(np.int64)
        if self._gaps:
            wrong, what = np.diff(rows, prepend=self._last_row) <= 0, "row does not ascend"
        else:
            wrong = rows != np.arange(begin, begin + len(rows))
            what = "row is not its position"
        self._reject(pa.array(wrong), begin, what)
        if len(rows):
            self._last_row = int(rows[-1])

    def _add_embeddings(self, embedding: pa.ChunkedArray) -> None:
        for chunk in embedding.chunks:
            numbers = chunk.flatten()  # of the lists that are not null
            if numbers.null_count:
                self.problems.append("a number of an embedding is null")
                continue
            values = numbers.to_numpy(zero_copy_only=False)
            if not np.isfinite(values).all():
                self.problems.append("a number of an embedding is not finite")
            self._digest.update(values.astype(self._dtype, copy=False).tobytes())

    def _reject(self, wrong: pa.ChunkedArray, begin: int, what: str) -> None:
        first = pc.index(wrong, pa.scalar(True)).as_py()
        if first >= 0:
            self.problems.append(f"row {begin + first}: {what}")

    def compare(self, footer: Footer) -> list[str]:
        found = {
            "rows": self._count,
            "counts": dict(self._counts),
            "embedding_sha256": self._digest.hexdigest(),
        }
        return [
            f"{name}: its footer says {getattr(footer, name)}, found {value}"
            for name, value in found.items()
            if getattr(footer, name) != value
        ]


def choose_rows(rows: Sequence[int], fraction: float) -> Iterator[list[int]]:
    """Of results that have so many rows: the rows to compute again, evenly over all, the first among them."""
    begin = 0
    for count in rows:
        numbers = np.arange(begin, begin + count + 1) * fraction
        marks = np.ceil(numbers)
        yield np.flatnonzero(marks[1:] > marks[:-1]).tolist()
        begin += count
