#!/usr/bin/env python3
"""Adds to a wheel what the libraries in it ask of those who hand them on.

    scripts/wheel_licences.py FOLDER STAND_INS

FOLDER is an unpacked wheel that auditwheel has put libraries into, STAND_INS the folder of
scripts/make_stand_ins.py. For each library the copyright file of its Debian package goes into the wheel, and
a page names library, package, version and where its source code is.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from system_libraries import path_of, run

PAGE = """Libraries in this package

siglip itself is under the Apache licence 2.0. The libraries beside it in siglip.libs/ are those of Debian 12,
unchanged but for the names they are found by; they are separate files, so that each can be replaced. Their
licences are in the folder third-party. The source code of each is what Debian keeps for the package and version
that are named here: https://snapshot.debian.org/package/SOURCE/VERSION/

{rows}

Made for this package, with nothing of the libraries they are named after:
{stand_ins}
"""


def original_name(library):
    """"libz-a1b2c3d4.so.1.2.13" -> "libz.so.1.2.13", as auditwheel names copies."""
    return re.sub(r"-[0-9a-f]{8}(?=\.so)", "", library)


def package_of(path):
    """The Debian package of a file, its source package and version."""
    # Packages know some files by the folder that /lib is a link to, some by the link.
    for name in (path, Path("/") / path.relative_to("/usr")):
        result = subprocess.run(["dpkg-query", "--search", str(name)], capture_output=True, text=True,
                                check=False)
        if result.returncode == 0:
            package = result.stdout.split(":")[0]
            source = run("dpkg-query", "--show", "--showformat", "${source:Package} ${source:Version}\n", package)
            return (package, *source.splitlines()[0].split())
    sys.exit(f"wheel_licences: {path} is of no package")


def main():
    parser = argparse.ArgumentParser(description="Adds licences of libraries to an unpacked wheel.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("stand_ins", type=Path)
    arguments = parser.parse_args()

    libraries = sorted((arguments.folder / "siglip.libs").iterdir())
    information = next(arguments.folder.glob("*.dist-info")) / "licenses"
    stand_ins = {path.name for path in arguments.stand_ins.iterdir()}
    third_party = information / "third-party"
    third_party.mkdir(parents=True, exist_ok=True)
    rows, made = [], []
    for library in libraries:
        name = original_name(library.name)
        if name in stand_ins:
            made.append(f"- {library.name}")
            continue
        package, source, version = package_of(path_of(name))
        rows.append(f"- {library.name}: package {package}, source {source} {version}")
        shutil.copy(f"/usr/share/doc/{package}/copyright", third_party / f"{package}.txt")
    (information / "LIBRARIES.txt").write_text(
        PAGE.format(rows="\n".join(rows), stand_ins="\n".join(made)), encoding="utf-8")
    print(f"wheel_licences: {len(rows)} libraries, {len(made)} stand-ins")
    return 0


if __name__ == "__main__":
    sys.exit(main())
