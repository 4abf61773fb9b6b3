"""JSON as Python reads and writes it."""

import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import CommandTest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "examples" / "images" / "00.jpg"

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


if __name__ == "__main__":
    unittest.main()
