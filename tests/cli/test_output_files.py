"""What files hold after a death, a full disk, an interruption or a wrong command line: all or nothing."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import big_vision_files
import failing_calls
import safetensors_io
from command_line import GOLDEN, PROGRAM, CommandTest, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
TOWER = GOLDEN / "vision-head"
CONFIG = TOWER / "config.json"
# Every so many calls; all of them but where a run takes long.
STRIDE = int(os.environ.get("SIGLIP_TEST_STRIDE", "1"))
ENDINGS = ("npy", "npz", "safetensors", "jsonl")


def contents(folder):
    """Name -> bytes of all files below."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


class OutputTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "place"  # nothing but what is written lies here
        self.place.mkdir()

    def output(self, ending):
        return self.place / f"out.{ending}"

    def embed(self, ending, *words):
        return ("embed", "--quiet", "--threads", "1", "--model", MODEL, "--output",
                self.output(ending), *words)

    def whole_run(self, words, before=None):
        """What the command writes into an empty folder, or into one with these files."""
        self.reset(before or {})
        self.succeed(*words)
        return contents(self.place)

    def reset(self, files):
        shutil.rmtree(self.place)
        self.place.mkdir()
        for name, content in files.items():
            (self.place / name).parent.mkdir(exist_ok=True)
            (self.place / name).write_bytes(content)

    def deaths(self, words, before, refuse=()):
        """Runs the command from the same start again and again, each time killed one call later;
        yields after every death."""
        for count in itertools.count(1, STRIDE):
            self.reset(before)
            status = run(*words, variables=failing_calls.variables(
                kill=count, refuse=refuse)).returncode
            if status == 0:
                self.assertGreater(count, 5, "the calls were not seen")
                return
            self.assertEqual(status, -signal.SIGKILL)
            with self.subTest(killed_before_call=count):
                yield
        raise AssertionError

    def paused(self, words, name="fsync"):
        """The command, stopped before its first call of this name."""
        environment = {**os.environ, **failing_calls.variables(pause=name)}
        process = subprocess.Popen([PROGRAM, *map(str, words)], env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status), status)
        return process

    def go_on(self, process, *signals):
        """Its exit status, and what it says."""
        for number in signals:
            process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        said = process.stderr.read().decode()
        return process.wait(60), said

    def commands(self):
        """One of each command that writes, with what lies in the folder afterwards."""
        pixels = self.folder / "pixels.safetensors"
        inputs = safetensors_io.read(TOWER / "input.safetensors")
        safetensors_io.write(pixels, {"pixel_values": inputs["pixel_values"][:1]})
        archive = self.folder / "model.npz"
        big_vision_files.write(archive, big_vision_files.to_big_vision(TOWER))
        return {
            "embed": self.embed("npy", *PICTURES[:2]),
            "run": ("run", "--model", TOWER, "--input", pixels, "--output",
                    self.output("safetensors")),
            "preprocess": ("preprocess", "--model", MODEL, "--output", self.output("safetensors"),
                           *PICTURES[:2]),
            "init": ("init", "--config", CONFIG, self.place / "new"),
            "convert": ("convert", "--precision", "int8", MODEL, self.place / "new"),
            "convert --to hf": ("convert", "--to", "hf", archive, self.place / "new"),
        }


