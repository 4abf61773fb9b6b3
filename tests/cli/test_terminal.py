"""What people see on terminals: help as wide as they are, and progress that fits."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import CommandTest, run_on_terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
COMMANDS = ("embed", "classify", "compare", "inspect", "init", "convert", "run", "preprocess",
            "tokenize", "bench", "pull", "help", "completion")


class HelpTest(CommandTest):
    def lines(self, command, **options):
        status, shown = run_on_terminal(*command, "--help", **options)
        self.assertEqual(status, 0)
        return shown.decode().splitlines()

    def test_it_is_as_wide_as_the_terminal_but_not_wider_than_a_page(self):
        for command in [[], *([name] for name in COMMANDS)]:
            words = None
            for columns in (40, 60, 80, 100, 120, 200):
                lines = self.lines(command, columns=columns)
                longest = max(map(len, lines))
                self.assertLessEqual(longest, min(columns, 100), command)
                if command == ["embed"]:
                    self.assertGreater(longest, min(columns, 100) - 15)
                # The same is said at any width.
                found = " ".join(lines).replace("\\", " ").replace(" ", "")
                self.assertEqual(words or found, found)
                words = found

    def test_into_a_pager(self):
        reader, writer = os.pipe()
        with os.fdopen(reader) as file:
            status, _ = run_on_terminal("help", "completion", columns=50, stdout=writer)
            os.close(writer)
            self.assertEqual(status, 0)
            longest = max(len(line.rstrip()) for line in file)
        self.assertLessEqual(longest, 50)

    def test_without_a_terminal(self):
        wide = self.succeed("embed", "--help", variables={"COLUMNS": None}).stdout
        self.assertLessEqual(max(map(len, wide.splitlines())), 80)
        narrow = self.succeed("embed", "--help", variables={"COLUMNS": "50"}).stdout
        self.assertLessEqual(max(map(len, narrow.splitlines())), 50)
        for wrong in ("0", "-3", "x", "1e2", "", "1"):
            self.succeed("embed", "--help", variables={"COLUMNS": wrong})

    def test_examples_can_be_copied(self):
        """A shell takes the lines of an example for one."""
        for command in ("embed", "classify", "tokenize", "preprocess"):
            texts = []
            for columns in (40, 100):
                text = "\n".join(self.lines([command], columns=columns))
                examples = text[text.index("Example"):].split("\n", 1)[1]
                script = "siglip() { printf '<%s>' siglip \"$@\"; }; find() { :; };\n" + examples
                texts.append(subprocess.run(["bash", "-c", f"cd {self.folder}; {script}"],
                                            capture_output=True, check=True).stdout)
            self.assertEqual(*texts)


class ProgressTest(CommandTest):
    MANY = PICTURES * 8

    def shown(self, command, *words, columns=0, stdout=subprocess.DEVNULL, variables=None):
        status, shown = run_on_terminal(command, "--model", MODEL, "--threads", 1, *words,
                                        *self.MANY, columns=columns, stdout=stdout,
                                        variables=variables)
        self.assertEqual(status, 0, shown)
        return shown.decode()

    def bars(self, shown):
        """The lines drawn over each other."""
        return [line for line in re.split(r"\r|\n|\x1b\[K", shown) if re.match(r"\d+[ /]", line)]

    def test_it_fits_the_terminal(self):
        for columns in (20, 40, 60, 120):
            bars = self.bars(self.shown("embed", columns=columns))
            self.assertTrue(bars)
            self.assertLess(max(map(len, bars)), columns)
            known = [line for line in bars if f"/{len(self.MANY)} " in line]
            if columns >= 40:
                self.assertTrue(any(re.search(r"\[#* *\] \d+%", line) for line in known), bars)
                self.assertTrue(any(line.endswith(" left") for line in known), bars)
            if columns >= 60:
                self.assertTrue(any("pictures/s" in line for line in known), bars)

    def test_plain_where_escapes_are_not_wanted(self):
        for variables in ({"TERM": "dumb"}, {"NO_COLOR": "1"}):
            shown = self.shown("embed", columns=80, variables=variables)
            self.assertNotIn("\x1b", shown)
            self.assertIn(" left", shown)
            # At the end the bar is gone: what came last on the line are spaces.
            last = shown.rstrip().split("\n")[-1].split("\r")
            self.assertRegex(last[-1], r"^siglip: \d+ embedded")
            self.assertEqual(last[-2].strip(), "")
        self.assertIn("\x1b[K", self.shown("embed", variables={"NO_COLOR": ""}))

    def test_classify_and_compare_show_it_too(self):
        labels = ("classify", "--labels", "a,b")
        for words in (labels, (*labels, "--output", self.folder / "out.csv"), ("compare", "--json")):
            self.assertRegex(self.shown(*words), rf"/{len(self.MANY)} \[[# ]+\] \d+%")
        self.assertIn(f"{len(self.MANY)} classified, 0 failed, 0 passed over",
                      self.shown(*labels, "--force", "--output", self.folder / "out.csv"))
        for words in (labels, ("compare", "--json")):
            self.assertEqual(self.shown(*words, "--quiet"), "")
        # Above a table the bar is gone.
        shown = self.shown("compare", "--json", stdout=None)
        self.assertEqual(len(json.loads(shown.split("\x1b[K")[-1])["paths"]), len(self.MANY))
        # Labels on the terminal are progress enough.
        self.assertNotIn("\x1b", self.shown(*labels, stdout=None))


if __name__ == "__main__":
    unittest.main()
