#!/usr/bin/env python3
"""Checks that every #include respects the layers of the project.

    scripts/check_layers.py [--root FOLDER] [--self-contained]

This file holds the table of layers (see ARCHITECTURE.md). Violations are listed as
"file:line: what is wrong", and the exit status is 1. With --self-contained every public header is
also compiled alone.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

# layer -> the layers directly below it; it may include these and whatever lies below them.
LAYERS = {
    "base": [],
    "tensor": ["base"],
    "kernels": ["tensor"],
    "weights": ["tensor"],
    "configuration": ["weights"],
    "model": ["kernels", "configuration"],
    "image": ["tensor"],
    "text": ["weights"],
    "engine": ["model", "image", "text"],
    "hub": ["base"],
    "output": ["weights"],
}

# public header -> the layer that defines most of it.
PUBLIC_HEADERS = {
    "atomic_file.h": "base",
    "error.h": "base",
    "resolution.h": "base",
    "runtime.h": "base",
    "tensor.h": "tensor",
    "vision_inputs.h": "tensor",
    "safetensors.h": "weights",
    "encoder_config.h": "configuration",
    "text_config.h": "configuration",
    "text_model.h": "model",
    "vision_config.h": "configuration",
    "vision_model.h": "model",
    "packed_checkpoint.h": "model",
    "model.h": "model",
    "image_classification.h": "model",
    "projector.h": "model",
    "siglip2_vision_config.h": "configuration",
    "siglip2_vision_model.h": "model",
    "model_info.h": "configuration",
    "convert.h": "configuration",
    "image.h": "image",
    "image_processor.h": "image",
    "picture.h": "image",
    "prepared_picture.h": "image",
    "siglip_image_processor.h": "image",
    "tokenizer.h": "text",
    "siglip2_image_processor.h": "image",
    "engine.h": "engine",
    "fingerprint.h": "engine",
    "hub.h": "hub",
    "zero_shot_classifier.h": "engine",
}

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

# how a library's headers begin -> the one file that knows it.
ONLY_USERS = {
    "curl/": "src/hub/http.cc",
    "openssl/": "src/hub/checksum.cc",
    "sentencepiece_": "src/text/sentencepiece_model.cc",
}

INTRINSICS = re.compile(r"(\w*intrin|arm_\w+)\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
CMAKE_LAYER = re.compile(r"siglip_layer\(\s*(\w+)([^)]*)\)")
CMAKE_KEYWORD = re.compile(r"\b(SOURCES|DEPENDS|LIBRARIES)\b")

CHECKED_FOLDERS = ("include", "src", "apps", "bench", "fuzz", "examples", "tests")
# Programs -> the layers whose headers they may include besides the public ones: those of users have
# nothing else, those of this project link what is not exported.
PROGRAMS = {"apps": ("output",), "examples": ()}


def layers_below(layer):
    """The layers that `layer` may include: itself and all below it."""
    found = {layer}
    for lower in LAYERS[layer]:
        found |= layers_below(lower)
    return found


def includes_of(path):
    """(line number, what is included) for every #include of a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def owner_of(header):
    """The layer a header belongs to, or None for one of the system or of the same program."""
    folder, _, rest = header.partition("/")
    if folder == "siglip":
        return PUBLIC_HEADERS.get(rest)
    return folder if rest and folder in LAYERS else None


def check_layer_order(relative, header):
    """No include goes upward, and programs of users see public headers only."""
    place = relative.parts[0]
    folder = header.partition("/")[0]
    owner = owner_of(header)
    if folder == "siglip" and owner is None:
        return f"<{header}> is no public header that scripts/check_layers.py knows"
    if owner is None:
        return None
    if place == "include":
        layer = PUBLIC_HEADERS.get(relative.name)
        if folder != "siglip":
            return f"a public header includes the private {header}"
    elif place == "src":
        layer = relative.parts[1]
    else:
        if place in PROGRAMS and folder not in ("siglip", *PROGRAMS[place]):
            allowed = " and ".join(f"{name}/*.h" for name in ("siglip", *PROGRAMS[place]))
            return f"{place}/ may include only {allowed}, not the private {header}"
        return None
    if layer in LAYERS and owner not in layers_below(layer):
        return f"layer {layer} includes {header} of layer {owner}, which is not below it"
    return None