class DeathTest(OutputTest):
    def test_npy_steps(self):
        self.reset({"out.npy": b"old", "out.npy.names.txt": b"old"})
        log = self.folder / "log"
        self.succeed(*self.embed("npy", "--force", *PICTURES[:2]),
                     variables=failing_calls.variables(log=log))
        steps = [tuple(line.split(" ")) for line in log.read_text().splitlines()]
        steps = [(call, pathlib.Path(path).name.split(".tmp.")[0]) for call, path in steps]
        first = steps.index(("fsync", "out.npy"))
        self.assertEqual(steps[first:], [
            ("fsync", "out.npy"), ("fsync", "out.npy.names.txt"), ("unlink", "out.npy.names.txt"),
            ("rename", "out.npy"), ("rename", "out.npy.names.txt"), ("fsync", "place"),
            ("unlink", "out.npy.partial")])

    def test_npy_names_belong_to_the_matrix_or_are_missing(self):
        old = self.whole_run(self.embed("npy", *PICTURES[:2]))
        new = self.whole_run(self.embed("npy", *PICTURES[2:5]))
        words = self.embed("npy", "--force", *PICTURES[2:5])
        for _ in self.deaths(words, old):
            found = contents(self.place)
            names = found.get("out.npy.names.txt")
            if names is not None:
                whole = old if names == old["out.npy.names.txt"] else new
                self.assertEqual(names, whole["out.npy.names.txt"])
                self.assertEqual(found["out.npy"], whole["out.npy"])
            self.assertIn(found["out.npy"], (old["out.npy"], new["out.npy"]))
            self.succeed(*words, "--resume")
            self.assertEqual(contents(self.place), new)

    def test_a_new_output_is_resumed_from_any_death(self):
        # Where files cannot be renamed without replacing, they are linked and unlinked.
        for ending, refuse in (*((ending, ()) for ending in ENDINGS), ("npy", ["renameat2"])):
            words = self.embed(ending, *PICTURES[:2])
            whole = self.whole_run(words)
            for _ in self.deaths(words, {}, refuse):
                for name, content in contents(self.place).items():
                    if ".partial" not in name and ".tmp." not in name:
                        self.assertEqual(content, whole[name])
                self.succeed(*words, "--resume")
                self.assertEqual(contents(self.place), whole)

    def test_a_folder_has_the_files_of_one_checkpoint_or_no_weights(self):
        commands = self.commands()
        for name, weights in (("init", "new/model.safetensors"), ("convert", "new/packed.safetensors"),
                              ("convert --to hf", "new/model.safetensors")):
            words = (*commands[name], "--force")
            new = self.whole_run(words)
            old = {file: b"old" for file in new}
            for _ in self.deaths(words, old):
                found = {file: content for file, content in contents(self.place).items()
                         if ".tmp." not in file}
                if weights in found:
                    self.assertIn(found, (old, new))
                self.succeed(*words)
                self.assertEqual(contents(self.place), new)

    def test_what_a_killed_run_leaves_is_removed_by_the_next(self):
        for name, words in self.commands().items():
            with self.subTest(name):
                whole = self.whole_run(words)
                self.reset({})
                process = self.paused(words)
                process.kill()
                process.wait()
                self.assertNotEqual([file for file in contents(self.place) if ".tmp." in file], [])
                self.succeed(*words, *(["--resume"] if name == "embed" else []))
                self.assertEqual(contents(self.place), whole)

    def test_what_a_living_run_writes_is_not(self):
        for name, words in self.commands().items():
            if name == "embed":  # its journal is locked
                continue
            with self.subTest(name):
                whole = self.whole_run(words)
                self.reset({})
                process = self.paused((*words, "--force"))
                unfinished = contents(self.place)
                self.succeed(*words, "--force")
                self.assertEqual(contents(self.place), {**unfinished, **whole})
                self.assertEqual(self.go_on(process)[0], 0)
                self.assertEqual(contents(self.place), whole)


class FullDiskTest(OutputTest):
    def check(self, words, old, new, again=()):
        """From every call on there is no room: an error, after which the old files stand."""
        for count in itertools.count(1, STRIDE):
            self.reset(old)
            result = run(*words, variables=failing_calls.variables(full=count))
            if result.returncode == 0:
                self.assertGreater(count, 5, "the calls were not seen")
                return
            with self.subTest(full_from_call=count):
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("No space left on device", result.stderr)
                found = contents(self.place)
                found.pop("out.npy.partial", None)
                self.assertEqual(found, old)
                self.succeed(*words, *again)
                self.assertEqual(contents(self.place), new)

    def test_npy(self):
        old = self.whole_run(self.embed("npy", *PICTURES[:2]))
        words = self.embed("npy", "--force", *PICTURES[2:5])
        self.check(words, old, self.whole_run(words), ["--resume"])
        words = self.embed("npy", *PICTURES[2:5])
        self.check(words, {}, self.whole_run(words), ["--resume"])

    def test_checkpoints(self):
        commands = self.commands()
        for name in ("init", "convert", "convert --to hf"):
            words = (*commands[name], "--force")
            new = self.whole_run(words)
            self.check(words, {file: b"old" for file in new}, new)


class InterruptionTest(OutputTest):
    def test_nothing_is_left(self):
        for name, words in self.commands().items():
            with self.subTest(name):
                self.reset({})
                status, said = self.go_on(self.paused(words), signal.SIGINT)
                self.assertEqual(status, 130)
                if name != "embed":  # which is run with --quiet
                    self.assertIn("interrupted", said)
                left = {"out.npy.partial"} if name == "embed" else set()
                self.assertEqual({path.name for path in self.place.rglob("*")}, left)


