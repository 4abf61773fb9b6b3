"""siglip embed: what it takes, what it writes, and what it says when something is wrong."""

import base64
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import PROGRAM, CommandTest, run_on_terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))


def rows(lines):
    """JSON lines as a list of (path, vector)."""
    found = [json.loads(line) for line in lines.splitlines()]
    return [(row["path"], numpy.array(row["embedding"], "<f4")) for row in found]


class EmbedCommandTest(CommandTest):
    def embed(self, *words, **options):
        return self.succeed("embed", "--model", MODEL, *words, **options)

    def make_folder(self, names=("b.jpg", "a.jpg", "sub/c.jpg", "d.jpg")):
        folder = self.folder / "pictures"
        for name, picture in zip(names, PICTURES):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, folder / name)
        return folder


class OutputTest(EmbedCommandTest):
    def test_json_lines_on_standard_output(self):
        result = self.embed(*PICTURES[:3])
        found = rows(result.stdout)
        self.assertEqual([path for path, _ in found], [str(p) for p in PICTURES[:3]])
        self.assertEqual({vector.shape for _, vector in found}, {found[0][1].shape})
        self.assertFalse(numpy.array_equal(found[0][1], found[1][1]))
        self.assertIn("3 embedded, 0 failed, 0 passed over", result.stderr)

    def test_texts_come_first_and_are_named_as_such(self):
        file = self.folder / "texts.txt"
        file.write_text("a blue star\n\nÜber alles, [x]\n", encoding="utf-8")
        words = ("--text", "a red circle", PICTURES[0], "--text", "[a, b]", "--text-file", file)
        result = self.embed(*words)
        found = rows(result.stdout)
        self.assertEqual([path for path, _ in found],
                         ["text:a red circle", "text:[a, b]", "text:a blue star",
                          "text:Über alles, [x]", str(PICTURES[0])])
        self.assertRegex(result.stderr, r"siglip: 4 texts, [\d.]+ texts/s\nsiglip: 1 embedded")
        self.assertTrue(numpy.array_equal(found[-1][1], rows(self.embed(PICTURES[0]).stdout)[0][1]))
        alone = rows(self.embed("--text", "a blue star").stdout)
        self.assertTrue(numpy.array_equal(found[2][1], alone[0][1]))
        stdin = rows(self.embed("--text-file", "-", input="a blue star\n").stdout)
        self.assertTrue(numpy.array_equal(stdin[0][1], alone[0][1]))
        normal = rows(self.embed("--text", "a blue star", "--normalize").stdout)[0][1]
        numpy.testing.assert_allclose(normal, alone[0][1] / numpy.linalg.norm(alone[0][1]),
                                      rtol=1e-6)
        output = self.folder / "rows.npz"
        self.embed(*words, "--output", output)
        file = numpy.load(output)
        self.assertEqual(len(next(value for value in file.values() if value.ndim == 2)), 5)

    def test_texts_alone_need_nothing_of_the_image_tower(self):
        expected = self.embed("--text", "a star", PICTURES[0]).stdout.splitlines()[0]
        folder = self.folder / "model"
        shutil.copytree(MODEL, folder)
        (folder / "preprocessor_config.json").unlink()
        found = self.succeed("embed", "--model", folder, "--text", "a star")
        self.assertEqual(found.stdout.splitlines(), [expected])
        self.assertRegex(found.stderr, r"^siglip: 1 text, [\d.]+ texts/s\n$")
        error = self.fail_with(1, "embed", "--model", folder, "--text", "a star", PICTURES[0])
        self.assertIn("preprocessor_config.json", error)
        empty = self.folder / "empty.txt"
        empty.write_text("\n")
        error = self.fail_with(1, "embed", "--model", folder, "--text-file", empty)
        self.assertIn("there are no texts among the inputs", error)

    def test_texts_and_tokens_do_not_go_together(self):
        self.assertIn("--tokens", self.fail_with(2, "embed", "--model", MODEL, "--tokens",
                                                 "--text", "a star"))
        self.assertIn("--text", self.fail_with(2, "embed", "--model", MODEL))

    def test_precisions_are_close_to_float(self):
        exact = rows(self.embed(*PICTURES).stdout)
        for precision, worst in (("f32", 1.0), ("bf16", 0.9995), ("int8", 0.998)):
            near = rows(self.embed("--precision", precision, *PICTURES).stdout)
            for (path, a), (_, b) in zip(exact, near):
                cosine = a @ b / numpy.sqrt((a @ a) * (b @ b))
                self.assertGreaterEqual(cosine, worst - 1e-6, (precision, path))
            same = all(numpy.array_equal(a, b) for (_, a), (_, b) in zip(exact, near))
            self.assertEqual(same, precision == "f32")

    def test_unknown_precision_is_wrong_usage(self):
        said = self.fail_with(2, "embed", "--model", MODEL, "--precision", "fp16", PICTURES[0])
        self.assertIn("f32, bf16, int8", said)

    def test_all_formats_hold_the_same(self):
        expected = rows(self.embed(*PICTURES).stdout)
        names = [path for path, _ in expected]
        matrix = numpy.stack([vector for _, vector in expected])
        for ending in ("npy", "npz", "safetensors", "jsonl"):
            result = self.embed("--output", self.folder / f"out.{ending}", *PICTURES)
            self.assertEqual(result.stdout, "")
        found = numpy.load(self.folder / "out.npy")
        self.assertEqual((found.dtype, found.tobytes()), (matrix.dtype, matrix.tobytes()))
        self.assertEqual(found.shape, matrix.shape)
        self.assertEqual((self.folder / "out.npy.names.txt").read_text().splitlines(), names)
        archive = numpy.load(self.folder / "out.npz")
        self.assertEqual(sorted(archive.files), ["embeddings", "names"])
        self.assertEqual(archive["embeddings"].tobytes(), matrix.tobytes())
        self.assertEqual(archive["names"].tolist(), names)
        tensors = safetensors_io.read(self.folder / "out.safetensors")
        self.assertEqual(tensors["embeddings"].tobytes(), matrix.tobytes())
        self.assertEqual(tensors["embeddings"].shape, matrix.shape)
        text, ends = tensors["names_utf8"].tobytes(), tensors["names_offsets"]
        self.assertEqual([text[a:b].decode() for a, b in zip(ends, ends[1:])], names)
        lines = rows((self.folder / "out.jsonl").read_text())
        self.assertEqual([path for path, _ in lines], names)
        self.assertEqual(numpy.stack([vector for _, vector in lines]).tobytes(), matrix.tobytes())
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), [
            "out.jsonl", "out.npy", "out.npy.names.txt", "out.npz", "out.safetensors"])

    def test_csv(self):
        names = ['a, "b".jpg', "line\nbreak\r.jpg", "caf\udce9.jpg", "größe.jpg"]
        folder = self.make_folder(names)
        words = ("--text", "a star, blue", folder)
        result = self.embed("--output", self.folder / "out.csv", *words)
        self.assertEqual(result.stdout, "")
        with open(self.folder / "out.csv", newline="", encoding="utf-8",
                  errors="surrogateescape") as file:
            header, *found = csv.reader(file)
        expected = rows(self.embed(*words).stdout)
        self.assertEqual(header, ["path", *map(str, range(len(expected[0][1])))])
        self.assertEqual([row[0] for row in found], ["text:a star, blue"] + [
            f"{folder}/{name}" for name in sorted(names, key=os.fsencode)])
        self.assertEqual(numpy.array([row[1:] for row in found], "f4").tobytes(),
                         numpy.stack([vector for _, vector in expected]).tobytes())
        error = self.fail_with(2, "embed", "--model", MODEL, "--tokens", "--output",
                               self.folder / "x.csv", PICTURES[0])
        self.assertIn("--tokens", error)

    def test_threads_and_batch_never_change_a_bit(self):
        expected = self.embed("--threads", 1, *PICTURES).stdout
        for threads, batch in ((1, 5), (2, 1), (3, 2), (4, 0)):
            found = self.embed("--threads", threads, "--batch", batch, *PICTURES).stdout
            self.assertEqual(found, expected)
        alone = "".join(self.embed("--threads", 4, p).stdout for p in PICTURES[:5])
        self.assertEqual(alone.splitlines(), expected.splitlines()[:5])

    def test_normalize(self):
        plain = rows(self.embed(*PICTURES[:4]).stdout)
        unit = rows(self.embed("--normalize", *PICTURES[:4]).stdout)
        for (_, vector), (_, normalized) in zip(plain, unit):
            norm = numpy.float32(numpy.linalg.norm(vector.astype("f8")))
            numpy.testing.assert_array_equal(normalized, vector / norm)

    def test_tokens(self):
        config = json.loads((MODEL / "config.json").read_text())["vision_config"]
        tokens = (config["image_size"] // config["patch_size"]) ** 2
        shape = (tokens, config["hidden_size"])
        line = rows(self.embed("--tokens", PICTURES[0]).stdout)[0][1]
        self.assertEqual(line.shape, shape)
        output = self.folder / "tokens.npy"
        self.embed("--tokens", "--output", output, *PICTURES[:3])
        found = numpy.load(output)
        self.assertEqual(found.shape, (3, *shape))
        self.assertEqual(found[0].tobytes(), line.tobytes())

    def test_preprocessing_modes_differ(self):
        pixels = {mode: self.embed("--preprocess", mode, PICTURES[0]).stdout
                  for mode in ("torchvision", "pillow")}
        self.assertEqual(pixels["torchvision"], self.embed(PICTURES[0]).stdout)
        vectors = [rows(text)[0][1] for text in pixels.values()]
        numpy.testing.assert_allclose(*vectors, atol=0.5)

    def test_a_model_without_a_head_has_tokens_only(self):
        config = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2,
                  "num_hidden_layers": 1, "image_size": 32, "patch_size": 16,
                  "vision_use_head": False, "model_type": "siglip_vision_model"}
        (self.folder / "config.json").write_text(json.dumps(config))
        self.succeed("init", "--config", self.folder / "config.json", self.folder / "model")
        words = ("embed", "--model", self.folder / "model", PICTURES[0])
        self.assertIn("--tokens", self.fail_with(1, *words))
        vector = rows(self.succeed(*words, "--tokens").stdout)[0][1]
        self.assertEqual(vector.shape, (4, 32))


