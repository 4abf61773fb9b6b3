"""siglip bulk verify"""

from __future__ import annotations

import argparse

from ..reembed import Reembedder
from ..verify import Checked, choose_rows, verify
from .job_arguments import add_job_arguments, fraction, open_output, output_options

HELP = "read results in full and compare them with what the job says, and with the input"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument(
        "--sample",
        type=fraction,
        default=1.0,
        metavar="FRACTION",
        help="of the results, evenly chosen: 0.01 reads every hundredth; default: all",
    )
    parser.add_argument(
        "--reembed",
        type=fraction,
        metavar="FRACTION",
        help="of their rows, evenly chosen: computed again from the input, which must give the same bits",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Exit status: 0 all good, 1 something is wrong: a line for each."""
    good: list[Checked] = []
    checked = bad = 0
    for each in verify(open_output(arguments), sample=arguments.sample):
        checked += 1
        if each.problems:
            bad += 1
            _print_problems(each)
        elif arguments.reembed is not None:
            good.append(each)
    print(f"{checked:,} results read, {bad:,} bad")
    if good:
        bad += _reembed(arguments, good)
    return 1 if bad else 0


def _reembed(arguments: argparse.Namespace, good: list[Checked]) -> int:
    """Returns how many are bad."""
    reembedder = Reembedder(arguments.output, output_options=output_options(arguments))
    compared = others = bad = 0
    counts = [0 if each.footer is None else each.footer.rows for each in good]
    for each, rows in zip(good, choose_rows(counts, arguments.reembed), strict=True):
        if not rows or each.footer is None:
            continue
        if not reembedder.can_compare(each.footer):
            others += 1
            continue
        problems = reembedder.compare(each.result, rows)
        compared += len(rows)
        if problems:
            bad += 1
            _print_problems(Checked(each.result, each.footer, tuple(problems)))
    print(f"{compared:,} rows computed again, in {bad:,} results something differs")
    if others:
        print(f"{others:,} results not compared: of another class of instruction sets")
    return bad


def _print_problems(checked: Checked) -> None:
    for problem in checked.problems:
        print(f"bad: {checked.result.path}: {problem}")
