"""What a person who watches a run sees on standard error."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import TracebackType

from ...errors import SiglipError
from ..figures import format_duration
from ..run import RunListener, RunSummary
from ..worker import Outcome

_DRAW_EVERY = 0.2  # seconds
_PRINT_EVERY = 60.0  # where nobody watches


def describe_outcome(outcome: Outcome) -> str:
    """A line about one shard."""
    if outcome.already and outcome.rows == 0:
        return f"shard {outcome.number}: was done"
    words = [f"shard {outcome.number}: {outcome.rows:,} pictures"]
    if outcome.failed > 0:
        words.append(f"{outcome.failed:,} failed")
    if outcome.damaged:
        words.append("the input is damaged")
    words.append(format_duration(outcome.seconds))
    return ", ".join(words)


class RunProgress(RunListener):
    """Messages, and below them a line with rate and time left where standard error is a terminal.

    Leaving it by an exception says how far the run came.
    """

    def __init__(self, output: str, *, quiet: bool) -> None:
        self._output = output
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet
        self._summary = RunSummary()
        self._bytes_to_do = 0
        self._bytes = 0
        self._rows = 0
        self._begin = self._drawn = time.monotonic()
        self._shown = False
        self._begun = False

    def __enter__(self) -> RunProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()
        if kind is not None and not issubclass(kind, Exception) and self._begun:
            self._print(f"interrupted; {self._shards()} done, the same command goes on")

    def begins(self, todo: Sequence[tuple[int, int]], summary: RunSummary) -> None:
        self._summary = summary
        self._bytes_to_do = sum(size for _, size in todo)
        self._begin = self._drawn = time.monotonic()
        self._begun = True
        if summary.already > 0 and not self._quiet:
            self._print(f"{summary.already:,} of {summary.shards:,} shards were done")

    def advanced(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        self._draw()

    def done(self, outcome: Outcome) -> None:
        if (outcome.failed > 0 or outcome.damaged) and not self._quiet:
            self._print(describe_outcome(outcome))
        self._draw()

    def failed(self, number: int, error: SiglipError) -> None:
        self._print(f"shard {number}: no result: {error}")

    def died(self, number: int | None, signal_number: int, blamed: bool) -> None:
        try:
            name = signal.Signals(signal_number).name
        except ValueError:
            name = f"signal {signal_number}"
        at = "" if number is None else f" at shard {number}, which is done again"
        self._print(f"a worker process died by {name}{at}")

    def finish(self) -> None:
        """Says what became of everything."""
        self._clear()
        if self._quiet:
            return
        summary = self._summary
        seconds = time.monotonic() - self._begin
        words = [f"{self._output}: {self._shards()} done"]
        if summary.rows > 0:
            words.append(f"{summary.rows:,} pictures in {format_duration(seconds)}")
            words.append(f"{summary.rows / max(seconds, 1e-9):,.0f}/s")
        if summary.failed_rows > 0:
            words.append(f"{summary.failed_rows:,} failed")
        if summary.damaged > 0:
            words.append(f"{summary.damaged:,} shards damaged")
        if summary.failed:
            words.append(f"{len(summary.failed):,} without a result")
        self._print(", ".join(words))

    def _shards(self) -> str:
        done = self._summary.already + self._summary.done
        return f"{done:,} of {self._summary.shards:,} shards"

    def _draw(self) -> None:
        now = time.monotonic()
        if self._quiet or now - self._drawn < (_DRAW_EVERY if self._terminal else _PRINT_EVERY):
            return
        self._drawn = now
        if not self._terminal:
            self._print(self._line(1000))
            return
        try:
            columns = os.get_terminal_size(2).columns
        except OSError:
            columns = 80
        sys.stderr.write("\r\x1b[K" + self._line(columns - 1))
        sys.stderr.flush()
        self._shown = True

    def _line(self, columns: int) -> str:
        """As much as fits, the most important first."""
        seconds = time.monotonic() - self._begin
        parts = [self._shards()]
        if self._bytes > 0:
            left = max(0, self._bytes_to_do - self._bytes) * seconds / self._bytes
            parts.append(f"{format_duration(left)} left")
        parts.append(f"{self._rows / max(seconds, 1e-9):,.0f} pictures/s")
        parts.append(f"{self._rows:,} pictures")
        if self._summary.failed_rows > 0:
            parts.append(f"{self._summary.failed_rows:,} failed")
        line = parts[0]
        for part in parts[1:]:
            if len(line) + 2 + len(part) > columns:
                break
            line += ", " + part
        return line[:columns]

    def _print(self, message: str) -> None:
        self._clear()
        print(message, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            self._shown = False
