"""siglip bulk: a program of its own is run in its place."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, CommandTest, run

WORDS = ("run", "--help", "-h", "--", "[a, b]", "", "a b", "--no-such-option=x", "caf\udce9")


class BulkTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "on the path"
        self.path.mkdir()
        self.variables = {"PATH": f"{self.folder / 'nowhere'}:{self.path}:/usr/bin:/bin"}

    def add_program(self, folder, status):
        """It prints what it is called and its words, each ended by a zero byte."""
        program = folder / "siglip-bulk"
        program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\"\nexit {status}\n")
        program.chmod(0o755)
        return program

    def check(self, result, program, status):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "".join(f"{word}\0" for word in (program, *WORDS)))
        self.assertEqual(result.stderr, "")

    def run_bulk(self, program=PROGRAM):
        return subprocess.run([program, "bulk", *WORDS], env={**os.environ, **self.variables}, text=True,
                              capture_output=True, errors="surrogateescape", timeout=60, check=False)

    def test_the_one_on_the_path(self):
        program = self.add_program(self.path, 4)
        self.check(self.run_bulk(), program, 4)

    def test_the_one_beside_comes_first(self):
        own = self.folder / "own"
        own.mkdir()
        beside = self.add_program(own, 0)
        self.add_program(self.path, 4)
        shutil.copy(PROGRAM, own / "siglip")
        (self.folder / "link").symlink_to(own / "siglip")
        self.check(self.run_bulk(own / "siglip"), beside, 0)
        self.check(self.run_bulk(self.folder / "link"), beside, 0)

    def test_without_one(self):
        (self.path / "siglip-bulk").mkdir()
        for words in ((), ("--help",), ("status", "out")):
            result = run("bulk", *words, variables=self.variables)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn('pip install "siglip[bulk]"', result.stderr)

    def test_one_that_cannot_be_run(self):
        program = self.add_program(self.path, 0)
        program.write_text("#!/no/such/interpreter\n")
        error = self.fail_with(1, "bulk", variables=self.variables)
        self.assertIn(f"{program}: cannot be run", error)

    def test_help_and_completion_name_it(self):
        self.assertIn("\n  bulk ", self.succeed("--help").stdout)
        self.assertIn('pip install "siglip[bulk]"', " ".join(self.succeed("help", "bulk").stdout.split()))
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("bulk", self.succeed("completion", shell).stdout)
        self.assertIn("Did you mean bulk", self.fail_with(2, "bulc", "run"))


if __name__ == "__main__":
    unittest.main()
