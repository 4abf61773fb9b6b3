"""A process of `measure`: embeds the files of a folder again and again, as a worker does, and tells how long it took.

Out: {"ready": seconds}; in: a line, when all are; out: {"pictures": 1, "seconds": 2, "megapixels": 3,
"model_seconds": 4}, or {"error": "...", "hint": "..."}.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import SiglipError
from .options import parse_options
from .sample import Sample
from .table import ShardTable
from .worker import RowEmbedder, ShardEmbedder
from .worker_process import die_with

_TINY = b"P6 16 16 255\n" + bytes(range(256)) * 3
_PART_OF_TINY = 0.2  # of the time
_LEAST = 4  # pictures


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output-option", action="append", default=[])
    parser.add_argument("--cpu", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--begin", type=float, required=True)
    arguments = parser.parse_args()
    die_with(arguments.parent)
    os.sched_setaffinity(0, {arguments.cpu})
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        worker = ShardEmbedder(
            arguments.output, output_options=parse_options(arguments.output_option), threads=1
        )
        pictures = [file.read_bytes() for file in sorted(arguments.folder.iterdir())]
        _embed(worker, [_TINY], 0.0)
        _say(answers, ready=time.time() - arguments.begin)
        sys.stdin.readline()
        tiny = _embed(worker, [_TINY], arguments.seconds * _PART_OF_TINY)
        found = _embed(worker, pictures, arguments.seconds * (1 - _PART_OF_TINY))
        _say(answers, **found, model_seconds=tiny["seconds"] / tiny["pictures"])
        sys.stdin.readline()  # until the parent has all answers and ends this process
    except SiglipError as error:
        _say(answers, error=error.message, hint=error.hint)
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


def _say(answers: IO[str], **fields: Any) -> None:
    answers.write(json.dumps(fields) + "\n")


if __name__ == "__main__":
    sys.exit(main())
