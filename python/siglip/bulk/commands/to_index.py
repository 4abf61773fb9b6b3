"""siglip bulk to-index"""

from __future__ import annotations

import argparse

from .ingestion import ingest
from .job_arguments import add_job_arguments

HELP = "add the results of a job to an index of siglip"
_EPILOG = """`siglip search --index INDEX` and `siglip serve` find the pictures and show how they are called; the pictures
themselves are not there. Each input of the job becomes an archive of the index. Repeated, it puts the same pictures in
the place of those called the same: nothing is there twice, also after it was killed. A shard is added whole or not at
all. Exit status 4: not all shards have a result yet.

  siglip bulk to-index out photos.index"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument("index", metavar="INDEX", help="its folder, made where there is none")
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    from ..ingest.index import to_index

    return ingest(arguments, to_index, arguments.index)
