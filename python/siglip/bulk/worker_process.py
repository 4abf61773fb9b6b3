"""A process that embeds shards as it is told: lines of JSON come in, lines of JSON go out.

In: {"shard": 7, "one_by_one": false, "generation": 1, "poisoned": {"12": 11}}
Out: {"ready": true}, {"rows": 12, "bytes": 48210}, {"row": 3} (one by one: what comes next), {"outcome": {...}, "last": false},
{"error": "...", "hint": "..."}
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

from ..errors import SiglipError
from .child_process import begin, make_parser, say
from .worker import ShardEmbedder

_PROGRESS_EVERY = 0.25  # seconds
#: A worker that has grown by so much since its first shard, or done so many, ends; another takes its place.
MOST_GROWTH = 200 << 20
MOST_SHARDS = 500


def main() -> int:
    arguments = make_parser().parse_args()
    output_options, answers = begin(arguments)
    try:
        _serve(arguments.output, output_options, answers)
    except SiglipError as error:
        say(answers, error=error.message, hint=error.hint, fatal=True)
        return 1
    except BrokenPipeError:  # the parent has gone
        return 1
    return 0


def _serve(output: str, output_options: dict[str, str], answers: IO[str]) -> None:
    embedder = ShardEmbedder(output, output_options=output_options, threads=1)
    say(answers, ready=True)
    done, first_size = 0, 0
    for line in sys.stdin:
        order = json.loads(line)
        before: Callable[[int], None] | None = None
        if order["one_by_one"]:
            before = _TellsRow(answers)
        progress = _Progress(answers)
        try:
            outcome = embedder.embed(
                order["shard"],
                generation=order["generation"],
                poisoned={int(row): number for row, number in order["poisoned"].items()},
                before=before,
                progress=progress,
            )
        except SiglipError as error:
            progress.flush()
            say(answers, error=error.message, hint=error.hint)
            continue
        progress.flush()
        size = _resident_bytes()
        if not outcome.already:  # with which the model was loaded
            done += 1
            first_size = first_size or size
        last = done == MOST_SHARDS or (done > 0 and size > first_size + MOST_GROWTH)
        say(answers, outcome=asdict(outcome), last=last)
        if last:
            return


class _TellsRow:
    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers

    def __call__(self, row: int) -> None:
        say(self._answers, row=row)


class _Progress:
    """Tells now and then, not of every picture."""

    def __init__(self, answers: IO[str]) -> None:
        self._answers = answers
        self._rows = 0
        self._bytes = 0
        self._told = time.monotonic()

    def __call__(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        if time.monotonic() - self._told >= _PROGRESS_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._rows > 0:
            say(self._answers, rows=self._rows, bytes=self._bytes)
        self._rows = self._bytes = 0
        self._told = time.monotonic()


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
