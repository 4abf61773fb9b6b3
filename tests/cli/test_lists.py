"""Lists of paths, labels and texts as other programs write them: byte order marks, UTF-16, NULs; and
standard input, which can be asked for once only."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = [str(path) for path in sorted((ROOT / "examples" / "images").glob("*.jpg"))[:3]]
LABELS = ["a star", "a größer ring"]


def paths(stdout):
    return [json.loads(line)["path"] for line in stdout.splitlines()]


class ListTest(CommandTest):
    def write(self, content):
        file = self.folder / "list.txt"
        file.write_bytes(content)
        return file

    def every_reader(self, file, entries):
        """(command, what it makes of a list of `entries`, what it should) for each that reads lists
        of texts."""
        model = ("--model", MODEL)
        yield (("tokenize", *model, "--json", f"@{file}"), lambda out: json.loads(out)["input_ids"],
               json.loads(self.succeed("tokenize", *model, "--json", *entries).stdout)["input_ids"])
        yield (("embed", *model, "--text-file", file), paths, ["text:" + text for text in entries])
        yield (("compare", *model, "--json", "--text-file", file),
               lambda out: json.loads(out)["texts"], entries)
        yield (("classify", *model, "--json", "--labels-file", file, PICTURES[0]),
               lambda out: sorted(label["label"] for label in json.loads(out)["labels"]),
               sorted(entries))

    def test_a_byte_order_mark_is_no_part_of_the_first_entry(self):
        file = self.write("\n".join(LABELS).encode("utf-8-sig"))
        for words, read, expected in self.every_reader(file, LABELS):
            self.assertEqual(read(self.succeed(*words).stdout), expected, words[0])
        file = self.write("\r\n".join(PICTURES).encode("utf-8-sig"))
        for words in (("embed", f"@{file}"), ("classify", "--json", "--labels", "a", f"@{file}")):
            self.assertEqual(paths(self.succeed(words[0], "--model", MODEL, *words[1:]).stdout),
                             PICTURES)
        found = self.succeed("embed", "--model", MODEL, "-", input="\ufeff" + "\n".join(PICTURES))
        self.assertEqual(paths(found.stdout), PICTURES)
        # Elsewhere it is a character like others.
        file = self.write(f"x\n\ufeff{LABELS[0]}\n".encode())
        found = self.succeed("embed", "--model", MODEL, "--text-file", file)
        self.assertEqual(paths(found.stdout), ["text:x", "text:\ufeff" + LABELS[0]])

    def test_a_list_of_nothing_but_a_mark_is_empty(self):
        file = self.write(b"\xef\xbb\xbf")
        self.assertIn("no labels", self.fail_with(1, "classify", "--model", MODEL, "--labels-file",
                                                  file, PICTURES[0]))
        self.assertIn("no pictures", self.fail_with(1, "embed", "--model", MODEL, f"@{file}"))
        # Half a mark is none.
        file = self.write(b"\xef\xbb")
        self.assertIn("\\xef\\xbb", self.fail_with(1, "embed", "--model", MODEL, f"@{file}"))

    def test_a_line_has_a_limit_wherever_reads_end(self):
        longest = "x" * (64 << 10)
        for end in ("", "\n", "\n" + PICTURES[0] + "\n"):
            file = self.write((longest + end).encode())
            self.succeed("embed", "--model", MODEL, "--text-file", file)
            file = self.write((longest + "x" + end).encode())
            for words in (("embed", "--text-file", file), ("embed", f"@{file}"),
                          ("tokenize", f"@{file}")):
                error = self.fail_with(1, words[0], "--model", MODEL, *words[1:])
                self.assertIn("a line of more than 65536 bytes", error)
        file = self.write((longest + "x\0" + PICTURES[0] + "\0").encode())
        error = self.fail_with(1, "embed", "--model", MODEL, "--null", f"@{file}")
        self.assertIn("a line of more than 65536 bytes", error)

    def test_other_encodings_are_refused_by_name(self):
        for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"),
                               ("utf-32-le", b"\xff\xfe\0\0"), ("utf-32-be", b"\0\0\xfe\xff")):
            name = encoding[:6].upper()
            file = self.write(mark + "\n".join(LABELS).encode(encoding))
            for words, _, _ in self.every_reader(file, LABELS):
                error = self.fail_with(1, *words)
                self.assertIn(f"{file}: expected UTF-8, found the byte order mark of {name}", error)
            for null in ((), ("--null",)):
                file = self.write(mark + "\n".join(PICTURES).encode(encoding))
                error = self.fail_with(1, "embed", "--model", MODEL, *null, f"@{file}")
                self.assertIn(f"byte order mark of {name}", error)

    def test_a_nul_is_no_part_of_a_text(self):
        # UTF-16 without a mark, for one.
        for content in ("\n".join(LABELS).encode("utf-16-le"), b"a\nb\0c\n", b"a\nb\n\0"):
            file = self.write(content)
            for words, _, _ in self.every_reader(file, LABELS):
                self.assertIn(f"{file}: a NUL byte", self.fail_with(1, *words))

    def test_lists_of_find_print0(self):
        folder = self.folder / "pictures"
        folder.mkdir()
        names = ["line\nbreak.jpg", "plain.jpg", "return\r"]
        for name, picture in zip(names, PICTURES):
            shutil.copy(picture, folder / name)
        listed = subprocess.run(["find", folder, "-type", "f", "-print0"], capture_output=True,
                                check=True).stdout
        expected = [os.fsdecode(path) for path in listed.split(b"\0") if path]
        self.assertEqual(len(expected), 3)
        file = self.write(listed)
        commands = (("embed",), ("classify", "--json", "--labels", "a"), ("compare", "--json"))
        for command, *words in commands:
            words = (command, "--model", MODEL, *words)
            read = (lambda out: json.loads(out)["paths"]) if command == "compare" else paths
            for null in ("--null", "-0"):
                self.assertEqual(read(self.succeed(*words, null, f"@{file}").stdout), expected)
            found = self.succeed(*words, "-0", "-", input=listed.decode())
            self.assertEqual(read(found.stdout), expected)
            for content in (listed, b"a\n" + listed, listed * 2000):
                error = self.fail_with(1, *words, f"@{self.write(content)}")
                self.assertIn("--null (-0)", error)
                self.assertIn("NUL", error)
            self.write(listed)
        # The last NUL may be missing, and none stands for a path.
        file = self.write(b"\0\0" + b"\0\0".join(map(os.fsencode, PICTURES)))
        self.assertEqual(paths(self.succeed("embed", "--model", MODEL, "-0", f"@{file}").stdout),
                         PICTURES)

    def test_a_list_with_nuls_is_answered_one_by_one(self):
        process = subprocess.Popen([PROGRAM, "embed", "--model", MODEL, "--quiet", "-0", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for picture in PICTURES:
            process.stdin.write(os.fsencode(picture) + b"\0")
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline())["path"], picture)
        self.assertEqual(process.communicate(timeout=60), (b"", None))


class StandardInputTest(CommandTest):
    def test_it_can_be_asked_for_once_only(self):
        for words in (("embed", "--text-file", "-", "-"), ("embed", "-", "-"),
                      ("embed", "--text-file", "-", "--text-file", "-"), ("embed", "-", "@-"),
                      ("embed", "@/dev/stdin", "-"), ("embed", "-", "--text-file", "/dev/fd/0"),
                      ("compare", "--text-file", "-", "-"),
                      ("classify", "--labels-file", "-", "-"), ("tokenize", "-", "-"),
                      ("tokenize", "-", "@-")):
            # Said before the model is looked for.
            error = self.fail_with(2, *words, "--model", "nowhere", input="a\n")
            self.assertIn("standard input", error)
            self.assertIn("more than once", error)
        found = self.succeed("embed", "--model", MODEL, "--text-file", "-", PICTURES[0], input="a\n")
        self.assertEqual(paths(found.stdout), ["text:a", PICTURES[0]])


if __name__ == "__main__":
    unittest.main()
