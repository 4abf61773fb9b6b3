"""siglip bulk embed-shard"""

from __future__ import annotations

import argparse

from ..worker import ShardEmbedder
from .job_arguments import add_job_arguments, add_quiet, output_options
from .progress import describe_outcome

HELP = "embed one shard with all cores of this machine, unless it is done"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument(
        "--shard", metavar="N", type=int, required=True, help="its number in the plan, from 0"
    )
    parser.add_argument(
        "--threads", metavar="N", type=int, help="default: as many as this process may use"
    )
    add_quiet(parser)


def execute(arguments: argparse.Namespace) -> int:
    embedder = ShardEmbedder(
        arguments.output, output_options=output_options(arguments), threads=arguments.threads
    )
    outcome = embedder.embed(arguments.shard)
    if not arguments.quiet:
        print(describe_outcome(outcome))
    return 3 if outcome.failed > 0 or outcome.damaged else 0
