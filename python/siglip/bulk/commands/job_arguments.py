"""What every command on a job takes."""

from __future__ import annotations

import argparse

from ..location import Location
from ..open_location import open_location
from ..options import parse_options


def add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "output", metavar="OUT", help="where the job lies: a folder, s3://bucket/prefix, ..."
    )
    add_output_options(parser)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output-option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="how OUT is reached, where it is no folder: region, endpoint, ...; may be given several times",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes, each with one thread on a core of its own; default: one per core that may be used",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="neither progress nor summary; errors still show"
    )


def output_options(arguments: argparse.Namespace) -> dict[str, str]:
    return parse_options(arguments.output_option)


def open_output(arguments: argparse.Namespace) -> Location:
    return open_location(arguments.output, output_options(arguments))
