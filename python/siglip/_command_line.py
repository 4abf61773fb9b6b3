"""The program `siglip`."""

import sys


def main() -> int:
    """Runs it with the arguments of this process.

    Returns
    -------
    int
        The exit status.
    """
    from . import _siglip
    from .transport import send

    sys.stdout.flush()
    return _siglip.command_line(["siglip", *sys.argv[1:]], send)
