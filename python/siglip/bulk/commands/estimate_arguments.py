"""What `siglip bulk plan --estimate` takes and prints."""

from __future__ import annotations

import argparse

from ..estimate import estimate, format_estimate
from .job_arguments import output_options


def add_estimate_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it will take")
    group.add_argument(
        "--estimate",
        action="store_true",
        help="measure with some of the pictures and all cores of this machine, about half a minute",
    )
    group.add_argument(
        "--machines", metavar="N", type=int, default=1, help="that will work; default: 1"
    )
    group.add_argument(
        "--cores", metavar="N", type=int, help="of each machine; default: those of this one"
    )
    group.add_argument(
        "--network", metavar="GBIT", type=float, help="that each machine can read a second"
    )
    group.add_argument("--price", type=float, help="of a core-hour, in any currency")


def print_estimate(arguments: argparse.Namespace) -> None:
    """Of the job at `arguments.output`; writes estimate.json there, too."""
    network = None if arguments.network is None else arguments.network * 1e9 / 8
    told = estimate(
        arguments.output,
        output_options=output_options(arguments),
        machines=arguments.machines,
        cores=arguments.cores,
        network=network,
        price=arguments.price,
    )
    print(format_estimate(told))
