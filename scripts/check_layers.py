#!/usr/bin/env python3
"""Checks that every #include respects the layers of the project.

    scripts/check_layers.py [--root FOLDER] [--self-contained]

What layers there are, what each may use and which public headers it defines is said by the calls of
siglip_layer() in src/*/CMakeLists.txt; the table in ARCHITECTURE.md must say the same. Violations are
listed as "file:line: what is wrong", and the exit status is 1. With --self-contained every public
header is also compiled alone.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

# codec -> how its headers begin; each codec is known to one file of src/image.
CODEC_HEADERS = {
    "libjpeg": ("jpeglib.h", "jerror.h", "jmorecfg.h", "turbojpeg.h"),
    "libpng": ("png.h", "pngconf.h"),
    "libwebp": ("webp/",),
    "giflib": ("gif_lib.h",),
    "libtiff": ("tiffio.h", "tiff.h"),
    "liblcms2": ("lcms2.h", "lcms2_plugin.h"),
    "libavif": ("avif/",),
    "libheif": ("libheif/",),
}

# codec -> the one file that writes with it: a program's, since the library writes no pictures.
CODEC_WRITERS = {"libjpeg": "apps/common/jpeg_writer.cc"}

# how a library's headers begin -> the one file that knows it.
ONLY_USERS = {
    "curl/": "src/hub/curl_transport.cc",
    "sentencepiece_": "src/text/sentencepiece_model.cc",
    "sqlite3.h": "src/index/database.cc",
    "xxhash.h": "src/index/content_hash.cc",
}

# Boost costs seconds per file that includes it.
BOOST_USERS = re.compile(r"apps/server/http/http_\w+\.cc")

INTRINSICS = re.compile(r"(\w*intrin|arm_\w+)\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
CMAKE_COMMENT = re.compile(r"#.*")
CMAKE_LAYER = re.compile(r"siglip_layer\(\s*(\w+)([^)]*)\)")
CMAKE_KEYWORD = re.compile(r"\b(PROGRAMS_ONLY|SOURCES|HEADERS|DEPENDS|LIBRARIES)\b")
TABLE_ROW = re.compile(r"\| `(\w+)` \|.*\| (.*) \|$")

PUBLIC = Path("include/siglip")
# Public headers of no layer: they include others, and nothing else.
COLLECTIONS = ("siglip.hpp", "transformers.hpp")
CHECKED_FOLDERS = ("include", "src", "apps", "bench", "fuzz", "examples", "tests")
# Programs as users write them, with the public headers; those in apps/ also know layers that are made
# for programs.
PUBLIC_ONLY = ("apps", "examples")


class Layers:
    """What the calls of siglip_layer() say, and what is wrong with them."""

    def __init__(self, root):
        self.depends = {}  # layer -> the layers directly below it
        self.owners = {}  # public header -> the layer that defines most of it
        self.programs_only = set()  # layers that are linked by programs of this project only
        self.places = {}  # layer -> its CMake file and line
        self.violations = []
        for path in sorted(root.glob("src/*/CMakeLists.txt")):
            self.read(path, path.relative_to(root))
        self.check()

    def read(self, path, relative):
        text = CMAKE_COMMENT.sub("", path.read_text(encoding="utf-8"))
        for match in CMAKE_LAYER.finditer(text):
            layer = match[1]
            self.places[layer] = f"{relative.as_posix()}:{text.count(chr(10), 0, match.start()) + 1}"
            if layer != relative.parts[1]:
                self.report(layer, f"layer {layer} is not in a folder of its name")
            pieces = CMAKE_KEYWORD.split(match[2])
            said = {key: value.split() for key, value in zip(pieces[1::2], pieces[2::2])}
            self.depends[layer] = said.get("DEPENDS", [])
            if "PROGRAMS_ONLY" in said:
                self.programs_only.add(layer)
            for header in said.get("HEADERS", []):
                if header in self.owners:
                    self.report(layer, f"{header} is of layer {self.owners[header]} already")
                self.owners[header] = layer

    def report(self, layer, message):
        self.violations.append(f"{self.places[layer]}: {message}")

    def check(self):
        """Layers depend on layers that exist, and never on themselves by a detour."""
        for layer, depends in self.depends.items():
            for other in depends:
                if other not in self.depends:
                    self.report(layer, f"layer {layer} depends on {other}, which is none")
                elif layer in self.below(other):
                    self.report(layer, f"layer {layer} depends on {other}, which is above it")

    def below(self, layer, found=None):
        """The layers that `layer` may include: itself and all below it."""
        found = set() if found is None else found
        if layer not in found:
            found.add(layer)
            for lower in self.depends.get(layer, []):
                self.below(lower, found)
        return found


def includes_of(path):
    """(line number, what is included) for every #include of a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def owner_of(layers, header):
    """The layer a header belongs to, or None for one of the system or of the same program."""
    folder, _, rest = header.partition("/")
    if folder == "siglip":
        return layers.owners.get(rest)
    return folder if rest and folder in layers.depends else None


