"""`siglip bulk to-lance`."""

from __future__ import annotations

import argparse

from ..options import parse_options
from .ingestion import Lines, add_job

HELP = "add the results of a job to a table of Lance"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Adds the rows of a job that have an embedding to a table of Lance, which LanceDB opens. "
        "Repeated, it adds the shards that the table lacks and nothing twice, also after it was killed; "
        "shards that `retry` made anew take the place of the older ones. One at a time may write to a table. "
        "Exit status 4: the job is incomplete. Needs pip install pylance."
    )
    add_job(parser)
    parser.add_argument("table", metavar="DIR", help="the table, such as photos.lance")


def execute(arguments: argparse.Namespace) -> int:
    from ..ingest.lance import to_lance

    lines = Lines("to-lance")
    options = parse_options(arguments.output_option)
    return lines.finish(
        to_lance(arguments.output, arguments.table, output_options=options, progress=lines)
    )
