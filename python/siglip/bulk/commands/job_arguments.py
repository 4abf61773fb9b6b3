"""What commands on a job have in common."""

from __future__ import annotations

import argparse

from ..location import Location
from ..open_location import open_location
from ..options import parse_options


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", metavar="OUT", help="where the job lies: a folder or an address")
    parser.add_argument(
        "--output-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how OUT is reached: region=..., endpoint=..., anonymous=true; may be repeated",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes, each with one thread on a core of its own; default: one per core that may be used",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="neither progress nor summary; errors still show"
    )


def output_options(arguments: argparse.Namespace) -> dict[str, str]:
    return parse_options(arguments.output_option)


def open_output(arguments: argparse.Namespace) -> Location:
    return open_location(arguments.output, output_options(arguments))


def fraction(text: str) -> float:
    """Above 0, at most 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected above 0, at most 1, found {text}")
    return value
