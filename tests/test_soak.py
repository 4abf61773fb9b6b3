#!/usr/bin/env python3
"""Tests scripts/soak.sh with stages that take no time."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
STAGES = """
stage good 'what passes' '^figure|^other'
good() { printf 'said\\n  figure 1\\nother 2\\n'; printf 'by the way\\n' >&2; }
stage bad-one 'what fails' '^figure'
bad_one() { printf 'figure 3\\n'; false; printf 'not reached\\n'; }
stage slow 'what takes long' '^figure'
slow() { printf 'figure 4\\n'; mktemp; sleep 600 & printf 'child %d\\n' "$!"; wait; }
stage last 'what comes last' '^none'
last() { stat --format 'mode %a' "$TMPDIR"; }
"""


def is_alive(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


class SoakTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        (self.folder / "scripts").mkdir()
        for name in ("soak.sh", "stages.sh"):
            shutil.copy(SCRIPTS / name, self.folder / "scripts")
        (self.folder / "scripts/soak_stages.sh").write_text(STAGES)

    def soak(self, *stages):
        return subprocess.run([self.folder / "scripts/soak.sh", *stages], capture_output=True, text=True, check=False)

    def log(self, stage):
        return (self.folder / f"build/soak/{stage}.log").read_text()

    def test_a_stage_that_passes(self):
        result = self.soak("good")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\ngood +passed +\d+ s\n    figure 1\n    other 2\n")
        self.assertNotIn("said", result.stdout)
        self.assertEqual(result.stdout.splitlines()[-1], "1 passed, 0 failed")
        self.assertEqual(self.log("good"), "said\n  figure 1\nother 2\nby the way\n")

    def test_a_stage_that_fails_ends_at_its_first_failure_and_the_next_runs(self):
        result = self.soak("good", "bad-one", "last")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"\nbad-one +FAILED +\d+ s\n    figure 3\nlast +passed +\d+ s\n")
        self.assertIn("\nFAILED: bad-one\n", result.stdout)
        self.assertEqual(result.stdout.splitlines()[-1], "2 passed, 1 failed")
        self.assertEqual(self.log("bad-one"), "figure 3\n")
        self.assertEqual(self.log("last"), "mode 755\n")  # stages may run programs as another user

    def test_help_lists_the_stages(self):
        for words in (["--help"], ["good", "-h"]):
            result = self.soak(*words)
            self.assertEqual(result.returncode, 0)
            self.assertEqual(re.findall(r"^  (\S+) +(.*)$", result.stdout, re.M),
                             [("good", "what passes"), ("bad-one", "what fails"), ("slow", "what takes long"),
                              ("last", "what comes last")])
        self.assertFalse((self.folder / "build").exists())

    def test_an_unknown_stage_runs_nothing(self):
        result = self.soak("good", "other")
        self.assertEqual(result.returncode, 2)
        self.assertIn('no stage "other"', result.stderr)
        for name in ("good", "bad-one", "slow", "last"):
            self.assertIn(f"  {name} ", result.stderr)
        self.assertFalse((self.folder / "build").exists())

    def test_without_words_all_run_until_interrupted(self):
        process = subprocess.Popen([self.folder / "scripts/soak.sh"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        log = self.folder / "build/soak/slow.log"
        end = time.monotonic() + 60
        while not (log.exists() and "child" in log.read_text()) and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 143)
        self.assertRegex(said, r"\ngood +passed [^$]*\nbad-one +FAILED [^$]*\nslow +interrupted +\d+ s\n    figure 4\n")
        self.assertEqual(said.splitlines()[-1], "1 passed, 2 failed")
        self.assertNotIn("=== last", said)
        _, scratch, child = self.log("slow").splitlines()
        self.assertFalse(Path(scratch).exists())
        end = time.monotonic() + 60
        while is_alive(child.split()[1]) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertFalse(is_alive(child.split()[1]))


class StagesTest(unittest.TestCase):
    def test_every_stage_is_a_function(self):
        said = subprocess.run([SCRIPTS / "soak.sh", "--help"], capture_output=True, text=True, check=True).stdout
        stages = re.findall(r"^  (\S+) ", said, re.M)
        self.assertIn("index-crash", stages)
        functions = (SCRIPTS / "soak_stages.sh").read_text()
        for stage in stages:
            self.assertIn(f"\n{stage.replace('-', '_')}() {{\n", functions)


if __name__ == "__main__":
    unittest.main()
