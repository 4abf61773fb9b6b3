#!/usr/bin/env python3
"""Adds to a wheel what the libraries in it ask of those who hand them on.

    scripts/wheel_licences.py FOLDER STAND_INS

FOLDER is an unpacked wheel that auditwheel has put libraries into, STAND_INS the folder of
scripts/make_stand_ins.py. For each library, also those that are compiled in, the copyright file of its Debian
package goes into the wheel, and a page names library, package, version and where its source code is. What auditwheel
cannot see is listed in a bill of materials beside its own.
"""

import argparse
import importlib.metadata
import json
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from make_stand_ins import PARTS_FILE
from system_libraries import SYSROOT, package_of, path_of

PAGE = """Libraries in this package

siglip itself is under the Apache licence 2.0. The libraries beside it in siglip.libs/ are those of Debian 12,
unchanged but for the names they are found by; they are separate files, so that each can be replaced. The licences of
all that is named here are in the folder third-party. The source code of each is what Debian keeps for the package
and version: https://snapshot.debian.org/package/SOURCE/VERSION/

{rows}

Linked from the static libraries of these packages, without their encoders:
{decoders}

Compiled into siglip/_siglip.abi3.so:
{compiled}

Made for this package, with nothing of the libraries they are named after:
{stand_ins}
"""

# What the module is made of besides siglip: a static library, or a header.
COMPILED_IN = {
    "SQLite": lambda: path_of("libsqlite3.a"),
    "xxHash": lambda: SYSROOT / "usr/include/xxhash.h",
    "CLI11": lambda: SYSROOT / "usr/include/CLI/CLI.hpp",
    "JSON for Modern C++": lambda: SYSROOT / "usr/include/nlohmann/json.hpp",
}


def original_name(library):
    """"libz-a1b2c3d4.so.1.2.13" -> "libz.so.1.2.13", as auditwheel names copies."""
    return re.sub(r"-[0-9a-f]{8}(?=\.so)", "", library)


class ThirdParty:
    """The folder of licences, and the components of the bill of materials."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.components = []

    def add(self, name, path, *, seen):
        """Returns the line about what `path` is the library or header of. `seen`: auditwheel's bill has it."""
        package, source, version = package_of(path)
        shutil.copy(SYSROOT / f"usr/share/doc/{package}/copyright", self.folder / f"{package}.txt")
        if not seen:
            self._component(package, version, f"pkg:deb/debian/{package}@{quote(version, safe='')}")
        return f"- {name}: package {package}, source {source} {version}"

    def add_nanobind(self):
        """Which is of no Debian package."""
        found = importlib.metadata.distribution("nanobind")
        licence = next(file for file in found.files if file.name == "LICENSE")
        shutil.copy(found.locate_file(licence), self.folder / "nanobind.txt")
        self._component("nanobind", found.version, f"pkg:pypi/nanobind@{found.version}")
        return f"- nanobind {found.version}: package nanobind, https://github.com/wjakob/nanobind"

    def _component(self, name, version, purl):
        self.components.append(
            {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})


def main():
    parser = argparse.ArgumentParser(description="Adds licences of libraries to an unpacked wheel.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("stand_ins", type=Path)
    arguments = parser.parse_args()

    libraries = sorted((arguments.folder / "siglip.libs").iterdir())
    information = next(arguments.folder.glob("*.dist-info"))
    parts = dict(line.split() for line in (arguments.stand_ins / PARTS_FILE).read_text(encoding="utf-8").splitlines())
    stand_ins = {path.name for path in arguments.stand_ins.iterdir()} - parts.keys()
    third_party = ThirdParty(information / "licenses" / "third-party")
    rows, made, decoders = [], [], []
    for library in libraries:
        name = original_name(library.name)
        if name in stand_ins:
            made.append(f"- {library.name}")
        elif name in parts:
            decoders.append(third_party.add(library.name, Path(parts[name]), seen=False))
        else:
            rows.append(third_party.add(library.name, path_of(name), seen=True))
    compiled = [third_party.add(name, path(), seen=False) for name, path in COMPILED_IN.items()]
    compiled.append(third_party.add_nanobind())
    (information / "licenses" / "LIBRARIES.txt").write_text(
        PAGE.format(rows="\n".join(rows), decoders="\n".join(decoders), compiled="\n".join(compiled),
                    stand_ins="\n".join(made)), encoding="utf-8")
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1, "components": third_party.components}
    (information / "sboms" / "compiled-in.cdx.json").write_text(json.dumps(bill), encoding="utf-8")
    print(f"wheel_licences: {len(rows)} libraries, {len(decoders)} decoders, {len(compiled)} compiled in, "
          f"{len(made)} stand-ins")
    return 0


if __name__ == "__main__":
    sys.exit(main())
