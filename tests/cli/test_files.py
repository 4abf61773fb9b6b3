"""Files that are not what their names say, and JSON as Python reads and writes it."""

import errno
import io
import json
import os
import pathlib
import pickle
import shutil
import sys
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import gguf_files
from command_line import GOLDEN, CommandTest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "examples" / "images" / "00.jpg"
POINTER = (b"version https://git-lfs.github.com/spec/v1\n"
           b"oid sha256:" + b"a" * 64 + b"\nsize 812672320\n")


def torch_archive():
    """What torch.save writes: a zip archive, stored, that begins with the pickle."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("archive/data.pkl", pickle.dumps({"a": 1}, protocol=2))
        members.writestr("archive/data/0", b"\0" * 64)
    return archive.getvalue()


# what it is -> its bytes, and what the message must say
FOREIGN = {
    "Git LFS pointer": (POINTER, ("Git LFS pointer", "812672320", "git lfs pull")),
    "web page": (b"<!DOCTYPE html>\n<html class=\"\"><head><title>Sign in</title></head></html>",
                 ("HTML", "download it again")),
    "answer of a server": (b"Entry not found", ("'Entry not found'", "download it again")),
    "empty file": (b"", ("an empty file", "download it again")),
    "pickle": (pickle.dumps({"state_dict": [1, 2]}, protocol=2), ("pickle", "Python")),
    "PyTorch archive": (torch_archive(), ("pickle of PyTorch", "save_pretrained")),
    "gzip archive": (b"\x1f\x8b\x08\0\0\0\0\0\0\3", ("gzip",)),
}


class FilesTest(CommandTest):
    def demo(self, without=()):
        """A folder with a whole model that tests may spoil."""
        folder = self.folder / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in ("config.json", "model.safetensors", "preprocessor_config.json",
                     "spiece.model", "tokenizer_config.json"):
            if name not in without:
                shutil.copy(ROOT / "models" / "demo" / name, folder)
        return folder

    def test_every_opener_tells_what_a_file_really_is(self):
        gemma = GOLDEN / "text" / "gemma"
        openers = [("model.safetensors", (), "embed"),
                   ("model.safetensors.index.json", ("model.safetensors",), "embed"),
                   ("packed.safetensors", (), "embed"),
                   ("open_clip_model.safetensors", ("model.safetensors",), "embed"),
                   ("tower.npz", ("model.safetensors",), "embed"),
                   ("mmproj.gguf", ("model.safetensors",), "embed"),
                   ("config.json", (), "embed"),
                   ("open_clip_config.json", ("config.json",), "embed"),
                   ("preprocessor_config.json", (), "embed"),
                   ("processor_config.json", (), "embed"),
                   ("spiece.model", (), "tokenize"),
                   ("tokenizer_config.json", (), "tokenize"),
                   ("tokenizer.json", (), "tokenize"),
                   ("picture.jpg", (), "picture")]
        for name, without, command in openers:
            for what, (content, parts) in FOREIGN.items():
                with self.subTest(name, what=what):
                    folder = self.demo(without)
                    if name == "tokenizer.json":
                        shutil.copy(gemma / "tokenizer_config.json", folder)
                    (folder / name).write_bytes(content)
                    if command == "tokenize":
                        words = ("tokenize", "--model", folder, "a cat")
                    else:
                        picture = folder / name if command == "picture" else PICTURE
                        words = ("embed", "--model", folder, picture)
                    said = self.fail_with(1, *words)
                    for part in (name, "expected", *parts):
                        self.assertIn(part, said)

    def test_files_cut_short(self):
        for name, command in (("model.safetensors", "embed"), ("config.json", "embed"),
                              ("preprocessor_config.json", "embed"),
                              ("spiece.model", "tokenize"), ("tokenizer_config.json", "tokenize")):
            with self.subTest(name):
                folder = self.demo()
                content = (folder / name).read_bytes().rstrip()
                (folder / name).write_bytes(content[:-1])
                said = self.fail_with(1, command, "--model", folder,
                                      PICTURE if command == "embed" else "a cat")
                for part in (name, "cut short", "download it again"):
                    self.assertIn(part, said)

    def test_archives_of_weights_cut_short(self):
        npz = self.folder / "tower.npz"
        big_vision_files.write(npz, big_vision_files.to_big_vision(GOLDEN / "siglip-full"))
        gguf = self.folder / "mmproj.gguf"
        gguf_files.write(gguf, *gguf_files.to_gguf(GOLDEN / "vision-head"))
        for path in (npz, gguf):
            self.succeed("inspect", path)
            content = path.read_bytes()
            for size in (len(content) - 1, len(content) // 2, 200, 10):
                with self.subTest(path.name, size=size):
                    path.write_bytes(content[:size])
                    said = self.fail_with(1, "inspect", path)
                    for part in (path.name, "cut short", "download it again"):
                        self.assertIn(part, said)

    def test_a_packed_checkpoint_cut_short_is_refused_when_opened(self):
        packed = self.folder / "packed"
        self.succeed("convert", "--precision", "bf16", self.demo(), packed)
        path = packed / "packed.safetensors"
        content = path.read_bytes()
        for size in (len(content) - 1, len(content) // 2, 100, 3):
            path.write_bytes(content[:size])
            for words in (("embed", "--model", packed, PICTURE), ("inspect", packed)):
                said = self.fail_with(1, *words)
                self.assertIn("packed.safetensors", said)
                self.assertIn("cut short", said)

    def test_json_as_python_reads_it(self):
        folder = self.demo()
        right = self.succeed("embed", "--model", folder, PICTURE).stdout
        ids = self.succeed("tokenize", "--model", folder, "a cat").stdout
        for name in ("config.json", "preprocessor_config.json", "tokenizer_config.json"):
            fields = json.loads((folder / name).read_text())
            fields.update(a=float("nan"), b=[float("inf"), -float("inf")], d=10**400)
            fields.update({"key \ud800": "\udfff"})
            text = json.dumps(fields)
            self.assertIn("NaN", text)
            # Equal keys: of two that Python reads, the last.
            (folder / name).write_text(
                '{"hidden_size": 7, "size": null, "eos_token": "cat", "e": -1e999, ' + text[1:])
        self.assertEqual(self.succeed("embed", "--model", folder, PICTURE).stdout, right)
        self.assertEqual(self.succeed("tokenize", "--model", folder, "a cat").stdout, ids)
        self.succeed("inspect", folder)

        # What is written from it holds the same values.
        for name, words in (("packed", ("--precision", "f32")), ("copy", ("--to", "hf"))):
            output = self.folder / name
            self.succeed("convert", *words, folder, output)
            self.assertEqual(self.succeed("embed", "--model", output, PICTURE).stdout, right)
        written = json.loads((self.folder / "packed" / "config.json").read_text())
        self.assertEqual(json.dumps(written["a"]), "NaN")
        self.assertEqual(written["b"], [float("inf"), -float("inf")])
        self.assertEqual(written["key \ud800"], "\udfff")

    def test_a_field_that_is_used_must_have_a_value_that_can_be(self):
        for name, field, value, found, command in (
                ("config.json", ("vision_config", "layer_norm_eps"), float("nan"), "NaN", "embed"),
                ("config.json", ("vision_config", "hidden_size"), 10**30, "1e+30", "embed"),
                ("preprocessor_config.json", ("rescale_factor",), float("inf"), "Infinity",
                 "embed"),
                ("tokenizer_config.json", ("eos_token",), "\ud800", "\\ud800", "tokenize")):
            with self.subTest(field):
                folder = self.demo()
                fields = json.loads((folder / name).read_text())
                inner = fields
                for key in field[:-1]:
                    inner = inner[key]
                inner[field[-1]] = value
                (folder / name).write_text(json.dumps(fields))
                said = self.fail_with(1, command, "--model", folder,
                                      PICTURE if command == "embed" else "a cat")
                for part in (name, field[-1], found):
                    self.assertIn(part, said)
                self.assertNotIn("internal error", said)

    def test_errors_in_json_name_line_and_column(self):
        folder = self.demo()
        (folder / "config.json").write_text('{\n  "model_type": "siglip",\n  "a": ü\n}\n')
        said = self.fail_with(1, "embed", "--model", folder, PICTURE)
        self.assertIn("config.json: not valid JSON: line 3, column 8: expected a value", said)
        self.assertNotIn("json.exception", said)

    def test_what_the_system_refuses_is_said_in_its_words(self):
        # Neither fails for lack of a permission, which the superuser has.
        for name, command in (("config.json", "embed"), ("model.safetensors", "embed"),
                              ("preprocessor_config.json", "embed"),
                              ("processor_config.json", "embed"), ("spiece.model", "tokenize"),
                              ("tokenizer_config.json", "tokenize")):
            with self.subTest(name):
                folder = self.demo(without=(name,))
                (folder / name).symlink_to(name)
                said = self.fail_with(1, command, "--model", folder,
                                      PICTURE if command == "embed" else "a cat")
                self.assertIn(name, said)
                self.assertIn(os.strerror(errno.ELOOP), said)
                self.assertNotIn("internal error", said)
        long_name = self.folder / ("x" * 300)
        for words in (("embed", "--model", long_name, PICTURE),
                      ("inspect", long_name), ("tokenize", "--model", long_name, "a"),
                      ("convert", "--precision", "f32", long_name, self.folder / "out"),
                      ("convert", "--precision", "f32", self.demo(), long_name),
                      ("embed", "--model", self.demo(), "--output", long_name / "a.npy", PICTURE),
                      ("init", "--config", long_name, self.folder / "out"),
                      ("embed", "--model", self.demo(), long_name),
                      ("embed", "--model", self.demo(), f"@{long_name}")):
            with self.subTest(words):
                said = self.fail_with(1, *words)
                self.assertIn("x" * 300, said)
                self.assertIn(os.strerror(errno.ENAMETOOLONG), said)
                self.assertNotIn("internal error", said)

    @unittest.skipIf(os.geteuid() == 0, "the superuser may read everything")
    def test_missing_permissions(self):
        folder = self.demo()
        for path, command in ((folder, "embed"), (folder / "config.json", "embed"),
                              (folder / "model.safetensors", "inspect"),
                              (folder / "spiece.model", "tokenize")):
            with self.subTest(path.name):
                mode = path.stat().st_mode
                path.chmod(0)
                self.addCleanup(path.chmod, mode)
                words = {"embed": ("embed", "--model", folder, PICTURE),
                         "inspect": ("inspect", folder),
                         "tokenize": ("tokenize", "--model", folder, "a cat")}[command]
                said = self.fail_with(1, *words)
                path.chmod(mode)
                self.assertIn(str(path), said)
                self.assertIn(os.strerror(errno.EACCES), said)


if __name__ == "__main__":
    unittest.main()