def check_layer_order(layers, relative, header):
    """No include goes upward, and programs of users see public headers only."""
    place = relative.parts[0]
    folder = header.partition("/")[0]
    owner = owner_of(layers, header)
    if folder == "siglip" and owner is None and header.partition("/")[2] not in COLLECTIONS:
        return f"<{header}> is no public header that a layer names in its HEADERS"
    if owner is None:
        return None
    if place == "include":
        layer = layers.owners.get(relative.relative_to(PUBLIC).as_posix())
        if folder != "siglip":
            return f"a public header includes the private {header}"
    elif place == "src":
        layer = relative.parts[1]
    else:
        allowed = ["siglip"] + (sorted(layers.programs_only) if place == "apps" else [])
        if place in PUBLIC_ONLY and folder not in allowed:
            names = " and ".join(f"{name}/*.h{'pp' * (name == 'siglip')}" for name in allowed)
            return f"{place}/ may include only {names}, not the private {header}"
        return None
    if layer in layers.depends and owner not in layers.below(layer):
        return f"layer {layer} includes {header} of layer {owner}, which is not below it"
    return None


def check_third_party(relative, header):
    """JSON, intrinsics and libraries with one user stay where they belong."""
    for beginning, user in ONLY_USERS.items():
        if header.startswith(beginning) and relative.as_posix() != user:
            return f"{header} is for {user} only"
    if header.startswith("boost/") and not BOOST_USERS.fullmatch(relative.as_posix()):
        return f"{header} is for apps/server/http/http_*.cc only"
    if header.startswith("nlohmann/"):
        if relative.parts[0] == "include":
            return "a public header includes a JSON library"
        if relative.parts[0] == "src" and relative.as_posix() != "src/base/json.h":
            return "JSON is included through base/json.h only"
    if INTRINSICS.fullmatch(header) and "isa" not in relative.parts[:-1]:
        return f"intrinsics ({header}) are for files in a folder isa/ only"
    return None


def check_isa(relative, header):
    """Files compiled for one instruction set share no inline function with others: the linker keeps
    one copy of it, maybe the one that not every CPU can run."""
    if relative.parts[-2] == "isa" and "." not in header.rpartition("/")[2]:
        return f"files in isa/ include C headers only, not <{header}>"
    return None


def check_c_header(relative, header):
    """Public headers of C can be read by a compiler of C."""
    if relative.parts[0] == "include" and relative.suffix == ".h" and not header.endswith(".h"):
        return f"a header of C includes headers of C only, not <{header}>"
    return None


def codec_of(header):
    """The codec library a header belongs to, if any."""
    for codec, beginnings in CODEC_HEADERS.items():
        if any(header == b or (b.endswith("/") and header.startswith(b)) for b in beginnings):
            return codec
    return None


