#!/usr/bin/env python3
"""Tests the code in README.md and docs. Every piece names its language, and is tried, or marked with the reason why
not: `<!-- not run: REASON -->` just above it. Commands, and the Python of docs/cli.md, are cli/test_docs.py's, the
Python of guides.PAGES_RUN_BY_SYBIL docs/conftest.py's; all else is tried here. SIGLIP_BUILD is the folder of a build.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
import guides

ROOT = guides.ROOT
BUILD = Path(os.environ["SIGLIP_BUILD"]).resolve()
LANGUAGES = {"c", "cmake", "cpp", "json", "python", "sh", "text"}

# What the pieces in C++ take for granted.
GIVEN = """
#include <iostream>
#include <siglip/index.hpp>
#include <siglip/siglip.hpp>
#include <siglip/transformers.hpp>
std::optional<siglip::Picture> NextPicture();
void Report(const std::string& name, const siglip::Error& error);
void Keep(const std::string& name, const siglip::Tensor& embedding);
extern const std::vector<siglip::Picture> files;
extern const std::vector<std::string> texts;
extern const std::vector<siglip::Image> images;
extern const std::vector<uint8_t> pixels;
extern const std::string body, folder;
extern const siglip::PictureSource source;
extern const siglip::ResultSink sink;
extern const siglip::EmbedResult result;
"""
# Pieces that go on with what is made in the first one of their page.
GOES_ON = re.compile(r"\bmodel\.(Embed|Run)|classifier\(model")

# And those in C.
GIVEN_IN_C = """
#include <stdio.h>
#include <stdlib.h>
struct album { const char** paths; size_t count; size_t next; };
"""
ARGUMENTS_IN_C = "const void* body, size_t body_size, const unsigned char* rgb, const char** paths"

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(guide CXX)
add_executable(my_program my_program.cc)
"""


def compile_text(compiler, language, text):
    """What the compiler says."""
    return subprocess.run(
        [*compiler, "-fsyntax-only", "-Wall", "-Werror", "-I", str(ROOT / "include"), "-x", language, "-"],
        input=text, capture_output=True, text=True, check=False).stderr


class GuidesTest(unittest.TestCase):
    def test_every_piece_names_its_language(self):
        for page in guides.PAGES:
            with self.subTest(page=page.name):
                text = page.read_text(encoding="utf-8")
                found = list(guides.pieces(page))
                self.assertEqual(len(re.findall("^```", text, re.MULTILINE)), 2 * len(found))
                self.assertLessEqual({piece.language for piece in found}, LANGUAGES)
                self.assertEqual(len(re.findall("<!-- *not run", text)), sum(bool(piece.mark) for piece in found))

    def test_every_piece_is_tried_or_marked(self):
        tried = {"c": None, "cmake": None, "cpp": None, "json": None, "sh": None, "text": ()}  # None: on every page
        tried["python"] = {"README.md", "c.md", "cli.md", *guides.PAGES_RUN_BY_SYBIL}
        for page in guides.PAGES:
            for piece in guides.pieces(page):
                with self.subTest(f"{page.name}:{piece.line}"):
                    pages = tried[piece.language]
                    self.assertTrue(piece.mark or pages is None or page.name in pages)

    def test_pieces_in_cpp_compile(self):
        for page in guides.PAGES:
            functions = []
            for number, piece in enumerate(guides.pieces_to_run(page, "cpp")):
                code = "\n".join(line for line in piece.code.splitlines() if not line.startswith("#include"))
                if GOES_ON.search(code) and "Embedder::Open" not in code:
                    code = 'const auto model = siglip::Embedder::Open("model");\n' + code
                functions.append(f"[[maybe_unused]] void Piece{number}() {{\n{code}\n}}\n")
            if not functions:
                continue
            with self.subTest(page=page.name):
                compiler = ["g++", "-std=c++20", "-Wno-unused", "-Wno-unused-value"]
                self.assertEqual(compile_text(compiler, "c++", GIVEN + "".join(functions)), "")

    def test_pieces_in_c_are_one_program(self):
        count = 0
        for page in guides.PAGES:
            found = [piece.code for piece in guides.pieces_to_run(page, "c")]
            count += len(found)
            lines = "".join(found).splitlines()
            includes = [line for line in lines if line.startswith("#include")]
            outside = [code for code in found if code.startswith("static ")]
            body = [re.sub("^#include.*$", "", code, flags=re.MULTILINE) for code in found if code not in outside]
            program = "\n".join([GIVEN_IN_C, *includes, *outside, f"int guide({ARGUMENTS_IN_C});",
                                 f"int guide({ARGUMENTS_IN_C}) {{", *body, "  return 0;\n}\n"])
            with self.subTest(page=page.name):
                compiler = ["gcc", "-std=c99", "-pedantic", "-Wextra", "-Wno-unused"]
                self.assertEqual(compile_text(compiler, "c", program), "")
        self.assertGreater(count, 8)

    def test_pieces_in_json_are_json(self):
        for page in guides.PAGES:
            for piece in guides.pieces_to_run(page, "json"):
                with self.subTest(f"{page.name}:{piece.line}"):
                    self.assertIsInstance(json.loads(piece.code), dict)

    def test_pieces_in_cmake_find_what_was_installed(self):
        with tempfile.TemporaryDirectory(prefix="siglip-guides-") as scratch:
            folder = Path(scratch)
            subprocess.run(["cmake", "--install", BUILD, "--prefix", folder / "prefix"],
                           check=True, capture_output=True)
            (folder / "my_program.cc").write_text("int main() {}\n")
            found = [piece for page in guides.PAGES for piece in guides.pieces_to_run(page, "cmake")]
            self.assertGreater(len(found), 1)
            for number, code in enumerate(sorted({piece.code for piece in found})):
                (folder / "CMakeLists.txt").write_text(PROJECT + code)
                result = subprocess.run(
                    ["cmake", "-S", folder, "-B", folder / f"build{number}",
                     f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}"],
                    capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_python_of_the_readme_is_that_of_the_first_page(self):
        """Which is run: only comments differ."""
        run = [ast.dump(ast.parse(piece.code)) for piece in guides.pieces_to_run(ROOT / "docs" / "index.md", "python")]
        found = guides.pieces_to_run(ROOT / "README.md", "python")
        self.assertTrue(found)
        for piece in found:
            self.assertIn(ast.dump(ast.parse(piece.code)), run)

    def test_python_of_the_guide_to_c_runs(self):
        version = re.search(r"project\(siglip VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        for piece in guides.pieces_to_run(ROOT / "docs" / "c.md", "python"):
            result = subprocess.run([sys.executable, "-c", piece.code], capture_output=True, text=True, check=False,
                                    env={**os.environ, "LD_LIBRARY_PATH": str(BUILD / "src")})
            self.assertEqual((result.returncode, result.stdout), (0, version + "\n"), result.stderr)


if __name__ == "__main__":
    unittest.main()
