"""docs/cli.md knows every command and every option that --help knows, and only those."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import sys
import types
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))[:5]
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z0-9][a-zA-Z0-9-]*")


def sections():
    """The text of docs/cli.md before its first command, and that of each command."""
    first, *rest = re.split(r"^## ", (ROOT / "docs" / "cli.md").read_text(), flags=re.MULTILINE)
    return first, {part.split("\n", 1)[0].strip(): part for part in rest}


def load_file(path):
    """What safetensors.numpy has under this name."""
    return safetensors_io.read(path)


class FormatsTest(CommandTest):
    """Every program of docs/cli.md reads what it is said to read."""

    def run_program(self, mark, **inputs):
        text = (ROOT / "docs" / "cli.md").read_text()
        place = text.index(mark, text.index("\n## Output formats"))
        program = re.search(r"```python\n(.*?)```", text[place:], re.DOTALL).group(1)
        module = types.ModuleType("safetensors.numpy")
        module.load_file = load_file
        modules = {"safetensors": types.ModuleType("safetensors"), "safetensors.numpy": module}
        found = {}
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            with mock.patch.dict(sys.modules, modules), mock.patch("sys.stdin",
                    io.StringIO(inputs.get("stdin", ""))), contextlib.redirect_stdout(io.StringIO()):
                exec(program, found)  # pylint: disable=exec-used
        finally:
            os.chdir(before)
        self.assertLessEqual(len(program.splitlines()), 6)
        return found

    def test_embeddings(self):
        folder = self.folder / "pictures"
        folder.mkdir()
        names = ['a,"b".jpg', "back\\slash\\n.jpg", "caf\udce9.jpg", "line\nbreak\r.jpg", "ä.jpg"]
        for name, picture in zip(names, PICTURES):
            shutil.copy(picture, folder / name)
        vectors = []
        for ending in ("npy", "npz", "safetensors", "jsonl", "csv"):
            self.succeed("embed", "--model", MODEL, "--normalize", "-o",
                         self.folder / f"photos.{ending}", folder)
            found = self.run_program(f"**`.{ending}`**")
            self.assertEqual(found["embeddings"].shape[0], len(names))
            vectors.append(found["embeddings"].astype("f4").tobytes())
            expected = [f"{folder}/{name}" for name in names]
            if ending == "jsonl":
                expected[2] = expected[2].replace("\udce9", "\ufffd")
            self.assertEqual(found["names"], expected, ending)
        self.assertEqual(len(set(vectors)), 1)

    def test_other_commands(self):
        self.succeed("classify", "--model", MODEL, "--labels", "a,b", "-o",
                     self.folder / "labels.jsonl", *PICTURES)
        self.assertEqual(self.run_program("**`classify --output`**")["row"]["path"],
                         str(PICTURES[-1]))
        self.succeed("preprocess", "--model", MODEL, "-o", self.folder / "pixels.safetensors",
                     *PICTURES)
        self.assertEqual(len(self.run_program("**`run`**")["pixel_values"]), len(PICTURES))
        shown = self.succeed("compare", "--model", MODEL, "--json", "--text", "a star",
                             *PICTURES).stdout
        found = self.run_program("**`compare --json`**", stdin=shown)
        self.assertEqual(found["cosines"].shape, (len(PICTURES) + 1,) * 2)


class DocsTest(CommandTest):
    def options(self, *command):
        lines = self.succeed(*command, "--help", variables={"COLUMNS": "100"}).stdout.splitlines()
        return {name for line in lines if line.startswith("  -")
                for name in line.split()[0].split(",")}

    def commands(self):
        text = self.succeed("--help").stdout
        block = text[text.index("\nCommands:\n"):].split("\n\n")[0]
        return re.findall(r"^  (\w+)", block, re.MULTILINE)

    def test_no_command_is_missing(self):
        first, described = sections()
        commands = self.commands()
        self.assertGreater(len(commands), 10)
        self.assertEqual([name for name in described if name in commands], commands)
        self.assertEqual(re.findall(r"^\| \[(\w+)\]\(#\w+\) \|", first, re.MULTILINE), commands)

    def test_no_option_is_missing(self):
        first, described = sections()
        for command in self.commands():
            known = set(OPTION.findall(described[command]))
            # Options of several commands are explained once, with the commands that have them.
            for paragraph in first.split("\n\n"):
                names = OPTION.findall(paragraph)
                if re.search(rf"`{command}`|all commands|every command", paragraph):
                    known |= set(names)
            self.assertEqual(self.options(command) - known, set(), command)
        self.assertEqual(self.options() - set(OPTION.findall(first)), set())

    def test_no_option_is_made_up(self):
        text = (ROOT / "docs" / "cli.md").read_text()
        every = self.options().union(*(self.options(command) for command in self.commands()))
        others = {"-name", "-print0", "-r", "--install"}  # of find, jq and cmake
        for place in re.findall(r"`[^`\n]+`|^siglip .*$|.*\| siglip .*$", text, re.MULTILINE):
            self.assertEqual(set(OPTION.findall(place)) - every - others, set(), place)


if __name__ == "__main__":
    unittest.main()
