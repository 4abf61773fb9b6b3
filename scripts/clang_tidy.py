#!/usr/bin/env python3
"""Runs clang-tidy over the library and the programs, with the commands of the fuzz build.

    scripts/clang_tidy.py [--build FOLDER]

Most of clang-tidy's time goes into the headers of the standard library. So files of one target are
looked at together, included one after the other; those that do not compile together, as two may have
functions of one name to themselves, are parted until they do. Exit status 1 when anything is found.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_FILES = 25
CHECKED = re.compile(r"(src|apps)/(?!.*(_test\.cc$|/isa/))")
# Of a command, what belongs to one file, and precompiled headers, which are of no use here.
OF_ONE_FILE = re.compile(r" -o \S+| -c \S+| -M[DTF]( \S+)?| -Winvalid-pch"
                         r"| -Xclang -include(-pch)? -Xclang \S+")


def commands(build):
    """(folder, compiler and options) -> files, in the order of the build."""
    groups = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        file = Path(entry["directory"], entry["file"])
        if file.is_relative_to(ROOT) and CHECKED.match(file.relative_to(ROOT).as_posix()):
            command = OF_ONE_FILE.sub("", entry["command"])
            groups.setdefault((entry["directory"], command), []).append(file)
    return groups


def check(directory, command, files, scratch):
    """What clang-tidy says of files; empty if nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc", dir=scratch, encoding="utf-8") as together:
        together.writelines(f'#include "{file}"\n' for file in files)
        together.flush()
        result = subprocess.run(
            ["clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
             "--checks=-bugprone-suspicious-include", together.name, "--", *shlex.split(command)[1:]],
            cwd=directory, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    if len(files) > 1 and "[clang-diagnostic-error]" in result.stdout:
        middle = len(files) // 2
        return "".join(check(directory, command, part, scratch)
                       for part in (files[:middle], files[middle:]))
    return result.stdout or result.stderr or f"clang-tidy failed: {files}\n"


def main():
    parser = argparse.ArgumentParser(description="Runs clang-tidy over the library and the programs.")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "fuzz",
                        help="a build by clang (default: build/fuzz)")
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = []
        for (directory, command), files in commands(build).items():
            count = -(-len(files) // MOST_FILES)
            runs += [pool.submit(check, directory, command, files[part::count], scratch)
                     for part in range(count)]
        found = "".join(run.result() for run in runs)
    print(found, end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
