"""siglip bulk to-npy"""

from __future__ import annotations

import argparse

from .ingestion import ingest
from .job_arguments import add_job_arguments

HELP = "write the results of a job as an array of numpy"
_EPILOG = """PREFIX.npy has the embeddings, [n, D] in the type of the job, PREFIX.npy.names.txt a name per row, as those of
`siglip embed`. Both appear whole or not at all. Repeated, it makes both anew. Exit status 4: not all shards have a
result yet.

  siglip bulk to-npy out photos"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument("prefix", metavar="PREFIX", help="of the two files")
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    from ..ingest.npy import to_npy

    return ingest(arguments, to_npy, arguments.prefix)
