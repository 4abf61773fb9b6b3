"""Some pictures of a job, always the same ones, to measure with."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from .job import Job
from .location import Entry, Location
from .open_location import open_location
from .open_samples import open_samples
from .plan_file import Plan
from .results import choose_evenly
from .shard import Shard

SHARDS = 8
PICTURES = 256
_MOST_BYTES = 512 << 20  # are held, for all pictures


@dataclass(frozen=True)
class PictureSample:
    """Attributes
    ----------
    pictures : tuple of bytes
        Encoded; of the shards in turn.
    pictures_in_all : float
        Of the whole job: counted where the plan knows, else by bytes.
    bytes_per_picture : float
        That are read of the input for one, with what lies around it.
    bytes_per_second : float
        At which one worker reads.
    read_seconds : float
        Of one core, for reading a picture: waiting, during which others are embedded, left out.
    open_seconds : float
        Until the first picture of a shard is there.
    """

    pictures: tuple[bytes, ...]
    pictures_in_all: float
    bytes_per_picture: float
    bytes_per_second: float
    read_seconds: float
    open_seconds: float


def sample_pictures(job: Job, plan: Plan) -> PictureSample:
    """Reads up to 256 pictures of 8 shards: shards are chosen evenly, of files in shards too; of tars and Parquet the
    first pictures.

    Raises
    ------
    TransportError, InputChanged
    """
    sizes = plan.sizes
    numbers = sizes["number"].to_pylist()
    chosen = choose_evenly(numbers, SHARDS)
    read = [_read_shard(job, plan[number], math.ceil(PICTURES / len(chosen))) for number in chosen]
    rows = sum(each.rows for each in read)
    seconds = sum(each.seconds for each in read)
    size = sum(each.size for each in read)
    per_picture = size / max(rows, 1)
    return PictureSample(
        pictures=tuple(_in_turn([each.pictures for each in read])),
        pictures_in_all=_count_pictures(plan, per_picture),
        bytes_per_picture=per_picture,
        bytes_per_second=size / max(seconds, 1e-9),
        # Not the mean: the first shard also loads what reads it.
        read_seconds=statistics.median(each.core_seconds / max(each.rows, 1) for each in read),
        open_seconds=sum(each.open_seconds for each in read) / max(len(read), 1),
    )


@dataclass
class _ReadShard:
    pictures: list[bytes]
    rows: int = 0
    size: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    open_seconds: float = 0.0


def _read_shard(job: Job, shard: Shard, most: int) -> _ReadShard:
    there = job.inputs[shard.input]
    place = _Watched(open_location(there.uri, there.options, read_only=True))
    if shard.kind == "files":
        files = tuple(choose_evenly(shard.files, most))
        shard = replace(shard, files=files, size=sum(file.size for file in files), rows=len(files))
    read = _ReadShard([])
    held = 0
    begin, core_begin = time.monotonic(), time.process_time()
    with open_samples(shard, job, place) as reader:
        for sample in reader:
            read.rows += 1
            if read.rows == 1:
                read.open_seconds = time.monotonic() - begin
            if sample.data is not None and sample.error is None:
                read.pictures.append(bytes(sample.data))
                held += len(sample.data)
            if read.rows == most or held > _MOST_BYTES // SHARDS:
                break
        read.seconds = time.monotonic() - begin
        read.core_seconds = time.process_time() - core_begin
        if shard.kind == "tar" and place.stream is not None:
            read.size = place.stream.tell()
        else:
            read.size = round(shard.size * read.rows / max(shard.rows or read.rows, 1))
    return read


def _count_pictures(plan: Plan, bytes_per_picture: float) -> float:
    known = plan.counts
    count = 0.0
    for size, rows in zip(known["size"].to_pylist(), known["rows"].to_pylist(), strict=True):
        count += size / max(bytes_per_picture, 1.0) if rows is None else rows
    return count


def _in_turn(lists: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    for index in range(max(map(len, lists), default=0)):
        for each in lists:
            if index < len(each):
                yield each[index]


class _Watched(Location):
    """Remembers the stream that was opened last, which tells how far it was read."""

    def __init__(self, inner: Location) -> None:
        self.uri = inner.uri
        self.stream: BinaryIO | None = None
        self._inner = inner

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return self._inner.list(prefix)

    def entry(self, path: str) -> Entry | None:
        return self._inner.entry(path)

    def read(self, path: str) -> bytes:
        return self._inner.read(path)

    def open(self, entry: Entry) -> BinaryIO:
        self.stream = self._inner.open(entry)
        return self.stream

    def create(self, path: str, body: bytes | memoryview) -> bool:
        return self._inner.create(path, body)

    def replace(self, path: str, body: bytes | memoryview) -> None:
        self._inner.replace(path, body)

    def delete(self, path: str) -> None:
        self._inner.delete(path)