class Checker:
    def __init__(self, root):
        self.root = root
        self.layers = Layers(root)
        self.violations = self.layers.violations
        self.codec_users = {}  # codec -> the file that includes it

    def report(self, relative, line, message):
        self.violations.append(f"{relative.as_posix()}:{line}: {message}")

    def check_codec(self, relative, line, header):
        codec = codec_of(header)
        if codec is None or relative.name.endswith("_test.cc"):  # a test may write odd files
            return
        if relative.as_posix() == CODEC_WRITERS.get(codec):
            return
        if relative.parts[:2] != ("src", "image"):
            self.report(relative, line, f"{header} ({codec}) is for src/image only")
            return
        first = self.codec_users.setdefault(codec, relative)
        if first != relative:
            self.report(relative, line,
                        f"{header}: {codec} is included by {first.as_posix()} already")

    def check_file(self, path):
        relative = path.relative_to(self.root)
        if relative.parts[0] == "src" and (len(relative.parts) < 3
                                           or relative.parts[1] not in self.layers.depends):
            self.report(relative, 1, "in no layer: siglip_layer() is not called for it")
        if relative.parts[0] == "include":
            header = relative.relative_to(PUBLIC).as_posix()
            if header not in self.layers.owners and header not in COLLECTIONS:
                self.report(relative, 1, "a public header that no layer names in its HEADERS")
        for line, header in includes_of(path):
            if ".." in header.split("/"):
                self.report(relative, line, f"'..' in an include: {header}")
            for message in (check_layer_order(self.layers, relative, header),
                            check_third_party(relative, header),
                            check_isa(relative, header),
                            check_c_header(relative, header)):
                if message:
                    self.report(relative, line, message)
            self.check_codec(relative, line, header)

    def check_table(self):
        """The table in ARCHITECTURE.md says what CMake says."""
        path = self.root / "ARCHITECTURE.md"
        lines = path.read_text(encoding="utf-8").splitlines()
        begin = next((n for n, line in enumerate(lines) if line.startswith("| layer |")), len(lines))
        told = set()
        for number, line in enumerate(lines[begin + 2:], start=begin + 3):
            match = TABLE_ROW.match(line)
            if not match:
                break
            layer = match[1]
            told.add(layer)
            depends = set(re.findall(r"`(\w+)`", match[2]))
            if layer not in self.layers.depends:
                self.report(path.relative_to(self.root), number, f"there is no layer {layer}")
            elif depends != set(self.layers.depends[layer]):
                self.report(path.relative_to(self.root), number,
                            f"layer {layer} may use {', '.join(self.layers.depends[layer]) or '-'}")
        for layer in sorted(set(self.layers.depends) - told):
            self.report(path.relative_to(self.root), begin + 1, f"layer {layer} is not in the table")

    def check_self_contained(self, cpp_compiler, c_compiler):
        """Every public header compiles with nothing included before it, that of C as C99, too."""
        for path in sorted((self.root / "include").rglob("*.h*")):
            self.compile_alone(path, cpp_compiler, "c++", "-std=c++20")
            if path.suffix == ".h":
                self.compile_alone(path, c_compiler, "c", "-std=c99", "-pedantic")

    def compile_alone(self, path, compiler, language, *options):
        include = self.root / "include"
        result = subprocess.run(
            [compiler, *options, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
             "-I", str(include), "-x", language, "-"],
            input=f'#include "{path.relative_to(include).as_posix()}"\n',
            capture_output=True, text=True, check=False)
        if result.returncode != 0:
            self.report(path.relative_to(self.root), 1,
                        f"does not compile alone as {language}:\n" + result.stderr.rstrip())

    def run(self):
        for folder in CHECKED_FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in (".h", ".hpp", ".c", ".cc", ".inc") and path.is_file():
                    self.check_file(path)
        self.check_table()
        return self.violations


def main():
    parser = argparse.ArgumentParser(description="Checks that includes respect the layers.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the project (default: the one this script lies in)")
    parser.add_argument("--self-contained", action="store_true",
                        help="also compile every public header alone, with $CXX or g++ and $CC or gcc")
    arguments = parser.parse_args()

    checker = Checker(arguments.root.resolve())
    checker.run()
    if arguments.self_contained:
        checker.check_self_contained(os.environ.get("CXX", "g++"), os.environ.get("CC", "gcc"))
    for violation in checker.violations:
        print(violation)
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main())
