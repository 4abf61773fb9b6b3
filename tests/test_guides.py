#!/usr/bin/env python3
"""Tests the code in README.md and docs: every piece names its language, and those in C++ compile. Pieces in C are
tests/test_c_header.py's, commands and their Python cli/test_docs.py's."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PIECE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"c", "cmake", "cpp", "json", "python", "sh", "text"}

# What the pieces in C++ take for granted.
GIVEN = """
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


def pieces(page, language):
    return [code for found, code in PIECE.findall(page.read_text(encoding="utf-8")) if found == language]


class GuidesTest(unittest.TestCase):
    def test_every_piece_names_its_language(self):
        for page in PAGES:
            with self.subTest(page=page.name):
                text = page.read_text(encoding="utf-8")
                self.assertEqual(len(re.findall("^```", text, re.MULTILINE)), 2 * len(PIECE.findall(text)))
                self.assertLessEqual({language for language, _ in PIECE.findall(text)}, LANGUAGES)

    def test_pieces_in_cpp_compile(self):
        for page in PAGES:
            functions = []
            for number, code in enumerate(pieces(page, "cpp")):
                code = "\n".join(line for line in code.splitlines() if not line.startswith("#include"))
                if GOES_ON.search(code) and "Embedder::Open" not in code:
                    code = 'const auto model = siglip::Embedder::Open("model");\n' + code
                functions.append(f"[[maybe_unused]] void Piece{number}() {{\n{code}\n}}\n")
            if not functions:
                continue
            with self.subTest(page=page.name):
                result = subprocess.run(
                    ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", "-Wno-unused-value", "-I",
                     str(ROOT / "include"), "-x", "c++", "-"],
                    input=GIVEN + "".join(functions), capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
