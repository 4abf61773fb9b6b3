"""A process of `measure`: embeds the files of a folder again and again, as a worker does, and tells how long it took.

Out: {"ready": seconds}; in: a line, when all are; out: {"pictures": 1, "seconds": 2, "megapixels": 3,
"model_seconds": 4}, or {"error": "...", "hint": "..."}.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import SiglipError
from .child_process import begin, make_parser, say
from .sample import Sample
from .table import ShardTable
from .worker import RowEmbedder, ShardEmbedder

_TINY = b"P6 16 16 255\n" + bytes(range(256)) * 3
_PART_OF_TINY = 0.2  # of the time
_LEAST = 4  # pictures


def main() -> int:
    parser = make_parser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--begin", type=float, required=True)
    arguments = parser.parse_args()
    output_options, answers = begin(arguments)
    try:
        worker = ShardEmbedder(arguments.output, output_options=output_options, threads=1)
        pictures = [file.read_bytes() for file in sorted(arguments.folder.iterdir())]
        _embed(worker, [_TINY], 0.0)
        say(answers, ready=time.time() - arguments.begin)
        sys.stdin.readline()
        tiny = _embed(worker, [_TINY], arguments.seconds * _PART_OF_TINY)
        found = _embed(worker, pictures, arguments.seconds * (1 - _PART_OF_TINY))
        say(answers, **found, model_seconds=tiny["seconds"] / tiny["pictures"])
        sys.stdin.readline()  # until the parent has all answers and ends this process
    except SiglipError as error:
        say(answers, error=error.message, hint=error.hint)
        return 1
    return 0


def _embed(worker: ShardEmbedder, pictures: Sequence[bytes], seconds: float) -> dict[str, float]:
    """Until the time is over: with hashes and rows of a table, as a shard."""
    embedder = worker.embedder
    table = ShardTable(worker.job.dimension, worker.job.dtype)
    begin = time.monotonic()
    RowEmbedder(table, embedder, {}, None).embed_all(_samples(pictures, begin + seconds))
    body = pa.BufferReader(table.to_parquet({}))
    spent = time.monotonic() - begin
    sizes = pq.read_table(body, columns=["width", "height"])
    pixels = pc.sum(
        pc.multiply(sizes["width"].cast("int64"), sizes["height"].cast("int64"))
    ).as_py()
    return {"pictures": len(table), "seconds": spent, "megapixels": (pixels or 0) / 1e6}


def _samples(pictures: Sequence[bytes], end: float) -> Iterator[Sample]:
    for row, data in enumerate(itertools.cycle(pictures)):
        if row >= _LEAST and time.monotonic() >= end:
            return
        yield Sample(str(row), row, data)


if __name__ == "__main__":
    sys.exit(main())
