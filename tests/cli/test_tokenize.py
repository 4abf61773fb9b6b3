"""siglip tokenize: the ids of transformers and open_clip, from arguments and lists."""

import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import open_clip_files
import safetensors_io
from command_line import GOLDEN, CommandTest

DEMO = GOLDEN.parent.parent / "models" / "demo"
TEXT = GOLDEN / "text"
SIGLIP = TEXT / "sentencepiece"
SIGLIP2 = TEXT / "gemma"
OPEN_CLIP = GOLDEN / "open_clip"


class TokenizeTest(CommandTest):
    def tokenize(self, model, *words, **options):
        result = self.succeed("tokenize", "--json", "--model", model, *words, **options)
        found = json.loads(result.stdout)
        self.assertEqual(list(found), ["input_ids"])
        return found["input_ids"]

    def test_every_golden_row(self):
        rows = json.loads((TEXT / "expected.json").read_text(encoding="utf-8"))["rows"]
        texts = [row["text"] for row in rows]
        for model, key in ((SIGLIP, "siglip_hf"), (SIGLIP2, "siglip2")):
            found = self.tokenize(model, "--", *texts)
            self.assertEqual(found, [row[key] for row in rows])

    def test_open_clip(self):
        rows = json.loads((OPEN_CLIP / "expected.json").read_text(encoding="utf-8"))["rows"]
        length, pad = 24, 1
        rows = [row for row in rows
                if len(row["siglip"]) <= length and row["text"][:1] not in "@-" and "\0" not in row["text"]]
        self.assertGreater(len(rows), 50)
        found = self.tokenize(OPEN_CLIP / "siglip", "--", *(row["text"] for row in rows))
        self.assertEqual(found, [row["siglip"] + [pad] * (length - len(row["siglip"])) for row in rows])

    def test_texts_of_a_whole_open_clip_checkpoint_are_cleaned_everywhere(self):
        model = self.folder / "model"
        shutil.copytree(OPEN_CLIP / "siglip", model)
        safetensors_io.write(model / "open_clip_model.safetensors", open_clip_files.to_open_clip(
            safetensors_io.read(DEMO / "model.safetensors")))

        def embedding(folder, text):
            said = self.succeed("embed", "--model", folder, "--text", text).stdout
            return json.loads(said)["embedding"]

        self.assertEqual(embedding(model, "A_cat."), embedding(model, "a cat"))
        told = self.succeed("classify", "--model", model, "--labels", "red,RED!", "--json",
                            GOLDEN / "images" / "rgb.png").stdout
        self.assertEqual(*(label["probability"] for label in json.loads(told)["labels"]))
        self.succeed("convert", "--precision", "f32", model, self.folder / "packed")
        self.assertEqual(embedding(self.folder / "packed", "A_cat."), embedding(model, "a cat"))
        # transformers cleans no texts, which is said.
        said = self.succeed("convert", "--to", "hf", model, self.folder / "hf").stdout
        self.assertIn("no longer cleaned", said)
        self.assertNotEqual(embedding(self.folder / "hf", "A_cat."), embedding(model, "a cat"))
        self.assertNotIn("cleaned", self.succeed(
            "convert", "--to", "hf", DEMO, self.folder / "demo").stdout)

    def test_padding_on_the_left(self):
        model = self.folder / "left"
        shutil.copytree(OPEN_CLIP / "siglip", model)
        config = json.loads((model / "tokenizer_config.json").read_text())
        (model / "tokenizer_config.json").write_text(json.dumps({**config, "padding_side": "left"}))
        row, = self.tokenize(model, "a photo of a cat")
        self.assertEqual(row, [1] * 15 + [3, 8, 4, 3, 107, 95, 106, 103, 1])
        shown = self.succeed("tokenize", "--model", model, "a photo of a cat").stdout
        self.assertIn("       8  \u2581photo\n", shown)
        self.assertIn("</s>  x 15 (padding)", shown)

    def test_lists(self):
        texts = ["a photo of a cat", "@home", "-", "[a, b]", " two  dogs", "naïve"]
        expected = [[23, 151, 56, 42, 183, 38, 23, 163, 82] + [1] * 55]
        (self.folder / "list.txt").write_text("\n".join(texts) + "\r\n\n", encoding="utf-8")
        found = self.tokenize(SIGLIP, f"@{self.folder / 'list.txt'}")
        self.assertEqual(found[:1], expected)
        self.assertEqual(len(found), len(texts))
        self.assertEqual(self.tokenize(SIGLIP, "-", input="\n".join(texts)), found)
        self.assertEqual(self.tokenize(SIGLIP, texts[0], "-", texts[5], input=texts[4]),
                         [found[0], found[4], found[5]])
        self.assertEqual(self.tokenize(SIGLIP, "-", input=""), [])
        self.assertIn("nowhere.txt", self.fail_with(1, "tokenize", "--model", SIGLIP,
                                                    f"@{self.folder}/nowhere.txt"))

    def test_texts_are_taken_as_they_are(self):
        brackets, empty, flag = self.tokenize(SIGLIP2, "--max-length", 8, "--", "[a,b]", "",
                                              "--json")
        self.assertEqual(brackets, [293, 299, 272, 300, 295, 1, 0, 0])  # [ a , b ]
        self.assertEqual(empty, [1] + [0] * 7)
        self.assertEqual(len(flag), 8)

    def test_length(self):
        long_text = "a photo of a cat " * 20
        for length in (1, 5, 64, 200):
            row, = self.tokenize(SIGLIP, "--max-length", length, long_text)
            self.assertEqual(len(row), length)
            self.assertEqual(row[-1], 1)
        for length in ("0", "-1", "65537", "many"):
            self.fail_with(2, "tokenize", "--model", SIGLIP, "--max-length", length, "a")

    def test_length_of_the_model(self):
        model = self.folder / "model"
        shutil.copytree(SIGLIP2, model)
        self.assertEqual(len(self.tokenize(model, "a")[0]), 64)
        (model / "config.json").write_text('{"text_config": {"max_position_embeddings": 16}}')
        self.assertEqual(len(self.tokenize(model, "a")[0]), 16)

    def test_case_of_an_old_file(self):
        model = self.folder / "model"
        shutil.copytree(SIGLIP2, model)
        file = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
        file["normalizer"] = file["normalizer"]["normalizers"][1]
        (model / "tokenizer.json").write_text(json.dumps(file), encoding="utf-8")
        lower, = self.tokenize(SIGLIP2, "two dogs")
        self.assertEqual(self.tokenize(model, "TWO Dogs"), [lower])
        kept, = self.tokenize(model, "--keep-file-case", "TWO Dogs")
        self.assertNotEqual(kept, lower)

    def test_pieces_for_people(self):
        shown = self.succeed("tokenize", "--model", SIGLIP2, "--max-length", "8", "a\tcat").stdout
        self.assertEqual(shown.splitlines(), [
            "a\\x09cat", "     299  a", "      14  <0x09>", "     301  c", "     415  at",
            "       1  <eos>", "       0  <pad>  x 3 (padding)"])

    def test_failures(self):
        self.fail_with(2, "tokenize", "--model", SIGLIP)
        self.fail_with(2, "tokenize", "a")
        self.assertIn("no tokenizer", self.fail_with(1, "tokenize", "--model", self.folder, "a"))
        (self.folder / "spiece.model").write_bytes(b"\x0a\xff")
        error = self.fail_with(1, "tokenize", "--model", self.folder, "a")
        self.assertIn("spiece.model", error)
        self.assertEqual(error.count("\n"), 1, "something else was printed")


if __name__ == "__main__":
    unittest.main()
