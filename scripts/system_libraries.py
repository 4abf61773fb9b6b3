"""Libraries of this system, for the scripts that make the wheel."""

import re
import subprocess
import sys
from pathlib import Path


def run(*command):
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def path_of(name):
    """The file of a library, named by its soname or, as copies are, by its file. It need not be there."""
    listing = run("/sbin/ldconfig", "-p")
    found = re.search(rf"=> (\S*/{re.escape(name)})$", listing, re.MULTILINE)
    if found:
        return Path(found[1]).resolve()
    return (Path(re.search(r"=> (\S+)/libc\.so\.6$", listing, re.MULTILINE)[1]) / name).resolve()


def path_of_archive(name):
    """A static library, which the compiler finds. Ends the program where it is not installed."""
    path = Path(run("cc", f"-print-file-name={name}").strip())
    if not path.is_absolute():
        sys.exit(f"{name} is not installed")
    return path.resolve()
