#!/usr/bin/env python3
"""Tests what libsiglip.so exports: the names that include/siglip marks with SIGLIP_EXPORT, the functions that
siglip.h marks with SIGLIP_API, all of them and nothing else. SIGLIP_LIBRARY is the library."""

import os
import re
import subprocess
import unittest
from pathlib import Path

INCLUDE = Path(__file__).resolve().parent.parent / "include" / "siglip"
LIBRARY = os.environ["SIGLIP_LIBRARY"]

COMMENT = re.compile(r"//.*")
CLASS = re.compile(r"\b(?:class|struct) SIGLIP_EXPORT (\w+)")
FUNCTION = re.compile(r"^SIGLIP_EXPORT [^;(]*?(\w+)\(", re.MULTILINE)
COMMENT_OF_C = re.compile(r"/\*.*?\*/", re.DOTALL)
FUNCTION_OF_C = re.compile(r"^SIGLIP_API [^;(]*?(\w+)\(", re.MULTILINE)
# What the compiler makes for a class.
OF_CLASS = re.compile(r"^(?:typeinfo for|typeinfo name for|vtable for) ")
NAME = re.compile(r"siglip::(\w+)")


def marked(pattern):
    return {name for header in INCLUDE.rglob("*.hpp")
            for name in pattern.findall(COMMENT.sub("", header.read_text(encoding="utf-8")))}


def functions_of_c():
    """What siglip.h declares."""
    text = COMMENT_OF_C.sub("", (INCLUDE / "siglip.h").read_text(encoding="utf-8"))
    return set(FUNCTION_OF_C.findall(text))


def symbols():
    """(what is exported, in the words of C++ with its arguments; its version)"""
    listing = subprocess.run(["nm", "--dynamic", "--defined-only", "--demangle", LIBRARY],
                             capture_output=True, text=True, check=True).stdout
    names = [line.split(" ", 2)[2] for line in listing.splitlines()]
    return [name.split("@@") for name in names if not name.startswith("SIGLIP_")]


def exported():
    """What is for C++."""
    return [name for name, version in symbols() if version != "SIGLIP_1"]


class ExportsTest(unittest.TestCase):
    def test_nothing_but_what_is_for_users(self):
        classes, functions = marked(CLASS), marked(FUNCTION)
        for symbol in exported():
            name = NAME.match(OF_CLASS.sub("", symbol))
            self.assertIsNotNone(name, f"exported, and not of this library: {symbol}")
            self.assertIn(name[1], classes | functions, f"exported, and not for users: {symbol}")

    def test_nothing_private_within_a_class(self):
        hidden = re.compile(r"struct SIGLIP_HIDDEN (\w+);")
        for symbol in exported():
            for name in marked(hidden):
                self.assertNotRegex(symbol, rf"^siglip::\w+::{name}::", "a private class is exported")

    def test_all_that_is_for_users(self):
        found = {name[1] for name in (NAME.match(OF_CLASS.sub("", symbol)) for symbol in exported()) if name}
        self.assertEqual((marked(CLASS) | marked(FUNCTION)) - found, set())

    def test_what_is_for_c_is_what_its_header_declares(self):
        declared = functions_of_c()
        self.assertGreater(len(declared), 20)
        self.assertEqual({name for name, version in symbols() if version == "SIGLIP_1"}, declared)
        for name in declared:
            self.assertRegex(name, r"^siglip_[a-z_]+$")

    def test_errors_can_be_caught_by_their_type(self):
        self.assertIn("typeinfo for siglip::Error", exported())


if __name__ == "__main__":
    unittest.main()
