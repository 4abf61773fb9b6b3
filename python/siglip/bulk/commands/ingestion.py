"""What the commands that take results in elsewhere have in common."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

from ...errors import Unsupported
from ..ingest.rows import Ingested
from .job_arguments import output_options

_SECONDS_BETWEEN_LINES = 5.0


def require(module: str, package: str) -> None:
    """Raises Unsupported where it is not installed."""
    if find_spec(module) is None:
        raise Unsupported(f"the package {package} is not installed", f"pip install {package}")


def ingest(arguments: argparse.Namespace, take: Callable[..., Ingested], *places: str) -> int:
    """Takes results in, shows how far that is, and returns the exit status."""
    lines = _Lines()
    options = output_options(arguments)
    return lines.finish(take(arguments.output, *places, output_options=options, progress=lines))


class _Lines:
    """Tells on standard error how far it is, now and then, and how it ended."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, counts: Ingested) -> None:
        if time.monotonic() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            seen = counts.already + counts.added
            _say(f"{seen:,} of {counts.shards:,} shards, {counts.rows:,} rows")

    def finish(self, counts: Ingested) -> int:
        """Returns the exit status."""
        shards = "shard" if counts.added == 1 else "shards"
        text = f"{counts.added:,} {shards} with {counts.rows:,} rows"
        if counts.already > 0:
            text += f", {counts.already:,} shards were there"
        _say(text)
        if counts.missing > 0:
            _say(f"{counts.missing:,} shards have no result yet: repeat this when the job is done")
        return counts.exit_status


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
