"""Libraries that packages are made of, and the Debian packages they are from: those of this system, or of the one that
scripts/arm_environment.sh names."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

COMPILER = shlex.split(os.environ.get("CC", "cc"))
SYSROOT = Path(os.environ.get("SYSROOT", "/"))


def run(*command):
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def triplet():
    """The name of the architecture in paths of libraries."""
    return run(*COMPILER, "-print-multiarch").strip()


def path_of(name):
    """The file of a library, named by its soname, by its file, as copies are, or as a static one. Ends the program where
    it is not installed."""
    for folder in (SYSROOT / "usr/lib" / triplet(), SYSROOT / "lib" / triplet()):
        if (folder / name).exists():
            return (folder / name).resolve()
    sys.exit(f"{name} is not installed")


def package_of(path):
    """The Debian package of a file, its source package and version. Ends the program where there is none."""
    names = [path]
    # This system's packages know some files by the folder that /lib is a link to, some by the link.
    if path.is_relative_to("/usr"):
        names.append(Path("/") / path.relative_to("/usr"))
    for name in names:
        result = subprocess.run(["dpkg-query", "--search", str(name)], capture_output=True, text=True, check=False)
        if result.returncode == 0:
            package = result.stdout.split(":")[0]
            source = run("dpkg-query", "--show", "--showformat", "${source:Package} ${source:Version}\n", package)
            return (package, *source.splitlines()[0].split())
    sys.exit(f"{path} is of no package")
