#!/usr/bin/env python3
"""Runs scripts/damage_pictures.py for a few pictures, and with programs that misbehave."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "build" / "python-env" / "bin" / "python"
SCRIPT = ROOT / "scripts" / "damage_pictures.py"


def run(*words):
    return subprocess.run([PYTHON, "-B", SCRIPT, *map(str, words)], text=True,
                          capture_output=True, timeout=800, check=False)  # fmt: skip


@unittest.skipUnless(PYTHON.exists(), "needs Pillow 13, which scripts/python_env.sh provides")
class DamagePicturesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="siglip-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def program(self, text):
        path = self.folder / "siglip"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def test_what_pillow_reads_is_read_or_refused_for_a_reason(self):
        result = run("--siglip", os.environ["SIGLIP_CLI"], "--trials", 160,
                     "--timeout", 300)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        rows = re.findall(r"^([A-Z]+) +(\d+) ", result.stdout, re.MULTILINE)
        self.assertEqual([kind for kind, _ in rows],
                         ["AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
        for kind, both_read in rows:
            self.assertGreaterEqual(int(both_read), 4, kind)

    def test_crashes_are_noticed(self):
        result = run("--siglip", self.program("kill -SEGV $$"), "--trials", 2)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("crashes: 0-00-png-RGB (nothing): status -11", result.stdout)

    def test_hangs_are_noticed(self):
        result = run("--siglip", self.program("exec sleep 60"), "--trials", 1, "--timeout", 0.2)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("still running after 0.2 s", result.stdout)

    def test_refusals_need_a_reason(self):
        refusing = self.program('for last; do :; done; echo "siglip: $last: no" >&2; exit 1')
        kept = self.folder / "kept"
        result = run("--siglip", refusing, "--trials", 1, "--save", kept)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("Pillow only: 0-00-png-RGB (nothing): no\n    NO REASON IS KNOWN",
                      result.stdout)
        self.assertEqual([path.name for path in kept.iterdir()], ["0-00-png-RGB"])


if __name__ == "__main__":
    unittest.main()