class ExistingFileTest(OutputTest):
    def test_a_file_that_appears_meanwhile_is_kept(self):
        for name, words in self.commands().items():
            whole = self.whole_run(words)
            for refuse in ((), ("renameat2",), ("renameat2", "link")):
                with self.subTest(name, refuse=refuse):
                    self.reset({})
                    environment = failing_calls.variables(refuse=refuse)
                    self.succeed(*words, variables=environment)
                    self.assertEqual(contents(self.place), whole)
            for appearing in whole:
                with self.subTest(name, appearing=appearing):
                    self.reset({})
                    process = self.paused(words)
                    (self.place / appearing).write_bytes(b"precious")
                    status, said = self.go_on(process)
                    self.assertEqual(status, 1)
                    self.assertIn("--force", said)
                    self.assertIn(appearing, said)
                    found = contents(self.place)
                    found.pop("out.npy.partial", None)
                    self.assertEqual(found, {appearing: b"precious"})

    def test_resuming_keeps_an_output_of_something_else(self):
        process = self.paused(self.embed("npz", *PICTURES[:2]))
        process.kill()
        process.wait()
        partial, output = self.output("npz.partial"), self.output("npz")
        journal = partial.read_bytes()
        output.write_bytes(b"precious")
        for more in (PICTURES[2:3], []):
            words = self.embed("npz", "--resume", *PICTURES[:2], *more)
            self.assertIn("--force", self.fail_with(1, *words))
            self.assertEqual(output.read_bytes(), b"precious")
            self.assertEqual(partial.read_bytes(), journal)
        self.succeed(*words, "--force")
        self.assertEqual(len(numpy.load(output)["names"]), 2)

    def test_a_checkpoint_is_not_packed_into_another_without_force(self):
        shutil.copytree(TOWER, self.place / "new")
        before = contents(self.place)
        self.assertIn("--force", self.fail_with(1, *self.commands()["convert"]))
        self.assertEqual(contents(self.place), before)

    def test_a_packed_file_does_not_outlive_its_checkpoint(self):
        self.succeed(*self.commands()["convert"])
        self.succeed("init", "--force", "--config", CONFIG, self.place / "new")
        self.assertFalse((self.place / "new" / "packed.safetensors").exists())

    def test_folders_named_like_files_are_refused(self):
        for name in ("init", "convert", "convert --to hf"):
            words = self.commands()[name][:-1]
            for ending in ("safetensors", "npz", "gguf"):
                said = self.fail_with(2, *words, self.place / f"x.{ending}")
                self.assertIn("a folder is written", said)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_endings_of_other_formats_are_refused(self):
        commands = self.commands()
        for name in ("run", "preprocess"):
            for ending in ("npz", "npy", "jsonl", "csv", "txt", "bin", "gguf", "NPZ"):
                words = [self.place / f"x.{ending}" if word == self.output("safetensors") else word
                         for word in commands[name]]
                said = self.fail_with(2, *words)
                self.assertIn(".safetensors", said)
                self.assertIn(f"x.{ending}", said)
            self.assertEqual(contents(self.place), {})
            words[words.index(self.place / "x.NPZ")] = self.place / "x.SafeTensors"
            self.succeed(*words)
            self.assertEqual(list(contents(self.place)), ["x.SafeTensors"])
            self.reset({})


