"""plan.parquet: the shards of a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InvalidArgument, MalformedFile, NotFound, SiglipError
from .job import PLAN_FILE
from .location import Entry, Location
from .shard import Shard, ShardKind

# Paths are bytes: file systems allow names that are no text.
_FILE = pa.struct([("path", pa.binary()), ("size", pa.uint64()), ("version", pa.string())])
_SCHEMA = pa.schema(
    [
        pa.field("number", pa.uint32(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("input", pa.uint32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("path", pa.binary()),
        pa.field("version", pa.string()),
        pa.field("source_size", pa.uint64()),
        pa.field("row_groups", pa.list_(pa.uint32())),
        pa.field("files", pa.list_(_FILE)),
        pa.field("size", pa.uint64(), nullable=False),
        pa.field("rows", pa.uint64()),
    ]
)
# One row group is what reading one shard costs: this many shards, or files in them, whichever is reached first.
_SHARDS_OF_GROUP = 4096
_FILES_OF_GROUP = 50_000


def write_plan(shards: Iterable[Shard]) -> bytes:
    """The contents of plan.parquet: the same shards give the same bytes.

    Parameters
    ----------
    shards : iterable of Shard
        By ascending number.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        _SCHEMA,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=["kind", "input"],
        write_statistics=["number"],
        store_schema=True,
        write_page_checksum=True,
    ) as writer:
        for piece in _pieces(shards):
            rows = [_row_of(shard) for shard in piece]
            columns = [
                pa.array(values, field.type)
                for values, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
    return bytes(sink.getvalue())


def read_plan(output: Location) -> Plan:
    """The plan of the job that lies there.

    Raises
    ------
    NotFound
        Where nothing was planned.
    MalformedFile
        For another file of this name.
    """
    entry = output.entry(PLAN_FILE)
    if entry is None:
        raise NotFound(
            f"{output.uri}: has no {PLAN_FILE}", "siglip bulk plan INPUT... --output makes one"
        )
    return Plan(output.open(entry), f"{output.uri}/{PLAN_FILE}")


class Plan:
    """Shards by their number, and in order of it. Only what is asked for is read. For one thread."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        try:
            self._file = pq.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True)
            if self._file.schema_arrow.names != _SCHEMA.names:
                raise pa.ArrowInvalid(f"its columns are {', '.join(self._file.schema_arrow.names)}")
            self._first_numbers = [self._first_number(index) for index in range(self._groups)]
        except SiglipError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise MalformedFile(f"{name}: is no plan of a bulk job: {error}") from error
        self._cached: tuple[int, dict[int, int], pa.Table] | None = None

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __getitem__(self, number: int) -> Shard:
        """Raises InvalidArgument where there is no shard of this number."""
        index = sum(1 for first in self._first_numbers if first <= number) - 1
        if index >= 0:
            if self._cached is None or self._cached[0] != index:
                table = self._read(index)
                place = {each: row for row, each in enumerate(table["number"].to_pylist())}
                self._cached = index, place, table
            _, place, table = self._cached
            if number in place:
                return _shard_of(table.slice(place[number], 1).to_pylist()[0])
        last = self._last_number()
        what = "it is empty" if last is None else f"its numbers go to {last}"
        raise InvalidArgument(f"shard {number}: is not in the plan; {what}")

    def __iter__(self) -> Iterator[Shard]:
        for index in range(self._groups):
            for batch in self._read(index).to_batches(max_chunksize=256):
                yield from map(_shard_of, batch.to_pylist())

    @property
    def sizes(self) -> pa.Table:
        """The columns number (uint32), id (string) and size (uint64, bytes) of all shards."""
        return self._read(None, ["number", "id", "size"])

    @property
    def counts(self) -> pa.Table:
        """The columns size (uint64, bytes) and rows (uint64, null where not known) of all shards."""
        return self._read(None, ["size", "rows"])

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Plan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _groups(self) -> int:
        return int(self._file.metadata.num_row_groups)

    def _read(self, group: int | None, columns: list[str] | None = None) -> pa.Table:
        try:
            if group is None:
                return self._file.read(columns, use_threads=False)
            return self._file.read_row_group(group, columns, use_threads=False)
        except SiglipError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise MalformedFile(f"{self._name}: cannot be read: {error}") from error

    def _first_number(self, group: int) -> int:
        statistics = self._file.metadata.row_group(group).column(0).statistics
        if statistics is None or not statistics.has_min_max:
            raise pa.ArrowInvalid("it has no statistics")
        return int(statistics.min)

    def _last_number(self) -> int | None:
        if not self._groups:
            return None
        return int(self._file.metadata.row_group(self._groups - 1).column(0).statistics.max)


def _pieces(shards: Iterable[Shard]) -> Iterator[list[Shard]]:
    piece: list[Shard] = []
    files = 0
    for shard in shards:
        if len(piece) == _SHARDS_OF_GROUP or (piece and files + len(shard.files) > _FILES_OF_GROUP):
            yield piece
            piece, files = [], 0
        piece.append(shard)
        files += len(shard.files)
    if piece:
        yield piece


def _row_of(shard: Shard) -> tuple[Any, ...]:
    source = shard.source
    return (
        shard.number,
        shard.id,
        shard.input,
        shard.kind,
        None if source is None else _raw(source.path),
        None if source is None else source.version,
        None if source is None else source.size,
        list(shard.row_groups) if shard.kind == "parquet" else None,
        [(_raw(file.path), file.size, file.version) for file in shard.files]
        if shard.kind == "files"
        else None,
        shard.size,
        shard.rows,
    )


def _shard_of(row: dict[str, Any]) -> Shard:
    source = None
    if row["path"] is not None:
        source = Entry(_text(row["path"]), row["source_size"], row["version"])
    kind: ShardKind = row["kind"]
    return Shard(
        number=row["number"],
        input=row["input"],
        kind=kind,
        source=source,
        row_groups=tuple(row["row_groups"] or ()),
        files=tuple(
            Entry(_text(file["path"]), file["size"], file["version"]) for file in row["files"] or ()
        ),
        size=row["size"],
        rows=row["rows"],
    )


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
