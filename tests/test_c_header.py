#!/usr/bin/env python3
"""Tests that siglip.h is what every compiler of C can read and every binding can describe: C99 to C17 and C++11
without a warning, no struct with holes, every enumeration named and of four bytes, one size of every type."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
HEADER = INCLUDE / "siglip" / "siglip.h"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-fsyntax-only"]
# Sizes differ between compilers, or their layout does.
DOUBTFUL_TYPES = re.compile(r"\b(long|short|unsigned|bool|_Bool|wchar_t|ssize_t|time_t|double|int)\b|:\s*\d")
STRUCT = re.compile(r"^typedef struct (\w+) \{(.*?)^\} (\w+);", re.DOTALL | re.MULTILINE)
ENUM = re.compile(r"^typedef enum( \w+)? \{(.*?)^\} (\w+);", re.DOTALL | re.MULTILINE)

# Twice, and used; written so that it is C and C++.
PROGRAM = """
#include <siglip/siglip.h>
#include <siglip/siglip.h>
int main(void) {
  siglip_embedder* embedder = NULL;
  siglip_embedder_options options;
  options.struct_size = sizeof(options);
  return siglip_embedder_open("model", &options, &embedder) == SIGLIP_OK ? 0 : 1;
}
"""


def text_of_header():
    return COMMENT.sub("", HEADER.read_text(encoding="utf-8"))


def compilers():
    """(compiler, language, standard)"""
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler):
            for standard in ("c99", "c11", "c17"):
                yield compiler, "c", standard
    for compiler in ("g++", "clang++"):
        if shutil.which(compiler):
            for standard in ("c++11", "c++20"):
                yield compiler, "c++", standard


class CHeaderTest(unittest.TestCase):
    def compile(self, compiler, language, standard, text):
        result = subprocess.run(
            [compiler, f"-std={standard}", *WARNINGS, "-I", str(INCLUDE), "-x", language, "-"],
            input=text, capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    def test_every_compiler_and_standard(self):
        found = list(compilers())
        self.assertIn(("gcc", "c", "c99"), found)
        for compiler, language, standard in found:
            with self.subTest(f"{compiler} -std={standard}"):
                self.compile(compiler, language, standard, PROGRAM)

    def test_enumerations_are_named_and_have_four_bytes(self):
        text = text_of_header()
        names = []
        for tag, body, name in ENUM.findall(text):
            self.assertEqual(tag.strip(), name)
            self.assertRegex(body, r"_LAST_ = 0x7fffffff\s*$", name)
            self.assertRegex(body, r"^\s*\w+ = 0,", f"{name}: 0 is the default")
            names.append(name)
        self.assertEqual(len(names), text.count("enum "))
        self.compile("gcc", "c", "c11", "#include <siglip/siglip.h>\n" + "".join(
            f'_Static_assert(sizeof({name}) == 4, "{name}");\n' for name in names))

    def test_structs_are_named_and_options_begin_with_their_size(self):
        found = 0
        for tag, body, name in STRUCT.findall(text_of_header()):
            self.assertEqual(tag, name)
            if name != "siglip_picture":  # of which arrays are handed in: it never changes
                self.assertRegex(body, r"^\s*size_t struct_size;", name)
            found += 1
        self.assertGreater(found, 7)

    def test_no_type_has_another_size_elsewhere(self):
        text = re.sub(r"int main\(void\)|#.*", "", text_of_header())
        self.assertIsNone(DOUBTFUL_TYPES.search(text), DOUBTFUL_TYPES.search(text))

    def test_the_layout_of_the_first_version_stays(self):
        """Sizes and last fields where pointers have eight bytes; of a later version, new lines come to it."""
        layout = {
            "siglip_embedder_options": (72, {"runtime": 8, "max_pixels": 16, "precision": 40, "load_text_tower": 68}),
            "siglip_embed_options": (40, {"progress": 8, "user": 16, "output": 24, "in_flight": 36}),
            "siglip_info": (40, {"folder": 8, "instruction_set": 16, "threads": 24, "reserved": 36}),
            "siglip_image_tower_info": (48, {"picture_values": 8, "dimension": 24, "precision": 44}),
            "siglip_text_tower_info": (32, {"weight_bytes": 8, "dimension": 16, "precision": 28}),
            "siglip_picture": (64, {"path": 0, "data": 8, "name": 16, "tag": 24, "byte_count": 32, "row_stride": 40,
                                    "width": 48, "reserved": 60}),
            "siglip_result": (80, {"tag": 8, "error": 16, "embedding": 32, "index": 48, "status": 56, "reserved": 76}),
            "siglip_outputs": (40, {"last_hidden_state": 8, "pooler_output": 24, "pooler_output_count": 32}),
        }
        self.assertEqual(set(layout), {name for name, _, _ in STRUCT.findall(text_of_header())})
        checks = "#include <siglip/siglip.h>\n"
        for struct, (size, fields) in layout.items():
            checks += f'_Static_assert(sizeof({struct}) >= {size}, "{struct}");\n'
            for field, offset in fields.items():
                checks += f'_Static_assert(offsetof({struct}, {field}) == {offset}, "{struct}.{field}");\n'
        self.compile("gcc", "c", "c11", checks)


if __name__ == "__main__":
    unittest.main()