def check_third_party(relative, header):
    """JSON, intrinsics and libraries with one user stay where they belong."""
    for beginning, user in ONLY_USERS.items():
        if header.startswith(beginning) and relative.as_posix() != user:
            return f"{header} is for {user} only"
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


def codec_of(header):
    """The codec library a header belongs to, if any."""
    for codec, beginnings in CODEC_HEADERS.items():
        if any(header == b or (b.endswith("/") and header.startswith(b)) for b in beginnings):
            return codec
    return None


class Checker:
    def __init__(self, root):
        self.root = root
        self.violations = []
        self.codec_users = {}  # codec -> the file that includes it

    def report(self, relative, line, message):
        self.violations.append(f"{relative.as_posix()}:{line}: {message}")

    def check_codec(self, relative, line, header):
        codec = codec_of(header)
        if codec is None or relative.name.endswith("_test.cc"):  # a test may write odd files
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
                                           or relative.parts[1] not in LAYERS):
            self.report(relative, 1, "in no layer that scripts/check_layers.py knows")
        if relative.parts[0] == "include" and relative.name not in PUBLIC_HEADERS:
            self.report(relative, 1, "a public header that scripts/check_layers.py does not know")
        for line, header in includes_of(path):
            if ".." in header.split("/"):
                self.report(relative, line, f"'..' in an include: {header}")
            for message in (check_layer_order(relative, header),
                            check_third_party(relative, header),
                            check_isa(relative, header)):
                if message:
                    self.report(relative, line, message)
            self.check_codec(relative, line, header)

    def check_cmake(self, layer):
        """What CMake lets a layer see must not exceed the table above."""
        path = self.root / "src" / layer / "CMakeLists.txt"
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        for match in CMAKE_LAYER.finditer(text):
            pieces = CMAKE_KEYWORD.split(match.group(2))
            depends = pieces[pieces.index("DEPENDS") + 1].split() if "DEPENDS" in pieces else []
            for other in depends:
                if other not in layers_below(layer):
                    line = text.count("\n", 0, match.start()) + 1
                    self.report(path.relative_to(self.root), line,
                                f"layer {layer} depends on {other}, which is not below it")

    def check_self_contained(self, compiler):
        """Every public header compiles with nothing included before it."""
        include = self.root / "include"
        for path in sorted(include.rglob("*.h")):
            result = subprocess.run(
                [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                 "-I", str(include), "-x", "c++", "-"],
                input=f'#include "{path.relative_to(include).as_posix()}"\n',
                capture_output=True, text=True, check=False)
            if result.returncode != 0:
                self.report(path.relative_to(self.root), 1,
                            "does not compile alone:\n" + result.stderr.rstrip())

    def run(self):
        for folder in CHECKED_FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in (".h", ".cc", ".inc") and path.is_file():
                    self.check_file(path)
        for layer in LAYERS:
            self.check_cmake(layer)
        return self.violations


def main():
    parser = argparse.ArgumentParser(description="Checks that includes respect the layers.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the project (default: the one this script lies in)")
    parser.add_argument("--self-contained", action="store_true",
                        help="also compile every public header alone, with $CXX or g++")
    arguments = parser.parse_args()

    checker = Checker(arguments.root.resolve())
    checker.run()
    if arguments.self_contained:
        checker.check_self_contained(os.environ.get("CXX", "g++"))
    for violation in checker.violations:
        print(violation)
    return 1 if checker.violations else 0


if __name__ == "__main__":
    sys.exit(main())
