"""`siglip bulk script`."""

from __future__ import annotations

import argparse

from ..options import parse_options
from ..scripts import MOST_TASKS, make_script
from .ingestion import add_job

HELP = "print the file that Slurm, Kubernetes or GNU parallel runs a job with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prints a file that runs a planned job: sbatch FILE, kubectl apply -f FILE or bash FILE. "
        "What only you know is marked in it with CHANGE. Running it again is safe at any time: "
        "what is done is passed over."
    )
    parser.add_argument("scheduler", choices=("slurm", "k8s", "parallel"))
    add_job(parser)
    parser.add_argument(
        "--tasks",
        type=int,
        metavar="N",
        help=f"parts of the job, 1 to {MOST_TASKS} (so many that each worker has a shard)",
    )
    parser.add_argument(
        "--workers", type=int, default=8, metavar="N", help="processes and cores of a task (8)"
    )


def execute(arguments: argparse.Namespace) -> int:
    print(
        make_script(
            arguments.scheduler,
            arguments.output,
            tasks=arguments.tasks,
            workers=arguments.workers,
            output_options=parse_options(arguments.output_option),
        ),
        end="",
    )
    return 0
