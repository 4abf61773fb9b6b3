#!/usr/bin/env python3
"""Tests scripts/check_efficiency.py with a made-up benchmark that reports what a test wants."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "check_efficiency.py"

# Reports the shares of the peak that the next line of the file `shares` holds.
BENCHMARK = f"""#!{sys.executable}
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("shares")
line, _, rest = file.read_text().partition("\\n")
file.write_text(rest)
if not line:
    sys.exit("out of shares")
print(json.dumps({{
    "context": {{"instruction_set": "abacus"}},
    "benchmarks": [{{"name": f"BM_Linear/rows:{{row}}/precision:2", "label": "int8",
                    "GFLOP/s": 100 * share, "of_peak": share}}
                   for row, share in enumerate(json.loads(line))]}}))
"""


class CheckEfficiencyTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.file = self.folder / "efficiency.json"
        self.program = self.folder / "bench" / "kernels_bench"
        self.program.parent.mkdir()
        self.program.write_text(BENCHMARK, encoding="utf-8")
        self.program.chmod(0o755)

    def run_script(self, *arguments):
        return subprocess.run(
            [sys.executable, SCRIPT, "--build", self.folder, "--file", self.file, *arguments],
            capture_output=True, text=True, check=False)

    def check(self, repeats, *arguments):
        """Runs it with a list of shares, one per kernel, for each repeat."""
        lines = "".join(json.dumps(shares) + "\n" for shares in repeats)
        self.program.with_name("shares").write_text(lines, encoding="utf-8")
        result = self.run_script(*arguments)
        self.assertEqual(result.stderr, "")
        return result

    def record(self, *shares):
        names = [f"Linear rows:{row} int8" for row in range(len(shares))]
        self.file.write_text(json.dumps({"abacus": dict(zip(names, shares))}), encoding="utf-8")

    def test_as_recorded(self):
        self.record(0.9, 0.5)
        # Two slow repeats of five do not change the median.
        result = self.check([[0.9, 0.5], [0.1, 0.1], [0.85, 0.5], [0.1, 0.1], [0.95, 0.5]])
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("Linear rows:0 int8       85    85.0%     90.0%\n", result.stdout)
        self.assertNotIn("WARNING", result.stdout)

    def test_slower_is_a_warning(self):
        self.record(0.9, 0.5)
        result = self.check([[0.6, 0.5]] * 5)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("WARNING: 1 of 2 kernels", result.stdout)
        self.assertRegex(result.stdout, r"rows:0 .* slower\n")
        self.assertNotRegex(result.stdout, r"rows:1 .* slower\n")

    def test_a_third_in_every_repeat_is_broken(self):
        self.record(0.9, 0.5)
        result = self.check([[0.29, 0.5]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAILED: below a third", result.stdout)
        self.assertRegex(result.stdout, r"rows:0 .* broken\n")
        result = self.check([[0.29, 0.5]] * 4 + [[0.31, 0.5]])
        self.assertEqual(result.returncode, 0, "one repeat shows that the kernel is not broken")

    def test_unrecorded_instruction_set_is_shown(self):
        self.file.write_text('{"slide_rule": {"Linear rows:0 int8": 0.9}}', encoding="utf-8")
        result = self.check([[0.1]] * 5)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"rows:0 .* 10\.0% .*not recorded\n")

    def test_a_recorded_kernel_that_is_gone(self):
        self.record(0.9, 0.5)
        result = self.check([[0.9]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("recorded, but not measured: Linear rows:1 int8", result.stdout)

    def test_record(self):
        self.file.write_text('{"slide_rule": {"a": 0.9}}', encoding="utf-8")
        self.assertEqual(self.check([[0.7], [0.6], [0.5], [0.9], [0.8]], "--record").returncode, 0)
        self.assertEqual(json.loads(self.file.read_text(encoding="utf-8")),
                         {"slide_rule": {"a": 0.9}, "abacus": {"Linear rows:0 int8": 0.7}})
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["bench", "efficiency.json"])

    def test_benchmark_that_does_not_run(self):
        result = self.check([[0.9]] * 4)
        self.assertEqual(result.returncode, 1)
        self.assertIn("out of shares", result.stdout)
        result = self.check([[]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no benchmark matches", result.stdout)
        self.program.write_text("#!/bin/sh\necho {}\n", encoding="utf-8")
        result = self.check([[0.9]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not as expected", result.stdout)
        self.program.unlink()
        result = self.check([[0.9]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("build the preset release first", result.stdout)

    def test_damaged_record(self):
        self.file.write_text("{", encoding="utf-8")
        result = self.check([[0.9]] * 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("efficiency.json is no JSON", result.stdout)


if __name__ == "__main__":
    unittest.main()
