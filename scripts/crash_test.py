#!/usr/bin/env python3
"""Ends siglip in the midst of its work, again and again, and looks at what its output files hold.

    scripts/crash_test.py [--siglip PROGRAM] [--trials 300] [--seed N]

Every trial runs one command that writes files (embed into every format, run, preprocess, init, convert),
into an empty folder or over older files. It is killed (kill -9) at a random moment, meets a full disk or
a folder it may not write to. Then no file may be half-written, files that belong together must be of one
run, and the same command, embed with --resume, must end with what an undisturbed run writes, with nothing
beside it. Needs numpy, and no more than the models and pictures of the tests. The last line counts.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import big_vision_files  # noqa: E402
import safetensors_io  # noqa: E402

NOBODY = 65534
EMBED_FORMATS = ("npy", "npz", "safetensors", "jsonl", "csv")
TEXTS = 400


class Fault(Exception):
    """Something that must not be."""


def check(condition, what):
    if not condition:
        raise Fault(what)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def is_whole(name):
    return ".tmp." not in name and not name.endswith(".partial")


class Command:
    """A command, what it writes into an empty folder, and how long that takes."""

    def __init__(self, name, words, last):
        self.name = name
        self.words = [str(word) for word in words]
        self.last = last  # the file that appears last: without it the others may be of any run
        self.old = self.new = {}
        self.seconds = 0

    @property
    def resumes(self):
        return self.name.startswith("embed")


class Scene:
    """The inputs, in a folder that everybody may read, and the folder that is written to."""

    def __init__(self, program, scratch):
        self.scratch = scratch
        scratch.chmod(0o755)
        self.place = scratch / "place"
        self.program = scratch / "siglip"
        shutil.copy(program, self.program)
        self.model, self.tower = scratch / "model", scratch / "tower"
        shutil.copytree(ROOT / "models" / "demo", self.model)
        shutil.copytree(ROOT / "tests" / "golden" / "vision-head", self.tower)
        pictures = scratch / "pictures"
        pictures.mkdir()
        for picture in sorted((ROOT / "examples" / "images").glob("*.jpg")):
            shutil.copy(picture, pictures)
        self.pictures = sorted(pictures.iterdir())
        self.texts = scratch / "texts.txt"
        self.texts.write_text("".join(f"picture number {i}\n" for i in range(TEXTS)))
        # Large enough that writing it takes some time.
        config = json.loads((self.tower / "config.json").read_text())
        config.update(hidden_size=256, intermediate_size=1024, num_hidden_layers=6,
                      num_attention_heads=4)
        self.config = scratch / "config.json"
        self.config.write_text(json.dumps(config))
        self.random = scratch / "random"
        check(self.run(["init", "--config", self.config, self.random]).returncode == 0, "init")
        self.archive = scratch / "model.npz"
        big_vision_files.write(self.archive, big_vision_files.to_big_vision(self.random))
        self.pixels = scratch / "pixels.safetensors"
        inputs = safetensors_io.read(self.tower / "input.safetensors")
        safetensors_io.write(self.pixels, {"pixel_values": inputs["pixel_values"]})

    def commands(self):
        made = []
        embed = ["embed", "--model", self.model, "--text-file", self.texts]
        for ending in EMBED_FORMATS:
            output = self.place / f"out.{ending}"
            last = "out.npy.names.txt" if ending == "npy" else output.name
            made.append(Command(f"embed {ending}", [*embed, *self.pictures, "--output", output],
                                last))
        output = self.place / "out.safetensors"
        made.append(Command("run", ["run", "--model", self.tower, "--input", self.pixels,
                                    "--hidden-states", "--output", output], output.name))
        made.append(Command("preprocess", ["preprocess", "--model", self.model, *self.pictures,
                                           "--rgb", "--output", output], output.name))
        folder = self.place / "new"
        made.append(Command("init", ["init", "--config", self.config, folder],
                            "new/model.safetensors"))
        made.append(Command("convert", ["convert", "--precision", "int8", self.random, folder],
                            "new/packed.safetensors"))
        made.append(Command("convert --to hf", ["convert", "--to", "hf", self.archive, folder],
                            "new/model.safetensors"))
        return [command for command in made if self.prepare(command)]

    def prepare(self, command):
        """Learns what the command writes; an older output is that of the same with other bytes.
        False for a format that this program does not have."""
        self.reset({})
        begin = time.monotonic()
        result = self.run(command.words)
        if result.returncode == 2 and "csv" in command.name:
            return False
        check(result.returncode == 0, f"{command.name}: {result.stderr}")
        command.seconds = time.monotonic() - begin
        command.new = contents(self.place)
        command.old = {name: b"old " + content[:1000] for name, content in command.new.items()}
        return True

    def reset(self, files):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        for name, content in files.items():
            (self.place / name).parent.mkdir(exist_ok=True)
            (self.place / name).write_bytes(content)

    def run(self, words, **options):
        return subprocess.run([self.program, *words], capture_output=True, text=True, timeout=600,
                              check=False, **options)

    def check_files(self, command, old):
        """No file is half-written, and those beside the last one are of the same run."""
        found = {name: content for name, content in contents(self.place).items() if is_whole(name)}
        for name, content in found.items():
            check(content in (old.get(name), command.new[name]), f"{name} is half-written")
        if command.last in found:
            check(found in (old, command.new), f"files of two runs: {sorted(found)}")
        return found

    def finish(self, command, words):
        """The same command again, and nothing is lost of what the journal holds."""
        found = {name: content for name, content in contents(self.place).items() if is_whole(name)}
        partial = [path for path in self.place.glob("*.partial")]
        rows = max((path.read_bytes().count(b"text:") for path in partial), default=0)
        result = self.run([*words, "--resume"] if command.resumes else words)
        goes_on = command.resumes and partial
        if result.returncode == 1 and not goes_on and "already" in result.stderr:
            # It is complete or, of a checkpoint, not all files were put in place.
            check(command.last not in found or found == command.new, "an output that is neither")
            result = self.run([*words, "--force"])
        check(result.returncode == 0, result.stderr)
        check(contents(self.place) == command.new, f"left over: {sorted(contents(self.place))}")
        if rows == TEXTS and command.resumes:
            check(re.search(r"texts, .* texts/s", result.stderr) is None, "texts were lost")


def kill_somewhere(scene, command, words, random_source):
    """Half of the deaths strike at any time, half where files are being written."""
    process = subprocess.Popen([scene.program, *words], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    if random_source.random() < 0.5:
        time.sleep(random_source.uniform(0, command.seconds))
    else:
        before = set(contents(scene.place))
        while process.poll() is None and not [name for name in list_files(scene.place)
                                              if name not in before]:
            pass
        time.sleep(random_source.uniform(0, command.seconds / 4))
    process.kill()
    return "killed" if process.wait() == -signal.SIGKILL else "ended before it was killed"


def list_files(folder):
    return [os.path.relpath(os.path.join(where, name), folder)
            for where, _, names in os.walk(folder) for name in names]


def full_disk(scene, command, words, random_source):
    """No file can grow beyond a random size."""
    largest = max(map(len, command.new.values()))
    limit = random_source.randrange(0, largest)

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    before = contents(scene.place)
    result = scene.run(words, preexec_fn=limit_files)
    check(result.returncode == 1, f"status {result.returncode} on a full disk: {result.stderr}")
    check("File too large" in result.stderr, result.stderr)
    check_kept(scene, before)
    return "full disk"


def small_disk(scene, command, words, random_source):
    """A file system of its own that is too small."""
    room = sum(map(len, contents(scene.place).values()))
    need = sum(map(len, command.new.values()))
    before = contents(scene.place)
    with tempfile.TemporaryDirectory(dir=scene.scratch) as kept:
        shutil.copytree(scene.place, kept, dirs_exist_ok=True)
        size = room + 65536 + random_source.randrange(0, max(need // 2, 1))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", scene.place],
                       check=True)
        try:
            shutil.copytree(kept, scene.place, dirs_exist_ok=True)
            result = scene.run(words)
            if result.returncode == 0:  # so little was needed
                check(contents(scene.place) == command.new, "not all was written")
            else:
                check("No space left on device" in result.stderr, result.stderr)
                check_kept(scene, before)
            after = contents(scene.place)
        finally:
            subprocess.run(["umount", scene.place], check=True)
    scene.reset(after)
    return "small disk"


def no_permission(scene, command, words, _):
    """The folder may be read only; for root, by running as nobody."""
    before = contents(scene.place)
    folders = [scene.place, *(path for path in scene.place.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    result = scene.run(words, **options)
    for folder in folders:
        folder.chmod(0o755)
    check(result.returncode == 1, f"status {result.returncode} without permission")
    check("Permission denied" in result.stderr and str(scene.place) in result.stderr, result.stderr)
    check(contents(scene.place) == before, "files changed without permission")
    return "no permission"


def check_kept(scene, before):
    """After an error: what was there, and a journal."""
    found = {name: content for name, content in contents(scene.place).items()
             if not name.endswith(".partial")}
    check(found == before, f"an error left {sorted(found)}")


def can_mount(scratch):
    if os.getuid() != 0 or shutil.which("mount") is None:
        return False
    folder = scratch / "mounted"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
                          capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["umount", folder], check=True)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--siglip", default=ROOT / "build/release/apps/cli/siglip")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random_source = random.Random(arguments.seed)
    counts, faults = collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="siglip-crash-") as folder:
        scene = Scene(arguments.siglip, pathlib.Path(folder))
        commands = scene.commands()
        disasters = [kill_somewhere] * 7 + [full_disk, no_permission]
        disasters.append(small_disk if can_mount(scene.scratch) else full_disk)
        for trial in range(arguments.trials):
            command = commands[trial % len(commands)]
            disaster = random_source.choice(disasters)
            old = command.old if random_source.random() < 0.5 else {}
            words = [*command.words, *(["--force"] if old else [])]
            scene.reset(old)
            try:
                counts[disaster(scene, command, words, random_source)] += 1
                scene.check_files(command, old)
                scene.finish(command, words)
            except Fault as fault:
                faults += 1
                print(f"trial {trial}: {command.name} {'over old files ' if old else ''}"
                      f"({disaster.__name__}): {fault}", flush=True)
    names = ", ".join(sorted({command.name for command in commands}))
    print(f"{arguments.trials} trials (seed {arguments.seed}) of {names}: "
          + ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
          + f"; {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
