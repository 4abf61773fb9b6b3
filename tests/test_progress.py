#!/usr/bin/env python3
"""Tests scripts/progress.py on what ninja and ctest print."""

import os
import pty
import subprocess
import sys
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "progress.py"

NINJA = "".join(f"{n}/40 Building CXX object {n}.cc.o\n" for n in range(1, 41))
FAILED_STEP = "2/40 Building\nFAILED: a.o\nc++ a.cc\na.cc:1:1: error: what is this\n"
CTEST = """Test project /build
      Start 1: base.Good
1/3 Test #1: base.Good ............................   Passed    0.01 sec
      Start 2: base.Bad
      Start 3: base.Absent
2/3 Test #2: base.Bad .............................***Failed    0.02 sec
Expected equality of these values: 1, 2
3/3 Test #3: base.Absent ..........................***Skipped   0.00 sec

67% tests passed, 1 tests failed out of 3
"""


def in_log(what, text):
    result = subprocess.run([sys.executable, SCRIPT, what], input=text, capture_output=True,
                            text=True, check=True)
    return result.stdout.splitlines()


def on_terminal(what, text):
    leader, follower = pty.openpty()
    process = subprocess.Popen([sys.executable, SCRIPT, what], stdin=subprocess.PIPE,
                               stdout=follower, text=True)
    os.close(follower)
    process.communicate(text)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # the end of a terminal
        pass
    os.close(leader)
    return shown.decode()


class ProgressTest(unittest.TestCase):
    def test_a_log_gets_a_line_for_each_tenth(self):
        lines = in_log("files", NINJA)
        self.assertEqual(len(lines), 10)
        self.assertRegex(lines[0], r"^    4 of 40 files, \d+ s$")
        self.assertRegex(lines[9], r"^    40 of 40 files, \d+ s$")

    def test_what_fails_is_shown_in_full(self):
        self.assertEqual(in_log("files", FAILED_STEP), FAILED_STEP.splitlines()[1:])

    def test_tests_that_pass_are_counted_only(self):
        lines = in_log("tests", CTEST)
        self.assertRegex(lines[0], r"^    1 of 3 tests, \d+ s$")
        self.assertIn("base.Bad ...", lines[1])
        self.assertRegex(lines[2], r"^    2 of 3 tests, 1 failed, \d+ s$")
        self.assertEqual(lines[3], "Expected equality of these values: 1, 2")
        self.assertRegex(lines[4], r"^    3 of 3 tests, 1 failed, \d+ s$")
        self.assertEqual(lines[5:], ["67% tests passed, 1 tests failed out of 3"])

    def test_a_terminal_has_one_line_that_counts_up(self):
        shown = on_terminal("files", NINJA)
        self.assertEqual(shown.count("\n"), 1)
        self.assertIn("\r    40 of 40 files, ", shown)
        for text in shown.split("\r"):
            self.assertLess(len(text), 80)


if __name__ == "__main__":
    unittest.main()
