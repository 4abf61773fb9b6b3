"""What the commands that take results in elsewhere have in common."""

from __future__ import annotations

import argparse
import sys
import time

from ..ingest.rows import Ingested

_SECONDS_BETWEEN_LINES = 5.0


def add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", metavar="OUT", help="the job")
    parser.add_argument(
        "--output-option",
        action="append",
        default=[],
        metavar="K=V",
        help="how OUT is reached; may be repeated",
    )


class Lines:
    """Tells on standard error how far it is, now and then, and how it ended."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._told = time.monotonic()

    def __call__(self, counts: Ingested) -> None:
        if time.monotonic() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            seen = counts.already + counts.added
            self._say(f"{seen:,} of {counts.shards:,} shards, {counts.rows:,} rows")

    def finish(self, counts: Ingested) -> int:
        """The exit status."""
        text = f"{counts.added:,} shards with {counts.rows:,} rows"
        if counts.already > 0:
            text += f"; {counts.already:,} were there before"
        self._say(text)
        if counts.missing > 0:
            self._say(
                f"{counts.missing:,} shards of the job have no result yet: repeat this when it is done"
            )
        return counts.exit_status

    def _say(self, text: str) -> None:
        print(f"siglip bulk {self._command}: {text}", file=sys.stderr, flush=True)
