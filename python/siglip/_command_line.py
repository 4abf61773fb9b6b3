"""The program `siglip`."""

import sys

_WHAT_BULK_NEEDS = ("pyarrow", "obstore")


def main() -> int:
    """Runs it with the arguments of this process.

    Returns
    -------
    int
        The exit status.
    """
    if sys.argv[1:2] == ["bulk"]:
        return _bulk(sys.argv[2:])
    from . import _siglip
    from .transport import send

    sys.stdout.flush()
    return _siglip.command_line(["siglip", *sys.argv[1:]], send)


def _bulk(arguments: list[str]) -> int:
    try:
        from .bulk.command_line import main as bulk
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _WHAT_BULK_NEEDS:
            raise
        advice = 'install what it needs: pip install "siglip[bulk]"'
        print(f"siglip: siglip bulk cannot import {missing} ({advice})", file=sys.stderr)
        return 1
    return bulk(arguments)
