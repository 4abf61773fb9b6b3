"""From files to shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow.parquet as pq

from ..errors import MalformedFile
from .keys import key_of
from .location import Entry, Location
from .parquet_columns import ParquetColumns, choose_columns
from .parquet_samples import open_parquet
from .sample import ReadOptions
from .shard import Shard

MOST_FILES = 10_000
# The rows of a shard are in memory until it is written.
_MOST_ROWS = 50_000
# Footers that are read at a time.
_FOOTERS = 16


@dataclass(frozen=True)
class _Run:
    """Row groups one after the other."""

    groups: tuple[int, ...]
    size: int
    rows: int


def tar_shard(number: int, input: int, entry: Entry) -> Shard:
    return Shard(number, input, "tar", entry, (), (), entry.size, None)


def parquet_shards(
    first: int,
    input: int,
    entries: Sequence[Entry],
    location: Location,
    options: ReadOptions,
    shard_bytes: int,
) -> Iterator[Shard]:
    """Runs of whole row groups with at most `shard_bytes` of pictures, or one row group each. A file whose footer
    cannot be read is one shard with none.

    Raises
    ------
    InvalidArgument
        For a file without the columns that `options` name.
    InputChanged, TransportError
    """

    def runs_of(entry: Entry) -> list[_Run]:
        with location.open(entry) as stream:
            try:
                file = open_parquet(stream)
            except MalformedFile:
                return [_Run((), entry.size, 0)]
            columns = choose_columns(file.schema_arrow, options, key_of(entry.path))
            return _runs(file.metadata, columns, shard_bytes)

    number = first
    with ThreadPoolExecutor(_FOOTERS) as pool:
        for entry, runs in zip(entries, pool.map(runs_of, entries), strict=True):
            for run in runs:
                rows = run.rows if run.groups else None
                yield Shard(number, input, "parquet", entry, run.groups, (), run.size, rows)
                number += 1


def file_shards(
    first: int, input: int, entries: Iterable[Entry], shard_bytes: int
) -> Iterator[Shard]:
    """Packs files in byte order of their paths: at most `shard_bytes` or one file, and at most 10,000 files."""
    number = first
    for pack in _packs(sorted(entries, key=_order), shard_bytes):
        size = sum(entry.size for entry in pack)
        yield Shard(number, input, "files", None, (), tuple(pack), size, len(pack))
        number += 1


def _packs(entries: Iterable[Entry], shard_bytes: int) -> Iterator[list[Entry]]:
    pack: list[Entry] = []
    size = 0
    for entry in entries:
        if pack and (len(pack) == MOST_FILES or size + entry.size > shard_bytes):
            yield pack
            pack, size = [], 0
        pack.append(entry)
        size += entry.size
    if pack:
        yield pack


def _order(entry: Entry) -> bytes:
    return entry.path.encode("utf-8", "surrogateescape")


def _runs(metadata: pq.FileMetaData, columns: ParquetColumns, shard_bytes: int) -> list[_Run]:
    """Of all row groups; a file without rows has one, with none of them."""
    most_rows = MOST_FILES if columns.kind == "path" else _MOST_ROWS
    runs: list[_Run] = []
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        size = _size_of(group, columns.image)
        rows = int(group.num_rows)
        last = runs[-1] if runs else None
        if last is not None and last.size + size <= shard_bytes and last.rows + rows <= most_rows:
            runs[-1] = _Run((*last.groups, index), last.size + size, last.rows + rows)
        else:
            runs.append(_Run((index,), size, rows))
    return runs or [_Run((), 0, 0)]


def _size_of(group: pq.RowGroupMetaData, column: str) -> int:
    """Of a column with all that is below it, in bytes of the file."""
    size = 0
    for index in range(group.num_columns):
        chunk = group.column(index)
        path = chunk.path_in_schema
        if path == column or path.startswith(column + "."):
            size += max(int(chunk.total_compressed_size), 0)
    return size
