#!/usr/bin/env python3
"""Runs clang-tidy over the library and the programs, with the commands of the fuzz build.

    scripts/clang_tidy.py [--build FOLDER] [FILE...]

Most of clang-tidy's time goes into the headers of the standard library. So it looks at files together
that are compiled together; with a FILE, at those that are compiled with it. Exit status 1 when
anything is found.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKED = re.compile(r"(src|apps)/(?!.*(_test\.cc$|/isa/))")
INCLUDED = re.compile(r'^#include "(.+)"$', re.MULTILINE)


def sources(file):
    """Those that are compiled with a file of the build: those it includes, or the file itself."""
    if file.parent.name != "Unity":
        return [file]
    return [Path(name) for name in INCLUDED.findall(file.read_text(encoding="utf-8"))]


def is_checked(file):
    return file.is_relative_to(ROOT) and CHECKED.match(file.relative_to(ROOT).as_posix())


def check(build, file):
    """What clang-tidy says of a file of the build; empty if nothing."""
    result = subprocess.run(
        ["clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
         "--checks=-bugprone-suspicious-include", "-p", build, file],
        capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    return result.stdout or result.stderr or f"clang-tidy failed: {file}\n"


def main():
    parser = argparse.ArgumentParser(description="Runs clang-tidy over the library and the programs.")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "fuzz",
                        help="a build by clang (default: build/fuzz)")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="all by default")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    wanted = {file.resolve() for file in arguments.files}
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    files = [Path(entry["directory"], entry["file"]) for entry in entries]
    chosen = [file for file in files
              if any(is_checked(source) and (not wanted or source in wanted)
                     for source in sources(file))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = "".join(pool.map(check, itertools.repeat(build), chosen))
    print(found, end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
