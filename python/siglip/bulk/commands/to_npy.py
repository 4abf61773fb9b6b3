"""`siglip bulk to-npy`."""

from __future__ import annotations

import argparse

from ..ingest.npy import to_npy
from ..options import parse_options
from .ingestion import Lines, add_job

HELP = "write the results of a job as an array of numpy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Writes the embeddings of a job as PREFIX.npy, [n, D] in the type of the job, and PREFIX.npy.names.txt with "
        "a name per row, as `siglip embed` does. Both appear whole or not at all; repeated, it makes both anew. "
        "Exit status 4: the job is incomplete."
    )
    add_job(parser)
    parser.add_argument("prefix", metavar="PREFIX", help="of the two files")


def execute(arguments: argparse.Namespace) -> int:
    lines = Lines("to-npy")
    options = parse_options(arguments.output_option)
    return lines.finish(
        to_npy(arguments.output, arguments.prefix, output_options=options, progress=lines)
    )
