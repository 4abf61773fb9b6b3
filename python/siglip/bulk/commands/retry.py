"""siglip bulk retry"""

from __future__ import annotations

import argparse

from ..retry import retry
from .job_arguments import add_job_arguments, add_quiet, add_workers, output_options
from .progress import RunProgress

HELP = "embed shards anew that have damage or failed pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    chosen = parser.add_argument_group("which shards, of those that are done; one at least")
    chosen.add_argument(
        "--damaged",
        action="store_true",
        help="of which a part of the input could not be read, or whose result cannot",
    )
    chosen.add_argument(
        "--status",
        metavar="STATUS,...",
        type=lambda text: text.split(","),
        default=[],
        help="with pictures that failed like this, as siglip bulk status names it: io,not_found",
    )
    add_workers(parser)
    add_quiet(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Exit status: 0 done, 1 a shard has no new result and keeps its former one, 3 pictures failed again."""
    with RunProgress(arguments.output, quiet=arguments.quiet) as progress:
        summary = retry(
            arguments.output,
            damaged=arguments.damaged,
            statuses=arguments.status,
            output_options=output_options(arguments),
            workers=arguments.workers,
            listener=progress,
        )
        progress.finish()
    return summary.exit_status
