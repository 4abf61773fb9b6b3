#!/usr/bin/env python3
"""Tests the reference pages of C++ and C: everything that is exported is on them, with all that is said of it, and what
the reader of headers does not know is an error."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import docs_headers
import docs_reference

INCLUDE = ROOT / "include"
HEADERS = sorted((INCLUDE / "siglip").rglob("*.hpp"))
# They include others, or are about the library's symbols.
WITHOUT_PAGE = {"siglip/siglip.hpp", "siglip/transformers.hpp", "siglip/export.hpp"}
EXPORTED_TYPE = re.compile(r"^(?:class|struct) SIGLIP_EXPORT (\w+)", re.MULTILINE)
EXPORTED_FUNCTION = re.compile(r"^SIGLIP_EXPORT [^;]*?(\w+)\(([^;]*)\);", re.MULTILINE)
EXPORTED_CONSTANT = re.compile(r"^SIGLIP_EXPORT extern const [^;]*?(\w+);", re.MULTILINE)
C_FUNCTION = re.compile(r"^SIGLIP_API [^;]*?(siglip_\w+)\(", re.MULTILINE)


def page(name):
    return docs_reference.expand((ROOT / "docs" / "reference" / name).read_text())


def words(text):
    """What a page shows of a comment, without the marks of Markdown."""
    text = re.sub(r"\[(\w+)\]\(#\w+\)", r"\1", text)
    return re.sub(r"[\\`*|]|<br>|<div[^>]*>|</div>", "", text).split()


def public_comments(header):
    """Lines of comments for users, beside those in what is private."""
    private = False
    for line in header.read_text().split("\n"):
        if re.match(r" (public|private|protected):", line):
            private = "public" not in line
        elif line.startswith("}"):
            private = False
        found = re.search(r"///<? (.*)$", line)
        if found and not private and docs_headers.OWN_USE not in line:
            yield found[1]


class ReferenceTest(unittest.TestCase):
    def test_every_header_has_its_place(self):
        found = re.findall(r"^::: header (.*)$", (ROOT / "docs" / "reference" / "cpp.md").read_text(), re.MULTILINE)
        names = {str(header.relative_to(INCLUDE)) for header in HEADERS}
        self.assertEqual(sorted(found), sorted(names - WITHOUT_PAGE))

    def test_what_is_exported_is_there(self):
        types = functions = constants = 0
        shown = page("cpp.md")
        declared = re.sub(r"\s+", "", shown)
        for header in HEADERS:
            text = header.read_text()
            for name in EXPORTED_TYPE.findall(text):
                types += 1
                self.assertTrue(re.search(rf"(?m)^### {name}$", shown), name)
            for name, arguments in EXPORTED_FUNCTION.findall(text):
                functions += 1
                self.assertTrue(re.sub(r"\s+", "", f"{name}({arguments});") in declared, name)
            for name in EXPORTED_CONSTANT.findall(text):
                constants += 1
                self.assertTrue(f"{name};" in shown, name)
        self.assertGreater(types, 20)
        self.assertGreater(functions, 30)
        self.assertEqual(types + functions + constants, sum(
            len(re.findall("SIGLIP_EXPORT ", header.read_text())) for header in HEADERS if header.name != "export.hpp"))

    def test_what_is_said_is_there(self):
        shown = " ".join(words(page("cpp.md")))
        count = 0
        for header in HEADERS:
            if header.name == "export.hpp":
                continue
            for comment in public_comments(header):
                count += 1
                self.assertTrue(" ".join(words(comment)) in shown, f"{header.name}: {comment}")
        self.assertGreater(count, 500)

    def test_what_is_not_for_users_is_not_there(self):
        shown = " ".join(words(page("cpp.md")))
        text = "".join(header.read_text() for header in HEADERS)
        remarks = re.findall(r"^class \w+; +// (.*)$", text, re.MULTILINE)
        self.assertTrue(remarks)
        for remark in [*remarks, "SIGLIP_HIDDEN", docs_headers.OWN_USE, "const State&"]:
            self.assertFalse(" ".join(words(remark)) in shown, remark)

    def test_functions_of_c_are_there(self):
        text = (INCLUDE / "siglip" / "siglip.h").read_text()
        shown = page("c.md")
        names = C_FUNCTION.findall(text)
        self.assertEqual(len(names), len(re.findall(r"^SIGLIP_API", text, re.MULTILINE)))
        self.assertGreater(len(names), 20)
        for name in [*names, *re.findall(r"^typedef (?:struct|enum) (siglip_\w+)", text, re.MULTILINE),
                     *re.findall(r"\(\*(siglip_\w+)\)", text)]:
            self.assertTrue(re.search(rf"(?m)^### {name}$", shown), name)
        for comment in re.findall(r"/\*(.*?)\*/", text, re.DOTALL):
            if "NOLINT" in comment or "----" in comment or comment.strip() in ('extern "C"', "SIGLIP_SIGLIP_H"):
                continue
            said = " ".join(words(re.sub(r"\n \*", "\n", comment)))
            self.assertTrue(said in " ".join(words(shown)), said)

    def test_what_is_not_understood_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            header = Path(folder) / "odd.hpp"
            for text in ("namespace siglip {\nint x {\n", "namespace siglip {\nunion Odd { int a; };\n}\n", "}\n",
                         "namespace siglip {\nclass A {\n", "namespace siglip {\nMACRO;\n}\n",
                         "namespace siglip {\nint a = ({;\n}\n",
                         "namespace siglip {\nvoid f(int a,  // first\n       int b);\n}\n",
                         "namespace siglip {\nenum class E { @ };\n}\n"):
                header.write_text("// Odd.\n#pragma once\n" + text)
                with self.subTest(text), self.assertRaisesRegex(docs_headers.NotUnderstood, r"odd\.hpp:\d+: "):
                    docs_headers.read(header)


if __name__ == "__main__":
    unittest.main()
