#!/usr/bin/env python3
"""Makes libraries that stand in for others which decoding never calls.

    scripts/make_stand_ins.py FOLDER

libavif and libheif of Debian are linked with encoders, one of them under the GPL, and libtiff with JBIG-KIT,
also under the GPL. A package that decodes has no use for them, but the linker wants their functions. Each
library gets one of the same soname with the functions that are asked for and nothing in them:

- encoders end the process, as nothing calls them; when asked for their version, as is done when a library
  is loaded, they answer with none;
- JBIG-KIT fails, so that a TIFF picture compressed with JBIG is one that cannot be read.

FOLDER is made; it is to be searched for libraries before the system's own.
"""

import argparse
import sys
from pathlib import Path

from system_libraries import path_of, run

# soname -> who asks for it.
ENCODERS = {
    "libx265.so.199": "libheif.so.1",
    "libaom.so.3": "libheif.so.1 libavif.so.15",
    "librav1e.so.0": "libavif.so.15",
    "libSvtAv1Enc.so.1": "libavif.so.15",
    "libgav1.so.1": "libavif.so.15",
}
JBIG = {"libjbig.so.0": "libtiff.so.6"}

# What libtiff calls for a picture with JBIG: it tells of the failure in the words of jbg_strerror.
JBIG_FUNCTIONS = {
    "jbg_dec_in": 'int jbg_dec_in(void) { return 1; }',
    "jbg_strerror": 'const char* jbg_strerror(void) { return "JBIG is not part of this package"; }',
    "jbg_dec_init": "void jbg_dec_init(void) {}",
    "jbg_dec_free": "void jbg_dec_free(void) {}",
    "jbg_newlen": "int jbg_newlen(void) { return 0; }",
}


def library(soname):
    path = path_of(soname)
    if not path.exists():
        sys.exit(f"make_stand_ins: {soname} is not installed")
    return path


def symbols(path, *, undefined):
    """Functions that a library asks for, or that it has. Throws for anything but functions."""
    names = set()
    for line in run("nm", "--dynamic", "--undefined-only" if undefined else "--defined-only", str(path)).splitlines():
        kind, name = line.split()[-2:]
        if undefined or kind in "TWi":
            names.add(name.partition("@")[0])
    return names


def source(soname, users):
    """C with the functions of `soname` that `users` ask for."""
    asked = set().union(*(symbols(library(user), undefined=True) for user in users.split()))
    functions = sorted(asked & symbols(library(soname), undefined=False))
    if not functions:
        sys.exit(f"make_stand_ins: {users} asks {soname} for nothing: it needs no stand-in")
    lines = [f"/* Stands in for {soname}, which decoding never calls. */"]
    for name in functions:
        if soname in JBIG and name in JBIG_FUNCTIONS:
            lines.append(JBIG_FUNCTIONS[name])
        elif "version" in name.lower():
            lines.append(f"const char* {name}(void) {{ return 0; }}")
        else:
            lines.append(f"void {name}(void) {{ __builtin_trap(); }}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Makes libraries that stand in for encoders.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for soname, users in {**ENCODERS, **JBIG}.items():
        code = folder / f"{soname}.c"
        code.write_text(source(soname, users), encoding="utf-8")
        # Built-in functions have other types than these, which nobody looks at.
        run("cc", "-shared", "-fPIC", "-fno-builtin", "-Os", "-s", f"-Wl,-soname,{soname}",
            "-Wl,-z,noexecstack", "-o", str(folder / soname), str(code))
    return 0


if __name__ == "__main__":
    sys.exit(main())
