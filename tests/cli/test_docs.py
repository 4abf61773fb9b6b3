"""Commands in the guides work, and docs/cli.md knows every command and every option that --help knows, and only
those."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import guides
import hub_server
import safetensors_io
from command_line import PROGRAM, CommandTest

ROOT = guides.ROOT
MODEL = guides.MODEL
PNG = ROOT / "tests" / "golden" / "images" / "rgb-transparent.png"
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

    FILES = ("npy", "npz", "safetensors", "jsonl", "csv")
    OTHERS = ("**`classify --output`**", "**`run`**", "**`compare --json`**")

    @staticmethod
    def program_after(mark):
        text = (ROOT / "docs" / "cli.md").read_text()
        place = text.index(mark, text.index("\n## Output formats"))
        return re.search(r"```python\n(.*?)```", text[place:], re.DOTALL).group(1)

    def run_program(self, mark, **inputs):
        program = self.program_after(mark)
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

    def test_no_program_is_left_out(self):
        marks = [f"**`.{ending}`**" for ending in self.FILES] + list(self.OTHERS)
        self.assertEqual([self.program_after(mark) for mark in marks],
                         [piece.code for piece in guides.pieces(ROOT / "docs" / "cli.md", "python")])

    def test_embeddings(self):
        folder = self.folder / "pictures"
        folder.mkdir()
        names = ['a,"b".jpg', "back\\slash\\n.jpg", "caf\udce9.jpg", "line\nbreak\r.jpg", "ä.jpg"]
        for name, picture in zip(names, PICTURES):
            shutil.copy(picture, folder / name)
        vectors = []
        for ending in self.FILES:
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
        self.assertEqual(self.run_program(self.OTHERS[0])["row"]["path"],
                         str(PICTURES[-1]))
        self.succeed("preprocess", "--model", MODEL, "-o", self.folder / "pixels.safetensors",
                     *PICTURES)
        self.assertEqual(len(self.run_program(self.OTHERS[1])["pixel_values"]), len(PICTURES))
        shown = self.succeed("compare", "--model", MODEL, "--json", "--text", "a star",
                             *PICTURES).stdout
        found = self.run_program(self.OTHERS[2], stdin=shown)
        self.assertEqual(found["cosines"].shape, (len(PICTURES) + 1,) * 2)


class ShellTest(CommandTest):
    """Pieces in sh that are not marked as not run, each in a new folder with what its reader has there. Variables that
    a piece exports are there in those that follow on the same page. Those that ask the service ask one with an index
    of the example pictures, and must be answered with what they ask for."""

    ADDRESS = "http://127.0.0.1:8080"

    def setUp(self):
        super().setUp()
        self.service = None
        files = {file.name: file.read_bytes() for file in guides.model_files()}
        self.hub = hub_server.Hub(guides.HUB_MODELS[0], files)
        self.addCleanup(self.hub.close)

    def service_address(self):
        """Of the service, which is started when it is first asked for."""
        if self.service is None:
            index = self.folder / "service-index"
            self.succeed("index", "--index", index, "--model", MODEL, ROOT / "examples" / "images")
            environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "service-cache")}
            process = subprocess.Popen([PROGRAM, "serve", "--index", index, "--port", "0"], env=environment,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.communicate, timeout=60)
            self.addCleanup(process.terminate)
            self.assertRegex(process.stderr.readline(), "^siglip: loading the model")
            line = process.stderr.readline()
            self.assertRegex(line, "^siglip: serving http://")
            self.service = line.split()[-1].rstrip("/")
        return self.service

    def environment(self, folder):
        """Nothing of who runs the test: neither token nor cache nor proxy."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("HF_", "HUGGING", "SIGLIP_")) and not name.lower().endswith("_proxy")}
        (folder / "bin").mkdir()
        (folder / "bin" / "siglip").symlink_to(PROGRAM)
        guides.make_cache(folder / "cache")
        for place in (".zfunc", ".config/fish/completions"):
            (folder / "home" / place).mkdir(parents=True)
        (folder / "home" / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\nnoproxy = *\n")
        return {**kept, "PATH": f"{folder / 'bin'}:{kept['PATH']}", "HOME": str(folder / "home"),
                "HF_ENDPOINT": self.hub.url, "HF_HUB_CACHE": str(folder / "cache"),
                "XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}

    def fill(self, folder, code):
        """What the pieces take for granted beside pictures."""
        folder.mkdir()
        guides.make_folder(folder)
        (folder / "broken.jpg").unlink()
        (folder / "siglip-base-patch16-224").symlink_to(MODEL)
        (folder / "siglip2-base-patch16-224").symlink_to(MODEL)
        shutil.copy(PNG, folder / "dog.png")
        (folder / "captions.txt").write_text("a cat on a sofa\n@home\n")
        (folder / "labels.txt").write_text("cat\ndog\n")
        (folder / "keys.txt").write_text("a key of no service\n")
        shutil.copy(ROOT / "tests" / "golden" / "vision-head" / "config.json", folder / "my-config.json")
        if "--input pixels.safetensors" in code:
            self.succeed("preprocess", "--model", MODEL, "-o", folder / "pixels.safetensors", folder / "cat.jpg")

    def test_pieces(self):
        count = 0
        for page in guides.PAGES:
            scratch = self.folder / page.stem
            scratch.mkdir()
            environment = self.environment(scratch)
            for piece in guides.pieces_to_run(page, "sh"):
                count += 1
                with self.subTest(f"{page.name}:{piece.line}"):
                    folder = scratch / str(piece.line)
                    self.fill(folder, piece.code)
                    code = piece.code
                    if self.ADDRESS in code:
                        code = code.replace(self.ADDRESS, self.service_address())
                    self.hub.name = (re.findall(r"siglip pull ([^\s@]+)", piece.code) or guides.HUB_MODELS)[0]
                    result = subprocess.run(
                        ["bash", "-euo", "pipefail", "-c", code + '\nprintf %s "${SIGLIP_MODEL-}" > ../model\n'],
                        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                        timeout=300, check=False)
                    self.assertEqual(result.returncode, 0, f"{piece.code}\n{result.stderr}")
                    model = (scratch / "model").read_text()
                    if model:
                        environment["SIGLIP_MODEL"] = model
                    shutil.rmtree(folder)
        self.assertGreater(count, 15)


class DocsTest(CommandTest):
    def options(self, *command):
        lines = self.succeed("help", *command, variables={"COLUMNS": "100"}).stdout.splitlines()
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
