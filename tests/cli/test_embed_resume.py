"""siglip embed --output: what an interrupted run leaves behind, and how --resume goes on from it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import safetensors_io
from command_line import PROGRAM, CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
ENDINGS = ("npy", "npz", "safetensors", "jsonl")


class ResumeTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "out.npy"
        self.partial = self.folder / "out.npy.partial"

    def words(self, *more, output=None):
        return ("embed", "--model", MODEL, "--output", output or self.output, *more)

    def interrupt(self, pictures, signals=(signal.SIGINT,), output=None):
        """Embeds these from a list that does not end, then sends the signals."""
        output = output or self.output
        partial = pathlib.Path(f"{output}.partial")
        process = subprocess.Popen([PROGRAM, *map(str, self.words("-", output=output))],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"".join(os.fsencode(p) + b"\n" for p in pictures))
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while (not partial.exists() or
               any(partial.read_bytes().count(os.fsencode(p)) == 0 for p in pictures)):
            self.assertLess(time.monotonic(), deadline, "the journal does not grow")
            time.sleep(0.01)
        for number in signals:
            process.send_signal(number)
        error = process.stderr.read().decode()
        process.stderr.close()
        process.stdin.close()
        self.assertFalse(output.exists())
        return process.wait(60), error

    def test_control_c_then_resume_equals_an_uninterrupted_run(self):
        for ending in ENDINGS:
            with self.subTest(ending):
                whole, parts = self.folder / f"whole.{ending}", self.folder / f"parts.{ending}"
                self.succeed(*self.words(*PICTURES, output=whole))
                status, error = self.interrupt(PICTURES[3:9], output=parts)
                self.assertEqual(status, 130)
                self.assertIn("--resume", error)
                result = self.succeed(*self.words("--resume", *PICTURES, output=parts))
                self.assertIn(f"{len(PICTURES) - 6} embedded, 6 from the run before",
                              result.stderr)
                self.assertEqual(parts.read_bytes(), whole.read_bytes())
                self.assertFalse(pathlib.Path(f"{parts}.partial").exists())
        self.assertEqual((self.folder / "parts.npy.names.txt").read_bytes(),
                         (self.folder / "whole.npy.names.txt").read_bytes())

    def test_control_c_among_texts_then_resume_equals_an_uninterrupted_run(self):
        texts = self.folder / "texts.txt"
        texts.write_text("".join(f"picture number {i}\n" for i in range(4000)))
        whole = self.folder / "whole.npy"
        self.succeed(*self.words("--text-file", texts, output=whole))
        process = subprocess.Popen([PROGRAM, *map(str, self.words("--text-file", texts))],
                                   stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not self.partial.exists() or b"text:" not in self.partial.read_bytes():
            self.assertLess(time.monotonic(), deadline, "the journal does not grow")
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        error = process.stderr.read().decode()
        process.stderr.close()
        self.assertEqual(process.wait(60), 130)
        self.assertIn("--resume", error)
        self.assertFalse(self.output.exists())
        result = self.succeed(*self.words("--text-file", texts, "--resume"))
        self.assertIn("4000 texts", result.stderr)
        self.assertEqual(self.output.read_bytes(), whole.read_bytes())

    def test_signals(self):
        for signals, statuses in (((signal.SIGTERM,), (143,)),
                                  ((signal.SIGINT, signal.SIGINT), (130,)),
                                  ((signal.SIGINT, signal.SIGTERM), (130, 143))):
            self.assertIn(self.interrupt(PICTURES[:2], signals)[0], statuses)
            self.partial.unlink()
        self.assertEqual(self.interrupt(PICTURES[:2], (signal.SIGKILL,))[0], -signal.SIGKILL)
        result = self.succeed(*self.words("--resume", *PICTURES[:3]))
        self.assertIn("1 embedded, 2 from the run before", result.stderr)

    def test_an_interrupted_run_is_neither_lost_nor_taken_for_another(self):
        self.interrupt(PICTURES[:2])
        before = self.partial.read_bytes()
        error = self.fail_with(1, *self.words(*PICTURES[:3]))
        self.assertIn("--resume", error)
        self.assertIn("--force", error)
        for more, name in ((["--normalize"], "normalize was no, is now yes"), (["--tokens"], "tokens was no, is now yes"),
                           (["--preprocess", "pillow"], "preprocess was torchvision"),
                           (["--alpha", "drop"], "alpha was white"),
                           (["--fast-decode"], "fast decode was no, is now yes")):
            error = self.fail_with(1, *self.words("--resume", *more, *PICTURES[:3]))
            self.assertIn(name, error)
        error = self.fail_with(1, "embed", "--model", self.other_model(), "--output", self.output,
                               "--resume", *PICTURES[:3])
        self.assertIn("weights", error)
        self.assertEqual(self.partial.read_bytes(), before)
        self.succeed(*self.words("--force", "--normalize", *PICTURES[:3]))
        norms = numpy.linalg.norm(numpy.load(self.output), axis=1)
        numpy.testing.assert_allclose(norms, 1, rtol=1e-6)

    def other_model(self):
        """The same architecture with one bit of one weight changed."""
        other = self.folder / "other"
        shutil.copytree(MODEL, other)
        weights = bytearray((other / "model.safetensors").read_bytes())
        name = b'"vision_model.post_layernorm.weight"'
        entry = weights[weights.index(name):].split(b"}")[0]
        begin = int(entry.split(b'"data_offsets":[')[1].split(b",")[0])
        begin += 8 + int.from_bytes(weights[:8], "little")
        weights[begin + 2] ^= 1
        (other / "model.safetensors").write_bytes(weights)
        return other

    def test_a_torn_journal_is_cut_off(self):
        self.succeed(*self.words(*PICTURES[:5]))
        whole = self.output.read_bytes()
        self.output.unlink()
        (self.folder / "out.npy.names.txt").unlink()
        self.interrupt(PICTURES[:4])
        journal = self.partial.read_bytes()
        self.assertEqual(journal.count(b".jpg"), 4)
        damaged = bytearray(journal)
        damaged[-500] ^= 1
        for torn, left in ((journal[:-1], 3), (damaged, 3), (journal + b"\0" * 100, 4),
                           (journal + b"\xff" * 5000, 4), (journal[:-10] + b"\0" * 4096, 3)):
            self.partial.write_bytes(torn)
            result = self.succeed(*self.words("--resume", "--force", *PICTURES[:5]))
            self.assertIn(f"{5 - left} embedded, {left} from the run before", result.stderr)
            self.assertEqual(self.output.read_bytes(), whole)

    def test_what_is_no_journal_is_refused(self):
        self.interrupt(PICTURES[:2])
        journal = self.partial.read_bytes()
        for content in (b"x", b"y" * 1000, journal[:20], journal[:8] + b"\xff" * 100,
                        journal[:17] + b"#" + journal[18:]):
            self.partial.write_bytes(content)
            self.assertIn("not the journal", self.fail_with(1, *self.words("--resume", *PICTURES)))
            self.assertEqual(self.partial.read_bytes(), content)

    def test_inputs_may_change_between_runs(self):
        bad = self.folder / "bad.jpg"
        bad.write_text("not yet a picture")
        self.interrupt([PICTURES[2], PICTURES[4], PICTURES[6]])
        shutil.copy(PICTURES[0], bad)
        inputs = [PICTURES[1], bad, PICTURES[4], PICTURES[5], PICTURES[2], PICTURES[4]]
        result = self.succeed(*self.words("--resume", *inputs))
        self.assertIn("3 embedded, 3 from the run before", result.stderr)
        resumed = self.output.read_bytes()
        self.succeed(*self.words("--force", *inputs))
        self.assertEqual(self.output.read_bytes(), resumed)

    def test_a_picture_that_has_changed_is_embedded_again(self):
        pictures = [self.folder / f"{i}.jpg" for i in range(4)]
        for copy, picture in zip(pictures, PICTURES):
            shutil.copy(picture, copy)
        times = pictures[1].stat()
        self.interrupt(pictures)
        with open(pictures[0], "ab") as file:
            file.write(b"x")  # another size at the same time
        os.utime(pictures[0], ns=(pictures[0].stat().st_atime_ns, times.st_mtime_ns))
        size = pictures[1].stat().st_size
        content = PICTURES[2].read_bytes()  # another picture of the same size, a nanosecond later
        pictures[1].write_bytes(content + b"\0" * (size - len(content)))
        os.utime(pictures[1], ns=(times.st_atime_ns, times.st_mtime_ns + 1))
        self.assertEqual(pictures[1].stat().st_size, size)
        result = self.succeed(*self.words("--resume", *pictures))
        self.assertIn("2 embedded, 2 from the run before", result.stderr)
        resumed = self.output.read_bytes()
        self.succeed(*self.words("--force", *pictures))
        self.assertEqual(self.output.read_bytes(), resumed)

    def test_a_picture_that_is_gone_fails(self):
        copy = self.folder / "copy.jpg"
        shutil.copy(PICTURES[0], copy)
        self.interrupt([copy])
        copy.unlink()
        self.assertIn("copy.jpg", self.fail_with(3, *self.words("--resume", copy, PICTURES[1])))
        self.assertEqual(len(numpy.load(self.output)), 1)

    def test_a_picture_and_a_text_of_one_name(self):
        picture = self.folder / "text:a.jpg"
        shutil.copy(PICTURES[0], picture)
        expected = self.succeed("embed", "--model", MODEL, "--text", "a.jpg", PICTURES[0]).stdout
        expected = numpy.array([json.loads(line)["embedding"] for line in expected.splitlines()],
                               "<f4").tolist()
        for ending in ENDINGS:
            with self.subTest(ending):
                # The text is in the journal, the picture is not.
                output = self.folder / f"out.{ending}"
                words = self.words("--text", "a.jpg", "-", output=output)
                process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL)
                partial = pathlib.Path(f"{output}.partial")
                while not partial.exists() or b"text:a.jpg" not in partial.read_bytes():
                    time.sleep(0.01)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
                self.succeed(*self.words("--resume", "--text", "a.jpg", "text:a.jpg",
                                         output=output), cwd=self.folder)
        names = ["text:a.jpg", "./text:a.jpg"]
        archive = numpy.load(self.folder / "out.npz")
        self.assertEqual(archive["names"].tolist(), names)
        self.assertEqual(archive["embeddings"].tolist(), expected)
        self.assertEqual((self.folder / "out.npy.names.txt").read_text().splitlines(), names)
        self.assertEqual(numpy.load(self.folder / "out.npy").tolist(), expected)
        tensors = safetensors_io.read(self.folder / "out.safetensors")
        self.assertEqual(tensors["names_utf8"].tobytes().decode(), "".join(names))
        self.assertEqual(tensors["embeddings"].tolist(), expected)
        lines = [json.loads(line) for line in (self.folder / "out.jsonl").read_text().splitlines()]
        self.assertEqual([(line["type"], line["path"]) for line in lines],
                         [("text", "text:a.jpg"), ("picture", "text:a.jpg")])

    def test_a_failed_input_is_tried_again(self):
        bad = self.folder / "bad.jpg"
        bad.write_text("not yet a picture")
        process = subprocess.Popen([PROGRAM, *map(str, self.words("-"))], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(os.fsencode(bad) + b"\n")
        process.stdin.flush()
        self.assertIn(b"bad.jpg", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        shutil.copy(PICTURES[0], bad)
        self.succeed(*self.words("--resume", bad, PICTURES[1]))
        self.assertEqual(len(numpy.load(self.output)), 2)

    def test_existing_outputs_are_kept(self):
        self.succeed(*self.words(PICTURES[0]))
        before = self.output.read_bytes()
        for more in ([], ["--resume"]):
            self.assertIn("--force", self.fail_with(1, *self.words(*more, PICTURES[1])))
        self.assertEqual(self.output.read_bytes(), before)
        self.succeed(*self.words("--force", PICTURES[1]))
        self.assertNotEqual(self.output.read_bytes(), before)
        self.output.unlink()  # the names beside it count too
        self.assertIn("names.txt", self.fail_with(1, *self.words(PICTURES[1])))

    def test_two_runs_do_not_share_an_output(self):
        process = subprocess.Popen([PROGRAM, *map(str, self.words("-"))], stdin=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        while not self.partial.exists() or self.partial.stat().st_size == 0:
            time.sleep(0.01)
        for more in ("--resume", "--force"):
            self.assertIn("another run", self.fail_with(1, *self.words(more, PICTURES[0])))
        process.stdin.write(os.fsencode(PICTURES[0]) + b"\n")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_outputs_that_cannot_be_written(self):
        self.fail_with(1, *self.words(PICTURES[0], output=self.folder / "nowhere" / "out.npy"))
        (self.folder / "folder.npy").mkdir()
        self.fail_with(1, *self.words(PICTURES[0], output=self.folder / "folder.npy"))
        for ending in ("", ".txt", ".np"):
            output = self.folder / f"out{ending}"
            self.assertIn(".npz", self.fail_with(2, *self.words(PICTURES[0], output=output)))
        self.fail_with(2, "embed", "--model", MODEL, "--resume", PICTURES[0])
        self.fail_with(2, "embed", "--model", MODEL, "--force", PICTURES[0])


if __name__ == "__main__":
    unittest.main()
