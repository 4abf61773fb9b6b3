"""siglip bulk clean"""

from __future__ import annotations

import argparse
import re

from ..clean import A_DAY, clean
from .job_arguments import add_job_arguments, open_output

HELP = "remove what killed workers left, and results that later ones took the place of"

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": A_DAY}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument(
        "--older-than",
        type=_duration,
        default=A_DAY,
        metavar="TIME",
        help="of temporary files: 90m, 12h, 1d (default)",
    )
    parser.add_argument(
        "--stray", action="store_true", help="also results of shards that are no longer in the plan"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def execute(arguments: argparse.Namespace) -> int:
    """Exit status 0. Prints a line per file."""
    cleaned = clean(
        open_output(arguments),
        older_than=arguments.older_than,
        stray=arguments.stray,
        dry_run=arguments.dry_run,
    )
    verb = "would remove" if arguments.dry_run else "removed"
    for path in cleaned.paths:
        print(f"{verb} {path}")
    if not cleaned.paths:
        print("nothing to remove")
    return 0


def _duration(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a time such as 90m, 12h or 1d, found {text!r}")
    return float(match[1]) * _SECONDS[match[2]]
