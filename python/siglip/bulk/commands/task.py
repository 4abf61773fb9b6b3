"""siglip bulk task"""

from __future__ import annotations

import argparse
import os

from ...errors import InvalidArgument
from .job_arguments import add_job_arguments, add_quiet, add_workers
from .run import run_shown

HELP = "embed a part of the shards: one task of a Slurm array, a Kubernetes job, GNU parallel"
_EPILOG = """The shards are those whose number leaves the rest I when divided by N. Tasks need not run at the same time,
nor only once; what is done is not done again.

  siglip bulk task out --index 3 --of 100"""
_VARIABLES = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument(
        "--index",
        metavar="I",
        type=int,
        help=f"which task this is, from 0; default: {', '.join(_VARIABLES)} in the environment",
    )
    parser.add_argument("--of", metavar="N", type=int, required=True, help="how many there are")
    add_workers(parser)
    add_quiet(parser)
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    index = arguments.index
    if index is None:
        index = _index_of_environment()
    return run_shown(arguments, index, arguments.of)


def _index_of_environment() -> int:
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        if value.isascii() and value.isdigit():
            return int(value)
    raise InvalidArgument(
        f"index: expected --index or a number in one of {', '.join(_VARIABLES)}, found neither"
    )
