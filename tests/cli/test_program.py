"""The program itself: help, version, and what it says to a wrong command line."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import GOLDEN, CommandTest, instruction_sets, run

DEMO = GOLDEN.parent.parent / "models" / "demo"

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))[:2]
COMMANDS = ("embed", "classify", "compare", "inspect", "init", "convert", "run", "preprocess",
            "tokenize", "bench", "pull", "help", "completion")


class ProgramTest(CommandTest):
    def test_help(self):
        text = self.succeed("--help").stdout
        self.assertEqual(self.succeed().stdout, text)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", text)
            self.assertIn("Example", self.succeed(command, "--help").stdout)

    def test_help_of_a_command(self):
        self.assertEqual(self.succeed("help").stdout, self.succeed("--help").stdout)
        for command in COMMANDS:
            text = self.succeed("help", command).stdout
            self.assertEqual(text, self.succeed(command, "--help").stdout)
            self.assertIn(f"siglip {command}", text)
        error = self.fail_with(2, "help", "embd")
        self.assertIn("Did you mean embed", error)
        self.assertIn("classify", error)
        self.fail_with(2, "help", "embed", "classify")

    def test_short_names(self):
        self.assertEqual(self.succeed("-V").stdout, self.succeed("--version").stdout)
        for command, words in (("embed", PICTURES), ("preprocess", PICTURES),
                               ("classify", ["--labels", "a,b", *PICTURES])):
            ending = "jsonl" if command == "classify" else "safetensors"
            for option in ("-o", "--output"):
                output = self.folder / f"{command}{option}.{ending}"
                result = self.succeed(command, "--model", MODEL, option, output, *words)
                self.assertEqual(result.stdout, "")
            self.assertEqual(output.read_bytes(),
                             (self.folder / f"{command}-o.{ending}").read_bytes())
        for command, *words in (("embed", "-o", self.folder / "q.npy"), ("compare",),
                                ("classify", "--labels", "a", "-o", self.folder / "q.csv")):
            self.assertEqual(self.succeed(command, "-q", "--model", MODEL, *words, *PICTURES).stderr,
                             "")

    def test_the_model_of_the_environment(self):
        for words in (["embed", *PICTURES], ["classify", "--labels", "a,b", *PICTURES],
                      ["compare", *PICTURES], ["tokenize", "a star"], ["inspect"]):
            expected = self.succeed(words[0], "--model", MODEL, *words[1:]).stdout
            found = self.succeed(*words, variables={"SIGLIP_MODEL": str(MODEL)}).stdout
            self.assertEqual(found, expected)
            # What the command line says counts for more.
            found = self.succeed(words[0], "--model", MODEL, *words[1:],
                                 variables={"SIGLIP_MODEL": "nowhere"}).stdout
            self.assertEqual(found, expected)
            self.assertIn("nowhere",
                          self.fail_with(1, *words, variables={"SIGLIP_MODEL": "nowhere"}))
            for nothing in (None, ""):
                error = self.fail_with(2, *words, variables={"SIGLIP_MODEL": nothing})
                self.assertIn("is required", error)
                self.assertIn("SIGLIP_MODEL", error)
        nothing = {"SIGLIP_MODEL": None}
        self.assertIn("SIGLIP_MODEL", self.fail_with(2, "bench", variables=nothing))
        for command in ("run", "preprocess"):
            self.assertIn("SIGLIP_MODEL", self.fail_with(2, command, variables=nothing))
        words = ("bench", "--preset", "base-patch16-224", "--repeats", "0")
        self.assertIn("--repeats", self.fail_with(2, *words, variables={"SIGLIP_MODEL": "m"}))
        folder = self.folder / "[a, b]"
        folder.symlink_to(MODEL)
        self.succeed("embed", PICTURES[0], variables={"SIGLIP_MODEL": str(folder)})

    def test_version_names_the_instruction_set(self):
        self.assertRegex(self.succeed("--version").stdout, r"^siglip \d+\.\d+\.\d+ \(\w+\)\n$")
        for isa in instruction_sets():
            self.assertIn(f"({isa})", self.succeed("--version", isa=isa).stdout)
        self.assertIn("generic", self.fail_with(1, "--version", isa="mmx"))

    def test_slips_of_the_pen(self):
        for words, meant in ((["embd", "a.jpg"], "embed instead of embd"),
                             (["embed", "--modle", "m", "a.jpg"], "--model instead of --modle"),
                             (["embed", "--model=m", "--normalise", "a"], "--normalize instead"),
                             (["compare", "--model", "m", "--treads=2", "a"], "--threads instead")):
            error = self.fail_with(2, *words)
            self.assertIn(f"Did you mean {meant}", error)
            self.assertIn("--help", error)
        self.assertNotIn("Did you mean", self.fail_with(2, "embed", "--model", "m", "--xyzzy", "a"))
        self.assertNotIn("Did you mean", self.fail_with(2, "xyzzy"))

    def test_an_unknown_command_is_no_question_for_help(self):
        for words in (["xyzzy"], ["xyzzy", "--help"], ["--help", "xyzzy"], ["xyzzy", "-h"],
                      ["--version", "xyzzy"], ["xyzzy", "--model", "m"], ["", "xyzzy"],
                      ["embd", "--help"]):
            error = self.fail_with(2, *words)
            self.assertEqual(run(*words).stdout, "")
            self.assertIn("no command", error)
            for command in COMMANDS:
                self.assertRegex(error, rf"\b{command}\b")
        self.assertIn("Did you mean embed", self.fail_with(2, "embd", "--help"))
        for words in (["--"], ["--", "help"]):
            self.assertIn("command is required", self.fail_with(2, *words))

    def test_values_out_of_range(self):
        for words in (["--threads", "-1"], ["--threads", "many"], ["--batch", "-1"],
                      ["--preprocess", "magic"], ["--alpha", "black"], ["--max-pixels", "0"],
                      ["--max-memory", "1X"], ["--max-memory", "-5M"], ["--max-file-bytes", "nan"]):
            error = self.fail_with(2, "embed", "--model", "m", *words, "a.jpg")
            self.assertIn(words[0], error)
            self.assertLess(len(error), 250, "numbers as people write them")
        for command, *words in (("bench", "--batch", "0"), ("bench", "--threads", "-1"),
                                ("bench", "--repeats", "0"),
                                ("embed", "--max-num-patches", "0", "a.jpg"),
                                ("classify", "--top", "0", "--labels", "a", "a.jpg"),
                                ("tokenize", "--max-length", "0", "a")):
            error = self.fail_with(2, command, "--model", "m", *words)
            self.assertRegex(error, rf"{words[0]}: expected a whole number "
                                    r"(from \d+ to \d+|of at least \d+), found '")
            self.assertLess(len(error), 200)

    def test_hints_name_options(self):
        for words, option in ((("--max-pixels", 100), "--max-pixels"),
                              (("--max-file-bytes", "1K"), "--max-file-bytes"),
                              (("--max-memory", "1K"), "--max-memory"),
                              (("--max-num-patches", 16), "--max-num-patches")):
            error = self.fail_with(1, "embed", "--model", MODEL, *words, PICTURES[0])
            self.assertIn(option, error)
            self.assertNotRegex(error, r"::|max_[a-z]+")

    def test_limits_are_shown_as_people_write_them(self):
        for command, option, limits in (("embed", "--max-num-patches", "of at least 1"),
                                        ("embed", "--threads", "from 0 to 4096"),
                                        ("bench", "--batch", "of at least 1"),
                                        ("bench", "--threads", "from 0 to 4096"),
                                        ("bench", "--repeats", "of at least 1")):
            for value in ("-1", "1.5", "1e400", "9" * 30, "x"):
                said = self.fail_with(2, command, "--model", "m", f"{option}={value}")
                self.assertIn(f"{option}: expected a whole number {limits}, found '{value}'", said)
    def test_many_more_threads_than_cpus_are_warned_of(self):
        def on_one_cpu():
            os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])

        picture = DEMO.parent.parent / "examples" / "images" / "00.jpg"
        for words in (["embed", "--model", DEMO, picture],
                      ["embed", "--quiet", "--model", DEMO, picture],
                      ["classify", "--model", DEMO, "--labels", "a", picture]):
            many, some = (self.succeed(*words, "--threads", threads, preexec_fn=on_one_cpu)
                          for threads in (5, 4))
            self.assertEqual(many.stdout, some.stdout)
            self.assertRegex(many.stderr, "(?m)^siglip: warning: 5 threads, .* one CPU only")
            self.assertNotIn("warning", some.stderr)
        bench = ("bench", "--model", DEMO, "--batch", 1, "--repeats", 1, "--threads", "1,9")
        self.assertIn("warning: 9 threads", self.succeed(*bench, preexec_fn=on_one_cpu).stderr)
        self.fail_with(2, "embed", "--model", DEMO, "--threads", "4097", picture)

    def test_an_unusable_model(self):
        self.assertIn(str(self.folder), self.fail_with(1, "embed", "--model", self.folder, "a.jpg"))
        self.fail_with(1, "embed", "--model", self.folder / "nowhere", "a.jpg")
        result = run("embed", "--model", self.folder, "a.jpg")
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
