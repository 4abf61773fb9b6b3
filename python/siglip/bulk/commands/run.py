"""siglip bulk run"""

from __future__ import annotations

import argparse

from ..run import run
from .job_arguments import add_job_arguments, add_quiet, add_workers, output_options
from .progress import RunProgress

HELP = "embed all shards that have no result yet, by processes of this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    add_workers(parser)
    add_quiet(parser)


def execute(arguments: argparse.Namespace) -> int:
    return run_shown(arguments, 0, 1)


def run_shown(arguments: argparse.Namespace, index: int, of: int) -> int:
    """Runs, and shows how far it is; returns the exit status."""
    with RunProgress(arguments.output, quiet=arguments.quiet) as progress:
        summary = run(
            arguments.output,
            output_options=output_options(arguments),
            workers=arguments.workers,
            index=index,
            of=of,
            listener=progress,
        )
        progress.finish()
    return summary.exit_status