class InputTest(EmbedCommandTest):
    def paths(self, result):
        return [json.loads(line)["path"] for line in result.stdout.splitlines()]

    def test_folders_are_walked_in_the_order_of_paths(self):
        folder = self.make_folder(("b.jpg", "a/z.jpg", "a.jpg", "a/b/c.JPEG", "a0.jpg", ".h.jpg",
                                   ".hidden/x.jpg", "no-ending"))
        (folder / "notes.txt").write_text("not a picture")
        (folder / "empty").mkdir()
        os.mkfifo(folder / "pipe.jpg")
        (folder / "dangling.jpg").symlink_to("nowhere")
        result = self.embed(folder)
        found = self.paths(result)
        self.assertEqual(found, sorted(found, key=os.fsencode))
        self.assertEqual([os.path.relpath(path, folder) for path in found],
                         ["a.jpg", "a/b/c.JPEG", "a/z.jpg", "a0.jpg", "b.jpg", "no-ending"])
        self.assertIn("6 embedded, 0 failed, 4 passed over", result.stderr)
        self.assertEqual(self.embed(str(folder) + "/").stdout, result.stdout)

    def test_links_that_go_round_in_circles(self):
        folder = self.make_folder(("a/one.jpg", "b/two.jpg"))
        (folder / "a" / "up").symlink_to("..")
        (folder / "a" / "other").symlink_to("../b")
        (folder / "b" / "self").symlink_to(".")
        (folder / "link.jpg").symlink_to("a/one.jpg")
        found = self.paths(self.embed(folder))
        self.assertEqual([os.path.relpath(path, folder) for path in found],
                         ["a/one.jpg", "a/other/two.jpg", "link.jpg"])

    def test_lists(self):
        names = [str(p) for p in PICTURES[:4]]
        for text in ("\n".join(names), "\r\n".join(names) + "\r\n", "\n\n".join(names) + "\n\n"):
            (self.folder / "list.txt").write_text(text)
            self.assertEqual(self.paths(self.embed(f"@{self.folder}/list.txt")), names)
            self.assertEqual(self.paths(self.embed("-", input=text)), names)
        folder = self.make_folder(("x.jpg",))
        found = self.paths(self.embed(PICTURES[5], "-", PICTURES[6], input=f"{folder}\n"))
        self.assertEqual(found, [str(PICTURES[5]), str(folder / "x.jpg"), str(PICTURES[6])])
        self.assertIn("list", self.fail_with(1, "embed", "--model", MODEL, "@" + names[0] + "?"))
        self.fail_with(1, "embed", "--model", MODEL, f"@{self.folder}")
        (self.folder / "list.txt").write_text("x" * 100_000)
        self.fail_with(1, "embed", "--model", MODEL, f"@{self.folder}/list.txt")

    def test_a_list_is_answered_line_by_line(self):
        process = subprocess.Popen([PROGRAM, "embed", "--model", MODEL, "--quiet", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for picture in PICTURES[:5]:
            process.stdin.write(os.fsencode(picture) + b"\n")
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline())["path"], str(picture))
        self.assertEqual(process.communicate(timeout=60), (b"", None))
        self.assertEqual(process.returncode, 0)

    def test_bad_files_fail_alone(self):
        folder = self.make_folder()
        (folder / "broken.jpg").write_bytes(PICTURES[0].read_bytes()[:2000])
        (folder / "empty.png").touch()
        (folder / "fake.jpg").write_text("hello")
        (folder / "notes.txt").write_text("hello")
        output = self.folder / "out.npy"
        error = self.fail_with(3, "embed", "--model", MODEL, "--output", output, folder)
        for name in ("broken.jpg", "empty.png", "fake.jpg"):
            self.assertEqual(error.count(f"siglip: {folder}/{name}: "), 1, error)
        self.assertIn("4 embedded, 3 failed, 1 passed over", error)
        self.assertEqual(len(numpy.load(output)), 4)
        self.assertEqual((self.folder / "out.npy.names.txt").read_text().splitlines(),
                         [f"{folder}/{name}" for name in ("a.jpg", "b.jpg", "d.jpg", "sub/c.jpg")])
        # Named directly, a file must be a picture.
        error = self.fail_with(3, "embed", "--model", MODEL, "--quiet", PICTURES[0],
                               folder / "notes.txt", self.folder / "absent.jpg")
        self.assertEqual(len(error.splitlines()), 2)

    def test_nothing_done(self):
        empty = self.folder / "empty"
        empty.mkdir()
        output = self.folder / "out.npy"
        words = ("embed", "--model", MODEL, "--output", output)
        self.assertIn("no pictures", self.fail_with(1, *words, empty))
        (empty / "notes.txt").touch()
        self.assertIn("1 passed over", self.fail_with(1, *words, empty))
        self.fail_with(1, *words, self.folder / "absent.jpg")
        for option in ("--max-pixels", "--max-file-bytes", "--max-memory"):
            said = self.fail_with(1, *words, option, 100, PICTURES[0])
            self.assertIn(f"({option} raises the limit", said)  # as it is called here, not in C++
        self.fail_with(1, *words, "--max-file-bytes", "1K", PICTURES[0])
        self.assertEqual(list(self.folder.glob("out*")), [])
        self.embed("--max-pixels", "1M", "--max-file-bytes", "1M", "--max-memory", "256M",
                   PICTURES[0])

    def test_names_of_any_bytes(self):
        names = [b"a b.jpg", b"line\nbreak\r.jpg", b"back\\slash.jpg", b"caf\xe9.jpg",
                 "größe-日本-😀.jpg".encode(), b"\xed\xa0\x80quote\".jpg", b"\x1b[31m.jpg"]
        folder = os.fsencode(self.folder / "pictures")
        os.mkdir(folder)
        paths = sorted(folder + b"/" + name for name in names)
        for path, picture in zip(paths, PICTURES):
            shutil.copy(picture, path)
        for row, path in zip(map(json.loads, self.embed(os.fsdecode(folder)).stdout.splitlines()),
                             paths):
            try:
                self.assertEqual(row["path"], path.decode())
                self.assertNotIn("path_base64", row)
            except UnicodeDecodeError:
                self.assertIn("\ufffd", row["path"])
                self.assertEqual(base64.b64decode(row["path_base64"]), path)
        for ending in ("npy", "npz", "safetensors"):
            self.embed("--output", self.folder / f"out.{ending}", os.fsdecode(folder))
        lines = (self.folder / "out.npy.names.txt").read_bytes().split(b"\n")[:-1]
        escape = [(b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\r", b"\\r")]
        for line, path in zip(lines, paths, strict=True):
            for plain, escaped in escape:
                path = path.replace(plain, escaped)
            self.assertEqual(line, path)
        archive = numpy.load(self.folder / "out.npz")
        self.assertEqual([os.fsencode(name) for name in archive["names"].tolist()], paths)
        tensors = safetensors_io.read(self.folder / "out.safetensors")
        text, ends = tensors["names_utf8"].tobytes(), tensors["names_offsets"]
        self.assertEqual([text[a:b] for a, b in zip(ends, ends[1:])], paths)
        # What is said about such a file cannot command the terminal.
        error = self.fail_with(1, "embed", "--model", MODEL, "absent\x1b[2J\n.jpg")
        self.assertNotIn("\x1b", error)
        self.assertIn("absent\\x1b[2J\\x0a.jpg", error)

    def test_standard_output_closed(self):
        folder = self.make_folder()
        many = [str(folder)] * 50
        process = subprocess.Popen([PROGRAM, "embed", "--model", MODEL, "--quiet", *many],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(60), 1)
        # Not even open at the start: what is opened later must not be taken for it.
        result = subprocess.run(["/bin/sh", "-c", '"$0" "$@" >&-', PROGRAM, "embed", "--model",
                                 MODEL, folder], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output", result.stderr)
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([PROGRAM, "embed", "--model", MODEL, folder], stdout=full,
                                    stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output", result.stderr)

    def test_progress_bar_on_a_terminal(self):
        status, shown = run_on_terminal("embed", "--model", MODEL, "--threads", "1", *PICTURES * 40,
                                        stdout=subprocess.DEVNULL)
        self.assertEqual(status, 0)
        self.assertIn(b"/%d [" % (40 * len(PICTURES)), shown)
        self.assertIn(b" pictures/s", shown)
        self.assertIn(b" left", shown)
        # At the end the bar is gone.
        self.assertRegex(shown.split(b"\x1b[K")[-1], rb"^siglip: \d+ embedded[^\r]*\r\n$")


if __name__ == "__main__":
    unittest.main()
