"""siglip completion: what real shells make of the scripts."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, CommandTest

# What is typed, what must be on the line when a tab was typed behind it.
CASES = (("siglip emb", "siglip embed "), ("siglip embed --norm", "siglip embed --normalize "),
         ("siglip compare --precision bf", "siglip compare --precision bf16 "),
         ("siglip embed --precision=int", "siglip embed --precision=int8 "),
         ("siglip classify --labels-f", "siglip classify --labels-file "),
         ("siglip embed --model mod", "siglip embed --model model folder/"),
         ("siglip embed pict", "siglip embed picture.jpg "),
         ("siglip embed -o out.npy pict", "siglip embed -o out.npy picture.jpg "),
         ("siglip init mod", "siglip init model folder/"),
         ("siglip init pict", "siglip init pict"),
         ("siglip help tok", "siglip help tokenize "),
         ("siglip completion zs", "siglip completion zsh "))


class ShellTest(CommandTest):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "siglip").symlink_to(PROGRAM)
        (self.folder / "model folder").mkdir()
        (self.folder / "picture.jpg").touch()

    def script(self, shell):
        return self.succeed("completion", shell).stdout

    def start(self, *command, variables=None):
        """An interactive shell on a terminal, in the scratch folder."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
            os.execvpe(command[0], command, {"PATH": path, "HOME": str(self.folder),
                                             "TERM": "dumb", "LC_ALL": "C.UTF-8", "COLUMNS": "400",
                                             **(variables or {})})
        self.addCleanup(os.close, terminal)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, 9)
        return terminal

    def read_until(self, terminal, done, seconds=30):
        shown = ""
        end = time.monotonic() + seconds
        while not done(shown) and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65536).decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]", "", shown)

    def check(self, terminal, typed, expected):
        """Types this and a tab, and has the shell print the words of the line that this leaves."""
        os.write(terminal, f"{typed}\t".encode())
        time.sleep(0.4)  # until it is there
        os.write(terminal, b"\x01builtin printf '<%s>' \x05 ; builtin printf '%s\\n' END\n")
        printed = re.compile(r"^<(.*)>END", re.MULTILINE)
        shown = self.read_until(terminal, lambda text: printed.search(text.replace("\r", "")))
        found = printed.search(shown.replace("\r", ""))
        self.assertTrue(found, shown)
        # zsh takes the slash of a folder away when a space is typed.
        self.assertEqual(found.group(1).replace("><", " ").rstrip("/"), expected.rstrip(" /"))

    def test_bash(self):
        terminal = self.start("bash", "--norc", "--noprofile", "-i", variables={"PS1": "$ "})
        (self.folder / "script").write_text(self.script("bash"))
        os.write(terminal, b"source ./script\n")
        for typed, expected in CASES:
            with self.subTest(typed):
                self.check(terminal, typed, expected)

    @unittest.skipUnless(shutil.which("zsh"), "there is no zsh")
    def test_zsh(self):
        functions = self.folder / "functions"
        functions.mkdir()
        (functions / "_siglip").write_text(self.script("zsh"))
        terminal = self.start("zsh", "-f", "-i", variables={"PS1": "$ "})
        os.write(terminal, b"fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D\n"
                           b"bindkey -e\n")
        for typed, expected in CASES:
            with self.subTest(typed):
                self.check(terminal, typed, expected)

    @unittest.skipUnless(shutil.which("fish"), "there is no fish")
    def test_fish(self):
        script = self.folder / "script"
        script.write_text(self.script("fish"))
        for typed, expected in CASES:
            found = subprocess.run(
                ["fish", "--no-config", "-c", f"source {script}; complete -C '{typed}'"],
                cwd=self.folder, capture_output=True, text=True, check=True,
                env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                     "HOME": str(self.folder)}).stdout
            candidates = [line.split("\t")[0] for line in found.splitlines()]
            last = expected.split(" ", typed.count(" "))[-1].rstrip()
            if typed == expected:
                self.assertEqual(candidates, [], typed)
            else:
                self.assertEqual([name.replace("\\ ", " ") for name in candidates], [last], typed)

    def test_every_option_is_offered(self):
        for command in ("embed", "classify", "convert", "pull"):
            options = set(re.findall(r"(?<![\w-])--?[a-z0-9][\w-]*(?=[ ,=])",
                                     "\n".join(line for line in
                                               self.succeed(command, "--help").stdout.splitlines()
                                               if line.startswith("  -"))))
            self.assertIn("--help", options)
            script = self.script("bash")
            block = script[script.index(f"    {command})\n"):]
            offered = set(re.search(r"options='([^']*)'", block).group(1).split())
            self.assertEqual({name for name in options if name.startswith("--")} - offered, set())

    def test_wrong_usage(self):
        self.fail_with(2, "completion")
        self.fail_with(2, "completion", "csh")


if __name__ == "__main__":
    unittest.main()
