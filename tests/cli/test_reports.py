"""--failed and --list-skipped: what a run tells of files that came to nothing."""

import base64
import json
import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import CommandTest, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
COMMANDS = (("embed",), ("classify", "--labels", "a,b"), ("compare",))


class FailedTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.bad = self.folder / "bad.jpg"
        self.bad.write_bytes(PICTURES[0].read_bytes()[:300])
        self.output = self.folder / "failed.jsonl"

    def failures(self):
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def test_what_failed_and_why(self):
        absent = self.folder / "absent.jpg"
        strange = os.fsdecode(os.fsencode(self.folder) + b"/caf\xe9\n.jpg")
        for command, *words in COMMANDS:
            result = run(command, "--model", MODEL, *words, "--failed", self.output,
                         PICTURES[0], self.bad, absent, strange)
            self.assertEqual(result.returncode, 3, result.stderr)
            found = self.failures()
            self.assertEqual([row["path"] for row in found[:2]], [str(self.bad), str(absent)])
            self.assertEqual([row["code"] for row in found],
                             ["malformed file", "not found", "not found"])
            self.assertEqual(base64.b64decode(found[2]["path_base64"]), os.fsencode(strange))
            for row in found[:2]:
                self.assertIn(f"siglip: {row['message']}\n", result.stderr)
            self.output.unlink()

    def test_hints_are_part_of_the_message(self):
        self.fail_with(1, "embed", "--model", MODEL, "--max-pixels", 100, "--failed", self.output,
                       PICTURES[0])
        row, = self.failures()
        self.assertEqual((row["path"], row["code"]), (str(PICTURES[0]), "limit exceeded"))
        self.assertIn("--max-pixels", row["message"])

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_folders_fail_too(self):
        closed = self.folder / "closed"
        closed.mkdir(mode=0)
        self.addCleanup(closed.chmod, 0o700)
        self.fail_with(3, "embed", "--model", MODEL, "--failed", self.output, PICTURES[0], closed)
        row, = self.failures()
        self.assertEqual((row["path"], row["code"]), (f"{closed}/", "input/output error"))

    def test_it_is_there_when_nothing_failed(self):
        for command, *words in COMMANDS:
            self.succeed(command, "--model", MODEL, *words, "--force", "--failed", self.output,
                         PICTURES[0])
            self.assertEqual(self.failures(), [])

    def test_it_feeds_the_next_run(self):
        self.fail_with(1, "embed", "--model", MODEL, "--max-memory", "100K", "--failed",
                       self.output, *PICTURES[:2], self.bad)
        found = self.failures()
        self.assertEqual(len(found), 3)
        listed = "".join(row["path"] + "\n" for row in found)
        result = run("embed", "--model", MODEL, "-", input=listed)
        self.assertIn("2 embedded, 1 failed", result.stderr)

    def test_nothing_is_overwritten(self):
        for command, *words in COMMANDS:
            self.output.write_text("mine")
            error = self.fail_with(1, command, "--model", MODEL, *words, "--failed", self.output,
                                   self.bad)
            self.assertIn("--force", error)
            self.assertEqual(self.output.read_text(), "mine")
            self.fail_with(1, command, "--model", MODEL, *words, "--force", "--failed",
                           self.output, self.bad)
            self.assertEqual(len(self.failures()), 1)
            self.fail_with(1, command, "--model", MODEL, *words, "--failed",
                           self.folder / "nowhere" / "x", self.bad)
        for name in ("x.npy", "x.npy.names.txt", "./x.npy", "x.npy.partial"):
            error = self.fail_with(2, "embed", "--model", MODEL, "--output", self.folder / "x.npy",
                                   "--failed", f"{self.folder}/{name}", self.bad)
            self.assertIn("--failed", error)
        for command, *words in COMMANDS:
            error = self.fail_with(2, command, "--model", MODEL, *words, "--force", PICTURES[0])
            self.assertIn("--force: needs", error)


    def test_inputs_are_kept(self):
        picture = self.folder / "picture.jpg"
        shutil.copy(PICTURES[0], picture)
        (self.folder / "link.jpg").symlink_to(picture)
        listed = self.folder / "list.csv"
        listed.write_text(f"{picture}\n")
        before = picture.read_bytes()
        for command, *words in COMMANDS:
            words = (command, "--model", MODEL, *words, "--force")
            for target in (picture, self.folder / "link.jpg"):
                error = self.fail_with(1, *words, "--failed", target, picture)
                self.assertIn("one of the inputs", error)
            self.fail_with(1, *words, "--failed", listed, f"@{listed}")
            if command != "compare":
                self.fail_with(1, *words, "--output", listed, f"@{listed}")
        for command, option in (("embed", "--text-file"), ("classify", "--labels-file"),
                                ("compare", "--text-file")):
            words = (command, "--model", MODEL, "--force", option, listed)
            self.fail_with(1, *words, "--failed", listed, picture)
            if command != "compare":
                self.fail_with(1, *words, "--output", listed, picture)
        self.assertEqual(picture.read_bytes(), before)
        self.assertEqual(listed.read_text(), f"{picture}\n")

    def test_pictures_of_lists_and_folders_are_kept(self):
        folder, listed = self.folder / "pictures", self.folder / "list"
        folder.mkdir()
        for name in ("a.jpg", "b.csv"):
            shutil.copy(PICTURES[0], folder / name)
        listed.write_text(f"{folder / 'a.jpg'}\n{folder / 'b.csv'}\n")
        before = (folder / "a.jpg").read_bytes()
        for command, *words in COMMANDS:
            words = (command, "--model", MODEL, *words, "--force")
            for paths in (folder, f"@{listed}"):
                targets = [("--failed", "a.jpg")]
                targets += [("--output", "b.csv")] * (command != "compare")
                for option, name in targets:
                    error = self.fail_with(1, *words, option, folder / name, paths)
                    self.assertIn("one of the inputs", error)
                    self.assertEqual((folder / name).read_bytes(), before)
                    (folder / "b.csv.partial").unlink(missing_ok=True)
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["a.jpg", "b.csv"])


class ListSkippedTest(CommandTest):
    def test_what_is_passed_over_and_why(self):
        folder = self.folder / "pictures"
        (folder / "sub").mkdir(parents=True)
        shutil.copy(PICTURES[0], folder / "a.jpg")
        (folder / "notes.txt").write_text("not a picture")
        (folder / "sub" / "z\x1b.md").write_text("not a picture")
        (folder / ".hidden.jpg").touch()
        (folder / "dangling.jpg").symlink_to("nowhere")
        os.mkfifo(folder / "pipe.jpg")
        reasons = [(".hidden.jpg", "hidden"), ("dangling.jpg", "a link that cannot be followed"),
                   ("notes.txt", "neither its name nor its first bytes are those of a picture"),
                   ("pipe.jpg", "neither a file nor a folder"),
                   ("sub/z\\x1b.md",
                    "neither its name nor its first bytes are those of a picture")]
        expected = [f"siglip: passed over: {folder}/{name}: {reason}" for name, reason in reasons]
        for command, *words in COMMANDS:
            words = (command, "--model", MODEL, *words, folder)
            said = self.succeed(*words, "--list-skipped").stderr.splitlines()
            self.assertEqual([line for line in said if "passed over: " in line], expected)
            self.assertEqual(self.succeed(*words, "--list-skipped", "-q").stderr.splitlines(),
                             expected)
            self.assertNotIn("passed over: ", self.succeed(*words).stderr)
        self.assertIn("1 embedded, 0 failed, 5 passed over",
                      self.succeed("embed", "--model", MODEL, folder).stderr)


if __name__ == "__main__":
    unittest.main()
