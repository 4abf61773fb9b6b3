"""The program `siglip bulk`."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from ..errors import SiglipError

NOTHING_DONE = 1
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
READER_GONE = 128 + signal.SIGPIPE

_COMMANDS = {
    "plan": "plan",
    "run": "run",
    "embed-shard": "embed_shard",
    "task": "task",
    "script": "script",
    "status": "status",
    "verify": "verify",
    "retry": "retry",
    "clean": "clean",
    "to-npy": "to_npy",
    "to-lance": "to_lance",
    "to-qdrant": "to_qdrant",
    "to-index": "to_index",
}
_DESCRIPTION = """Pictures by the million: shards of any input (folders, tars, Parquet; here or in an object store) into
Parquet, by whatever starts processes. It may be killed anywhere and started again."""
_EPILOG = """siglip bulk COMMAND --help explains a command.

  siglip bulk plan photos/ --output out --model google/siglip2-base-patch16-224 --precision int8
  siglip bulk run out
  siglip bulk status out

Exit status: 0 all done, 1 nothing done or shards without a result, 2 wrong usage, 3 done, but pictures failed or
inputs are damaged, 4 not yet complete (status), 130 interrupted (Ctrl-C), 143 terminated."""


class _Terminated(BaseException):
    """SIGTERM came."""


def program() -> int:
    """Runs it with the arguments of this process."""
    return main(sys.argv[1:])


def main(arguments: Sequence[str]) -> int:
    """Runs `siglip bulk` with these arguments.

    Returns
    -------
    int
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="siglip bulk",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only what is asked for: each command imports much that the others do not need.
    asked = [name for name in arguments[:1] if name in _COMMANDS]
    for name, module_name in _COMMANDS.items():
        if asked and name not in asked:
            continue
        module = importlib.import_module(f".commands.{module_name}", __package__)
        subparser = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.HELP[0].upper() + module.HELP[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(execute=module.execute, parser=subparser)
    try:
        if not arguments:
            parser.print_help()
            return 0
        parsed, unknown = parser.parse_known_args(arguments)
        if unknown:  # told with the usage of the command
            parsed.parser.error(f"unknown arguments: {' '.join(unknown)}")
    except SystemExit as end:  # after help or a complaint
        return int(end.code or 0)
    return _execute(parsed)


def _execute(parsed: argparse.Namespace) -> int:
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = int(parsed.execute(parsed))
        sys.stdout.flush()
        return status
    except SiglipError as error:
        print(f"siglip bulk {parsed.command}: {error}", file=sys.stderr)
        return NOTHING_DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except _Terminated:
        return TERMINATED
    except BrokenPipeError:
        # What is still to be written has no reader; at its end Python would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return READER_GONE
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


if __name__ == "__main__":
    sys.exit(program())
