#!/usr/bin/env python3
"""Checks a Debian package without installing it: files, fields, dependencies.

    scripts/check_deb.py dist/siglip_VERSION_ARCH.deb

What the programs in it need is read out of them by readelf and asked of the system's packages; the package must depend
on these and on nothing else. A package for another architecture is checked in the environment of
scripts/arm_environment.sh.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from system_libraries import package_of, path_of, run, triplet

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r"project\(siglip VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
FIELDS = {"Package": "siglip", "Version": VERSION, "Section": "science", "Recommends": "ca-certificates"}
# LIBRARIES stands for lib/TRIPLET.
FILES = {
    "bin/siglip", "LIBRARIES/libsiglip.so", "LIBRARIES/libsiglip.so.0", f"LIBRARIES/libsiglip.so.{VERSION}",
    "LIBRARIES/pkgconfig/siglip.pc", "LIBRARIES/cmake/siglip/siglip-config.cmake",
    "LIBRARIES/cmake/siglip/siglip-config-version.cmake", "LIBRARIES/cmake/siglip/siglip-targets.cmake",
    "LIBRARIES/cmake/siglip/siglip-targets-release.cmake", "share/doc/siglip/copyright",
    "share/bash-completion/completions/siglip", "share/zsh/site-functions/_siglip",
    "share/fish/vendor_completions.d/siglip.fish", "lib/systemd/user/siglip.service",
}


def needed(program):
    """Names of the libraries that it is linked with."""
    return set(re.findall(r"\(NEEDED\) .*\[(.*)\]", run("readelf", "-d", str(program))))


def problems(package, folder):
    fields = dict(re.findall(r"^([\w-]+): (.*)$", run("dpkg-deb", "--field", package), re.MULTILINE))
    architecture = run("dpkg-architecture", "--query", "DEB_HOST_ARCH").strip()
    for name, expected in {**FIELDS, "Architecture": architecture}.items():
        if fields.get(name) != expected:
            yield f"{name}: expected {expected}, found {fields.get(name)}"
    if "without PyTorch" not in run("dpkg-deb", "--field", package, "Description"):
        yield "Description: it does not say what the package is for"

    run("dpkg-deb", "--extract", package, str(folder))
    libraries = f"lib/{triplet()}"
    expected = {f"usr/{name}".replace("LIBRARIES", libraries) for name in FILES}
    expected |= {f"usr/include/{path.relative_to(ROOT / 'include')}" for path in (ROOT / "include").rglob("*.h*")}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    yield from (f"{name} is missing" for name in sorted(expected - found))
    yield from (f"{name} does not belong there" for name in sorted(found - expected))
    for line in run("dpkg-deb", "--contents", package).splitlines():
        mode, owner = line.split()[:2]
        if owner != "root/root" or mode[0] != "l" and "w" in (mode[5], mode[8]):
            yield f"owner or rights: {line}"

    programs = [folder / "usr/bin/siglip", folder / "usr" / libraries / f"libsiglip.so.{VERSION}"]
    for program in programs:
        if re.search(r"\((RPATH|RUNPATH)\)", run("readelf", "-d", str(program))):
            yield f"{program.name} looks for libraries where it was built"
        if ".symtab" in run("readelf", "-SW", str(program)):
            yield f"{program.name} is not stripped"
    for path in folder.rglob("*"):
        if path.is_file() and str(ROOT).encode() in path.read_bytes():
            yield f"{path.relative_to(folder)} names the folder it was built in"

    depends = {re.match(r" *([^ :]+)", each)[1] for each in fields["Depends"].split(",")}
    wanted = {package_of(path_of(name))[0] for name in set().union(*map(needed, programs))}
    yield from (f"Depends: {name} is missing" for name in sorted(wanted - depends))
    yield from (f"Depends: {name} is not needed" for name in sorted(depends - wanted))
    size = sum(path.stat().st_size for path in (folder / "usr").rglob("*") if not path.is_symlink()) // 1024
    if abs(int(fields["Installed-Size"]) - size) > size // 20:
        yield f"Installed-Size: expected about {size}, found {fields['Installed-Size']}"
    control = folder / "control"
    run("dpkg-deb", "--control", package, str(control))
    if not any("ldconfig" in path.read_text() for path in control.iterdir() if path.name in ("postinst", "triggers")):
        yield "the library is not made known to ldconfig"


def main():
    package = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="siglip-deb-") as folder:
        found = list(problems(package, Path(folder)))
        files = [path for path in Path(folder, "usr").rglob("*") if path.is_file() and not path.is_symlink()]
        sizes = {path.name: path.stat().st_size for path in files if path.parent.name == "bin" or ".so." in path.name}
        sizes["all files"] = sum(path.stat().st_size for path in files)
    for problem in found:
        print(f"check_deb: {problem}", file=sys.stderr)
    if not found:
        print(f"{package}: {os.path.getsize(package)} bytes")
        for name, size in sizes.items():
            print(f"  {name}: {size} bytes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
