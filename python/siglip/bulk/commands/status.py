"""siglip bulk status"""

from __future__ import annotations

import argparse
import shutil
import sys
import time

from ..status import INCOMPLETE, StatusReader, format_status
from .job_arguments import add_job_arguments, open_output

HELP = "how far a job is: done, failed, time left"

_PAUSE = 10.0  # seconds
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument(
        "--watch", action="store_true", help="again every 10 seconds, until the job is complete"
    )
    parser.add_argument(
        "--deep", action="store_true", help="open all results, however many: counts are exact"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Exit status: 0 complete, 3 complete with failed pictures or damage, 4 incomplete."""
    reader = StatusReader(open_output(arguments), deep=arguments.deep)
    if arguments.watch:
        return _watch(reader)
    status = reader.read()
    print(status.to_json() if arguments.json else format_status(status, _columns()))
    return status.exit_status


def _watch(reader: StatusReader) -> int:
    clear = _CLEAR if sys.stdout.isatty() else ""
    while True:
        status = reader.read()
        print(clear + format_status(status, _columns()), flush=True)
        if status.exit_status != INCOMPLETE:
            return status.exit_status
        time.sleep(_PAUSE)


def _columns() -> int:
    return shutil.get_terminal_size().columns