class InputTest(OutputTest):
    """Nothing that is read is written over, by whatever name it goes."""

    def names_of(self, file, output):
        """Makes `output` the same file, in turn by its path, a symbolic and a hard link."""
        for make in (lambda: output.symlink_to(file), lambda: output.hardlink_to(file)):
            output.unlink(missing_ok=True)
            make()
            yield
        output.unlink()

    def check(self, file, output, *words):
        before = file.read_bytes()
        for _ in self.names_of(file, output):
            for more in ([], ["--force"]):
                said = self.fail_with(1, *words, *more)
                self.assertIn(str(output), said)
            self.assertIn("input", said)
            self.assertEqual(file.read_bytes(), before)

    def test_preprocess(self):
        picture = self.folder / "cat.jpg"
        shutil.copy(PICTURES[0], picture)
        words = ("preprocess", "--model", MODEL, "--output")
        self.fail_with(2, *words, picture, picture, "--force")
        output = self.folder / "out.safetensors"
        self.check(picture, output, *words, output, picture)
        shutil.move(picture, output)
        self.assertIn("input", self.fail_with(1, *words, output, "--force", output))
        self.assertEqual(output.read_bytes(), PICTURES[0].read_bytes())

    def test_run(self):
        words = list(self.commands()["run"])
        pixels, output = self.folder / "pixels.safetensors", self.output("safetensors")
        self.check(pixels, output, *words)
        words[words.index(output)] = pixels
        before = pixels.read_bytes()
        self.assertIn("input", self.fail_with(1, *words, "--force"))
        self.assertEqual(pixels.read_bytes(), before)

    def test_weights(self):
        model = self.folder / "model"
        shutil.copytree(TOWER, model)
        words = list(self.commands()["run"])
        words[words.index(TOWER)] = model
        words[words.index(self.output("safetensors"))] = model / "model.safetensors"
        before = contents(model)
        self.assertIn("input", self.fail_with(1, *words, "--force"))
        self.assertEqual(contents(model), before)

    def test_lists_texts_and_pictures(self):
        listed = self.folder / "list"
        listed.write_text(f"{PICTURES[0]}\n")
        for ending in ENDINGS:
            output = self.output(ending)
            self.check(listed, output, *self.embed(ending, f"@{listed}"))
            self.check(listed, output, *self.embed(ending, "--text-file", listed))
            output.write_bytes(listed.read_bytes())
            for words in (["-"], ["--text-file", "-"]):
                with open(output) as stream:
                    self.assertIn("input", self.fail_with(1, *self.embed(ending, "--force", *words),
                                                          stdin=stream))
            self.assertEqual(output.read_bytes(), listed.read_bytes())
            output.unlink()
        names = self.place / "out.npy.names.txt"
        self.check(listed, names, *self.embed("npy", "--text-file", listed))

    def test_pictures_of_lists_and_folders(self):
        output = self.output("jsonl")
        shutil.copy(PICTURES[0], output)
        listed = self.folder / "list"
        listed.write_text(f"{PICTURES[1]}\n{output}\n")
        for word in (f"@{listed}", self.place):
            self.assertIn("input", self.fail_with(1, *self.embed("jsonl", "--force", word)))
            self.assertEqual(output.read_bytes(), PICTURES[0].read_bytes())
            self.output("jsonl.partial").unlink()

    def test_init(self):
        folder = self.place / "new"
        folder.mkdir()
        shutil.copy(CONFIG, folder)
        words = ("init", "--force", "--config", folder / "config.json", folder)
        self.assertIn("input", self.fail_with(1, *words))
        self.assertEqual(contents(folder), {"config.json": CONFIG.read_bytes()})

    def test_convert(self):
        model, folder = self.folder / "model", self.place / "new"
        shutil.copytree(MODEL, model)
        before = contents(model)
        folder.mkdir()
        for words in (("--precision", "int8"), ("--to", "hf")):
            for name in ("config.json", "preprocessor_config.json"):
                for _ in self.names_of(model / name, folder / name):
                    self.assertIn("input", self.fail_with(1, "convert", "--force", *words, model,
                                                          folder))
        for _ in self.names_of(model / "model.safetensors", folder / "model.safetensors"):
            self.assertIn("input", self.fail_with(1, "convert", "--force", "--to", "hf", model,
                                                  folder))
        self.assertEqual(contents(model), before)


class PartialTest(OutputTest):
    def test_what_is_no_journal_is_never_touched(self):
        partial = self.output("npy.partial")
        for content in (b"x", b"notes\n" * 1000, b"SIGLIP, my notes"):
            for more in ([], ["--resume"], ["--force"], ["--force", "--resume"]):
                partial.write_bytes(content)
                said = self.fail_with(1, *self.embed("npy", *more, PICTURES[0]))
                self.assertIn("not the journal", said)
                self.assertEqual(contents(self.place), {"out.npy.partial": content})

    def test_links_are_never_followed(self):
        partial, other = self.output("npy.partial"), self.folder / "other"
        journal = self.a_journal()
        for content in (b"", b"notes", journal):
            other.write_bytes(content)
            for make in (partial.symlink_to, partial.hardlink_to):
                make(other)
                for more in ([], ["--resume"], ["--force"]):
                    said = self.fail_with(1, *self.embed("npy", *more, PICTURES[0]))
                    self.assertIn("link", said)
                self.assertEqual(other.read_bytes(), content)
                partial.unlink()
        partial.symlink_to(self.folder / "nothing")
        self.fail_with(1, *self.embed("npy", PICTURES[0]))
        self.assertFalse((self.folder / "nothing").exists())

    def a_journal(self):
        process = self.paused(self.embed("npy", PICTURES[0]))
        process.kill()
        process.wait()
        content = self.output("npy.partial").read_bytes()
        self.reset({})
        return content

    def test_a_journal_of_another_version_is_refused_with_words(self):
        partial = self.output("npy.partial")
        old = b"SIGLIPJ1" + self.a_journal()[8:]
        partial.write_bytes(old)
        said = self.fail_with(1, *self.embed("npy", "--resume", PICTURES[0]))
        self.assertIn("another version", said)
        self.assertIn("--force", said)
        self.fail_with(1, *self.embed("npy", PICTURES[0]))
        self.assertEqual(partial.read_bytes(), old)
        self.succeed(*self.embed("npy", "--force", PICTURES[0]))


if __name__ == "__main__":
    unittest.main()
