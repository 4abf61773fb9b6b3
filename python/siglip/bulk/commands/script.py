"""siglip bulk script"""

from __future__ import annotations

import argparse

from ..scripts import MOST_TASKS, make_script
from .job_arguments import add_job_arguments, output_options

HELP = "print the file with which Slurm, Kubernetes or GNU parallel runs a job"
_EPILOG = """What only you know is marked in the file with CHANGE. Running it again is safe at any time, also beside itself:
what is done is passed over.

  siglip bulk script slurm out > job.sh && sbatch job.sh
  siglip bulk script k8s s3://bucket/out > job.yaml && kubectl apply -f job.yaml
  siglip bulk script parallel out > job.sh && bash job.sh --sshlogin node1,node2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheduler", choices=("slurm", "k8s", "parallel"))
    add_job_arguments(parser)
    parser.add_argument(
        "--tasks",
        type=int,
        metavar="N",
        help=f"parts of the job, 1 to {MOST_TASKS}; default: so many that each worker has a shard",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=8,
        metavar="N",
        help="processes of a task, and cores that it asks for; default: 8",
    )
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    text = make_script(
        arguments.scheduler,
        arguments.output,
        tasks=arguments.tasks,
        workers=arguments.workers,
        output_options=output_options(arguments),
    )
    print(text, end="")
    return 0
