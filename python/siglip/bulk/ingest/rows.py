"""The rows of a job that have an embedding, shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import Mismatch
from ..job import Job
from ..keys import key_of
from ..location import Location
from ..open_location import open_location
from ..plan_file import Plan, read_plan
from ..results import Footer, Result, find_results, read_footer
from ..shard import Shard
from ..table import OK, ROW_GROUP


@dataclass
class Ingested:
    """What became of the results of a job.

    Attributes
    ----------
    shards : int
        That have a result.
    missing : int
        Of the plan, that have none yet.
    already : int
        That had been taken in before.
    added : int
        That were taken in now.
    rows : int
        Of those added.
    """

    shards: int
    missing: int
    already: int = 0
    added: int = 0
    rows: int = 0

    @property
    def exit_status(self) -> int:
        """0, or 4 while the job is incomplete."""
        return 4 if self.missing > 0 else 0


#: Called after each shard.
Progress = Callable[[Ingested], object]


class ShardRows:
    """The result of one shard.

    Attributes
    ----------
    name : str
        Of its object, without folder and ending: another one for another generation.
    shard : Shard
    footer : Footer
    """

    def __init__(self, location: Location, result: Result, shard: Shard, footer: Footer) -> None:
        self._location = location
        self._result = result
        self.name = name_of(result)
        self.shard = shard
        self.footer = footer

    @property
    def count(self) -> int:
        """Rows with an embedding."""
        return self.footer.counts.get(OK, 0)

    @property
    def schema(self) -> pa.Schema:
        with self._opened() as file:
            return file.schema_arrow

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows with an embedding, in order; of a local file their embeddings are not copied.

        Parameters
        ----------
        columns : sequence of str, optional
            None: all. "status" is always among them.
        """
        wanted = None if columns is None else [*dict.fromkeys([*columns, "status"])]
        with self._opened() as file:
            for batch in file.iter_batches(ROW_GROUP, columns=wanted):
                is_ok = pc.equal(batch.column("status").cast(pa.string()), OK)
                if not pc.all(is_ok).as_py():
                    batch = batch.filter(is_ok)
                if len(batch) > 0:
                    yield batch

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        folder = self._location.folder
        if folder is not None:
            with pa.memory_map(str(folder / self._result.path)) as source:
                yield pq.ParquetFile(source)
        else:
            with self._location.open(self._result.entry) as stream:
                yield pq.ParquetFile(stream, pre_buffer=True)


class JobRows:
    """The results of a job, by the numbers of their shards.

    Parameters
    ----------
    output : str
        The job.
    output_options : mapping, optional
        How it is reached, see `open_location`.

    Raises
    ------
    NotFound
        Where nothing was planned.
    """

    def __init__(self, output: str, output_options: Mapping[str, str] | None = None) -> None:
        self.location = open_location(output, output_options, read_only=True)
        self.job = Job.open(self.location)
        self.plan: Plan = read_plan(self.location)
        found = find_results(self.location, self.job, self.plan).results
        self.results = [found[number] for number in sorted(found)]

    def begin(self) -> Ingested:
        return Ingested(len(self.results), len(self.plan) - len(self.results))

    def open(self, result: Result) -> ShardRows:
        """Raises Mismatch for a result of another job."""
        footer = read_footer(self.location, result)
        if footer.fingerprint_hash != self.job.fingerprint_hash:
            raise Mismatch(
                f"{self.location.uri}/{result.path}: its embeddings are of another kind: expected the fingerprint "
                f"{self.job.fingerprint_hash}, found {footer.fingerprint_hash}",
                "a file of another job does not belong there",
            )
        return ShardRows(self.location, result, self.plan[result.number], footer)


def name_of(result: Result) -> str:
    return PurePosixPath(result.path).stem


def vectors(batch: pa.RecordBatch) -> NDArray[Any]:
    """The embeddings [rows, D] as they are stored, without copying them."""
    column = batch.column("embedding")
    values: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(batch), column.type.list_size)


class RowNames:
    """What rows of one shard are called where they stand beside those of others: "shards/0001.tar/cat", and of files
    their path alone. A key that came before in the shard gets "#" and its row."""

    def __init__(self, shard: Shard) -> None:
        self._prefix = "" if shard.source is None else f"{key_of(shard.source.path)}/"
        self._seen: set[str] = set()

    def of(self, batch: pa.RecordBatch) -> list[str]:
        names = []
        for key, row in zip(
            batch.column("key").to_pylist(), batch.column("row").to_pylist(), strict=True
        ):
            name = f"{self._prefix}{key}".replace("\0", "%00")
            if key in self._seen:
                name += f"#{row}"
            self._seen.add(key)
            names.append(name)
        return names


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)
