"""What processes that others start have in common: how they begin, and lines of JSON as answers."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any

from .options import parse_options

_PR_SET_PDEATHSIG = 1


def start(
    module: str,
    output: str,
    output_options: Mapping[str, str] | None,
    cpu: int | None,
    *words: str,
) -> subprocess.Popen[bytes]:
    """Starts a module of this package that calls `begin`.

    Parameters
    ----------
    output : str
        Where the job lies.
    cpu : int or None
        The one to run on.
    words : str
        Further arguments.
    """
    command = [sys.executable, "-m", f"siglip.bulk.{module}", output, *words]
    command += ["--parent", str(os.getpid())]
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    for name, value in (output_options or {}).items():
        command += ["--output-option", f"{name}={value}"]
    # Arrow's own allocator takes 4 MB before it has given any.
    environment = {"ARROW_DEFAULT_MEMORY_POOL": "system", **os.environ}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )


def make_parser() -> argparse.ArgumentParser:
    """For what `start` hands over, but for further arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--output-option", action="append", default=[])
    parser.add_argument("--cpu", type=int)
    parser.add_argument("--parent", type=int, required=True)
    return parser


def begin(arguments: argparse.Namespace) -> tuple[dict[str, str], IO[str]]:
    """Makes this process die with its parent, and run where it is to.

    Returns
    -------
    dict, text file
        The options of the output, and where answers go.
    """
    _die_with(arguments.parent)
    # Ctrl-C reaches the whole group of processes; what to do about it is the parent's matter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if arguments.cpu is not None:
        os.sched_setaffinity(0, {arguments.cpu})
    # What anybody prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return parse_options(arguments.output_option), answers


def say(answers: IO[str], **fields: Any) -> None:
    answers.write(json.dumps(fields) + "\n")


def _die_with(parent: int) -> None:
    """Nobody waits for what an orphan computes."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
