"""siglip bulk to-lance"""

from __future__ import annotations

import argparse

from .ingestion import ingest, require
from .job_arguments import add_job_arguments

HELP = "add the results of a job to a table of Lance, which LanceDB opens"
_EPILOG = """Only rows that have an embedding. Repeated, it adds the shards that the table lacks and nothing twice, also
after it was killed; shards that `retry` made anew take the place of the older ones. Only one at a time may write to a
table. Needs pip install pylance. Exit status 4: not all shards have a result yet.

  siglip bulk to-lance out photos.lance"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument("table", metavar="DIR", help="the table, made where there is none")
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    require("lance", "pylance")
    from ..ingest.lance import to_lance

    return ingest(arguments, to_lance, arguments.table)
