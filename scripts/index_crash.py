#!/usr/bin/env python3
"""Lets siglip index die in the midst of its work, again and again, and looks at what its index holds.

    scripts/index_crash.py [--siglip PROGRAM] [--every 1] [--modes kill,power-all,power-half,power-torn]
                           [--random-kills 300] [--seed N] [--control] [--jobs 2]

A scenario of commands makes an index, adds, changes, moves and deletes pictures, prunes, adds a folder
and removes one. Each of its commands is run from the same start again and again, and dies before one of
the calls that change files of the index: as by kill -9, or as by a power failure, which also takes what
is not synced (tests/support/unsynced_files.h). The command says through a pipe what it has committed.

After every death, in a copy: the database is whole (integrity_check, foreign_key_check), what was
reported is there, every file is as before or as after, every vector has the bits of the undisturbed
run, and the scan file is refused by its own rules or right about every content it covers. Then the same
command is run again, and everything is there once. --control does the same while calls that sync files
do nothing, which must be noticed in a fifth of the runs. Needs numpy and libxxhash.
"""

import argparse
import collections
import concurrent.futures
import ctypes
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import failing_calls  # noqa: E402

MODES = ("kill", "power-all", "power-half", "power-torn")
SIDE = 16  # pixels of the model, and of a picture
ALIVE, USABLE, REFUSED = "ended alive", "scan file usable", "scan file refused or not there"
DONE = (0, 3)  # exit statuses: all, or all but pictures that cannot be decoded
LONG_AGO = 1_600_000_000  # when files were changed: long enough to be trusted


class Fault(Exception):
    """Something that must not be."""


def check(condition, what):
    if not condition:
        raise Fault(what)


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def load_hash():
    function = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
    function.restype = Hash128
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return function


XXH3_128 = load_hash()


def content_hash(data):
    value = XXH3_128(data, len(data))
    return struct.pack(">QQ", value.high, value.low)


class State:
    """What an index holds, without ids and times.

    files: (root, path) -> (hash of its content or None, whether it is missing)
    contents: hash -> vector or None
    gone: hashes of contents that no file has that is there
    vectors: id -> vector
    """

    def __init__(self, folder):
        self.files, self.contents, self.gone, self.vectors = {}, {}, set(), {}
        self.space = None
        path = folder / "index.sqlite"
        if not path.exists():
            return
        database = sqlite3.connect(path)
        try:
            self.read(database)
        except sqlite3.DatabaseError as error:
            raise Fault(f"SQLite: {error}") from error
        finally:
            database.close()

    def read(self, database):
        found = [row[0] for row in database.execute("PRAGMA integrity_check")]
        check(found == ["ok"], f"integrity_check: {found[:3]}")
        found = database.execute("PRAGMA foreign_key_check").fetchall()
        check(not found, f"foreign_key_check: {found[:3]}")
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'content'").fetchall():
            return  # the tables are made in one transaction
        self.space = database.execute("SELECT uuid, dimensions FROM space").fetchone()
        self.vectors = dict(database.execute("SELECT content, f16 FROM vector"))
        hashes = dict(database.execute("SELECT id, hash FROM content"))
        check(set(self.vectors) <= set(hashes), "vectors of contents that are not there")
        self.contents = {value: self.vectors.get(content) for content, value in hashes.items()}
        check(len(self.contents) == len(hashes), "a content is there twice")
        rows = database.execute("SELECT root.path, file.path, content, missing_since IS NOT NULL "
                                "FROM file JOIN root ON root.id = root").fetchall()
        self.files = {(bytes(root), bytes(path)): (hashes.get(content), bool(missing))
                      for root, path, content, missing in rows}
        check(len(self.files) == len(rows), "a file is there twice")
        gone = {row[0] for row in database.execute("SELECT content FROM gone")}
        self.gone = {hashes[content] for content in gone & hashes.keys()}
        there = {value for value, missing in self.files.values() if not missing}
        check(self.gone == self.contents.keys() - there, "contents that are gone are not noted so")

    def same_as(self, other):
        check(self.files == other.files, "other files than of the undisturbed run: "
              + describe(self.files, other.files))
        check(self.contents == other.contents, "other contents than of the undisturbed run: "
              + describe(self.contents, other.contents))


def describe(found, expected):
    return (f"{len(found.keys() - expected.keys())} more, {len(expected.keys() - found.keys())} less, "
            f"{sum(found[key] != expected[key] for key in found.keys() & expected.keys())} different")


def check_scan_file(folder, state):
    """Returns the last content id, or None where a reader has to refuse the file. What it must not
    refuse is right about every vector that is there."""
    magic = b"SIGLSCAN"
    header_bytes, hashed = 4096, 56
    path = folder / "scan.i8"
    if not path.exists() or state.space is None:
        return None
    data = path.read_bytes()
    if len(data) < header_bytes:
        return None
    begin, version, dimensions, uuid, rows, last, norm, zero = struct.unpack_from("<8sII16sQqfI", data)
    record = -(-(dimensions + 16) // 64) * 64
    if (begin != magic or data[hashed:hashed + 16] != content_hash(data[:hashed]) or version != 1
            or (uuid, dimensions) != tuple(state.space) or len(data) < header_bytes + rows * record):
        return None
    layout = numpy.dtype([("bytes", "i1", dimensions), ("scale", "<f4"), ("residual", "<f4"),
                          ("id", "<i8"), ("zeros", "u1", record - dimensions - 16)])
    records = numpy.frombuffer(data, layout, rows, header_bytes)
    ids = records["id"]
    sizes = numpy.stack([records["scale"], records["residual"]])
    if (numpy.diff(ids, prepend=0) <= 0).any() or (rows and ids[-1] != last) or (
            not numpy.isfinite(sizes).all() or (sizes < 0).any()):
        return None
    covered = [content for content in state.vectors if content <= last]
    places = dict(zip(ids.tolist(), range(rows)))
    check(set(covered) <= set(places), "the scan file lacks contents that it says to cover")
    if not covered:
        return last
    found = records[[places[content] for content in covered]]
    vectors = numpy.stack([numpy.frombuffer(state.vectors[content], "<f2") for content in covered])
    restored = found["scale"][:, None].astype(float) * found["bytes"]
    lost = numpy.linalg.norm(vectors.astype(float) - restored, axis=1)
    check((lost <= found["residual"]).all(), "the scan file has other vectors")
    check((found["residual"] <= lost * 1.01 + 1e-6).all(), "residuals of the scan file are too large")
    check((numpy.linalg.norm(vectors.astype(float), axis=1) <= norm).all(), "its largest norm is not")
    return last


class Command:
    """One of the scenario, with what it starts from and ends with when nothing disturbs it."""

    def __init__(self, name, words, before, after, calls, seconds):
        self.name, self.words = name, words
        self.before, self.after = before, after  # folders
        self.before_state, self.after_state = State(before), State(after)
        self.calls, self.seconds = calls, seconds

    def check_after_death(self, folder, reported):
        state = State(folder)
        before, after = self.before_state, self.after_state
        known = {**before.contents, **after.contents}
        for value, vector in state.contents.items():
            check(value in known, "a content that was never there")
            check(vector == known[value], "a vector of other bits, or none")
        lost = before.contents.keys() & after.contents.keys() - state.contents.keys()
        check(not lost, f"{len(lost)} contents are lost")
        least = reported[-1] if reported else len(before.contents)
        most = len(after.contents)
        check(min(least, most) <= len(state.contents) <= max(least, most),
              f"{len(state.contents)} contents, reported were {least} on the way to {most}")
        for key in before.files.keys() | after.files.keys() | state.files.keys():
            allowed = [before.files.get(key), after.files.get(key)]
            if allowed[0] is not None and allowed[1] != allowed[0]:
                allowed.append((allowed[0][0], True))  # gone, and forgotten by a later commit
            check(state.files.get(key) in allowed, f"file {key} is as never before")
        return check_scan_file(folder, state) is not None

    def check_end(self, folder):
        state = State(folder)
        state.same_as(self.after_state)
        if not (self.after / "scan.i8").exists():
            return
        last = check_scan_file(folder, state)
        check(last is not None, "the scan file cannot be used at the end")
        check(last >= max(state.vectors, default=0), "the scan file is not complete at the end")


class Program:
    """siglip index, on an index of our choice."""

    def __init__(self, siglip, model):
        self.siglip, self.model = siglip, model

    def start(self, words, folder, report=None, variables=None):
        environment = {**os.environ, **(variables or {})}
        if report is not None:
            environment["SIGLIP_INDEX_REPORT_FD"] = str(report)
        return subprocess.Popen(
            [self.siglip, "index", "--index", folder, "--model", self.model, "--threads", "1",
             "--quiet", *words], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            pass_fds=[] if report is None else [report])

    def run(self, words, folder, variables=None, kill_after=None):
        """The exit status, numbers of contents that were reported, and what was said."""
        reading, writing = os.pipe()
        process = self.start(words, folder, writing, variables)
        os.close(writing)
        timer = threading.Timer(120 if kill_after is None else kill_after, process.kill)
        timer.start()
        said = process.communicate()[1]
        timer.cancel()
        with os.fdopen(reading, "rb") as pipe:
            lines = pipe.read().split(b"\n")[:-1]
        check(all(line.startswith(b"commit ") for line in lines), f"reported: {lines}")
        return process.returncode, [int(line.split()[1]) for line in lines], said


class Pictures:
    """Folders of pictures, small, some the same and one that is none."""

    def __init__(self, folder):
        self.folder = folder
        self.made = itertools.count()

    def write(self, path, data, age=0):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, ns=(0, (LONG_AGO - age) * 10**9 + next(self.made)))

    def new(self):
        noise = numpy.random.default_rng(next(self.made)).integers(0, 256, 3 * SIDE * SIDE, "u1")
        return f"P6 {SIDE} {SIDE} 255\n".encode() + noise.tobytes()

    def add(self, folder, names):
        for name in names:
            self.write(f"{folder}/{name % 7}/{name}.ppm", self.new())

    def files(self, folder):
        return sorted(path for path in (self.folder / folder).rglob("*") if path.is_file())


def scenario(pictures):
    """Changes the pictures, then yields a name and the words of a command, which makes contents more or
    less, never both: so their number says which commits are there."""
    first, second = pictures.folder / "first", pictures.folder / "second"
    pictures.add("first", range(300))
    pictures.write("first/copy.ppm", pictures.files("first")[0].read_bytes())
    pictures.write("first/broken.ppm", b"P6 16 16 255\n")
    yield "first index", [first]
    pictures.add("first", range(300, 580))
    yield "pictures added", [first]
    for path in pictures.files("first")[:30]:
        pictures.write(path.relative_to(pictures.folder), pictures.new(), age=1)
    for path in pictures.files("first")[100:120]:
        path.rename(path.with_name("moved " + path.name))
    for path in pictures.files("first")[200:240]:
        path.unlink()
    yield "changed, moved and deleted", [first]
    yield "pruned", [first, "--prune"]
    pictures.add("second", range(60))
    pictures.write("second/copy.ppm", pictures.files("first")[3].read_bytes())
    yield "a second folder", [second]
    for path in pictures.files("first")[:300]:
        path.unlink()
    yield "most deleted and pruned", [first, "--prune"]
    yield "a folder removed", ["--remove", second]


def make_model(siglip, folder):
    """Of the least size, with random weights."""
    config = {"model_type": "siglip_vision_model", "hidden_size": 48, "intermediate_size": 32,
              "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8}
    source = folder.with_name("config.json")
    source.write_text(json.dumps(config))
    subprocess.run([siglip, "init", "--config", source, folder], check=True,
                   capture_output=True)
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"image_processor_type": "SiglipImageProcessor", "do_resize": True, "do_rescale": True,
         "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3,
         "rescale_factor": 1 / 255, "size": {"height": SIDE, "width": SIDE}}))
    return folder


class Trials:
    """Deaths of one command after the other, and how they ended."""

    def __init__(self, program, scratch, arguments):
        self.program, self.scratch, self.arguments = program, scratch, arguments
        self.counts = collections.defaultdict(collections.Counter)  # mode -> what -> how many
        self.faults = []
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(arguments.jobs)

    def undisturbed(self, name, words, before):
        """The command, once without the harness, and once to count its calls."""
        folder = self.scratch / "index"
        for variables in ({}, failing_calls.variables(folder=folder, lose="all", seed=0,
                                                      log=self.scratch / "log")):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(before, folder)
            (self.scratch / "log").write_text("")
            begin = time.monotonic()
            status, reported, said = self.program.run(words, folder, variables)
            seconds = time.monotonic() - begin
            check(status in DONE, f"{name}: status {status}: {said}")
            if variables == {}:
                after = self.scratch / f"after {name}"
                shutil.copytree(folder, after)
                alone = seconds
            else:
                State(folder).same_as(State(after))
        calls = len((self.scratch / "log").read_text().splitlines())
        check(calls > 5, f"{name}: its calls were not seen")
        check(reported or any(before.iterdir()), f"{name}: no commit was reported")
        return Command(name, words, before, after, calls, alone)

    def submit(self, command, mode, call, seed, kill_after=None):
        return self.pool.submit(self.one, command, mode, call, seed, kill_after)

    def one(self, command, mode, call, seed, kill_after):
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            folder = pathlib.Path(scratch) / "index"
            shutil.copytree(command.before, folder)
            try:
                what = self.die(command, mode, call, seed, kill_after, folder)
                self.resume(command, folder)
            except Fault as fault:
                what = "faults"
                with self.lock:
                    self.faults.append(f"{command.name}, {mode}, death at {call or kill_after}, "
                                       f"seed {seed}: {fault}")
            with self.lock:
                self.counts[mode]["runs"] += 1
                self.counts[mode][what] += 1

    def die(self, command, mode, call, seed, kill_after, folder):
        variables = {}
        if call is not None:
            lose = mode.removeprefix("power-") if mode != "kill" else None
            variables = failing_calls.variables(
                folder=folder, kill=call, lose=lose, seed=seed,
                no_sync=1 if self.arguments.control else None)
        status, reported, said = self.program.run(command.words, folder, variables, kill_after)
        if status in DONE:  # by its own clock it commits more or less often
            return ALIVE
        check(status == -signal.SIGKILL, f"status {status} instead of a death: {said}")
        if mode.startswith("power"):
            (folder / "index.sqlite-shm").unlink(missing_ok=True)  # memory, in truth
        copy = folder.with_name("copy")  # SQLite mends what it opens
        shutil.copytree(folder, copy)
        usable = command.check_after_death(copy, reported)
        shutil.rmtree(copy)
        return USABLE if usable else REFUSED

    def resume(self, command, folder):
        status, _, said = self.program.run(command.words, folder)
        # A folder that was removed before the death cannot be removed again.
        check(status in DONE or (status == 1 and "--remove" in command.words),
              f"status {status} of the same command again: {said}")
        command.check_end(folder)


def run_scenario(trials, arguments):
    random_source = random.Random(arguments.seed)
    empty = trials.scratch / "empty"
    empty.mkdir()
    before, number, total = empty, 0, 0
    commands = []
    for name, words in scenario(Pictures(trials.scratch / "pictures")):
        command = trials.undisturbed(name, [str(word) for word in words], before)
        commands.append(command)
        before = command.after
        waiting = []
        for mode in arguments.modes:
            for call in range(1 + (-total) % arguments.every, command.calls + 1, arguments.every):
                number += 1
                waiting.append(trials.submit(command, mode, call, arguments.seed * 1_000_003 + number))
        kills = 0 if arguments.control else arguments.random_kills
        for _ in range(kills // 7 + (len(commands) <= kills % 7)):
            waiting.append(trials.submit(command, "random kills", None, 0,
                                         random_source.uniform(0, command.seconds * 1.1)))
        total += command.calls
        for trial in waiting:
            trial.result()
    return commands


def print_table(trials, commands):
    print(f"{len(commands)} commands: "
          + ", ".join(f"{command.name} ({command.calls} calls)" for command in commands))
    columns = ("runs", "faults", ALIVE, USABLE, REFUSED)
    print(f"{'':14}" + "".join(f"{column:>{len(column) + 3}}" for column in columns))
    for mode, counts in trials.counts.items():
        print(f"{mode:14}" + "".join(f"{counts[column]:>{len(column) + 3}}" for column in columns))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--siglip", default=ROOT / "build/release/apps/cli/siglip", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1, help="every so many calls")
    parser.add_argument("--modes", default=",".join(MODES), type=lambda text: text.split(","))
    parser.add_argument("--random-kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if not set(arguments.modes) <= set(MODES):
        parser.error(f"known modes: {', '.join(MODES)}")
    if arguments.control and "kill" in arguments.modes:
        arguments.modes.remove("kill")  # which takes nothing that was written
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siglip-index-crash-") as folder:
        scratch = pathlib.Path(folder).resolve()
        program = Program(arguments.siglip.resolve(), make_model(arguments.siglip, scratch / "model"))
        trials = Trials(program, scratch, arguments)
        commands = run_scenario(trials, arguments)
    print_table(trials, commands)
    deaths = sum(counts["runs"] - counts[ALIVE] for counts in trials.counts.values())
    faults = len(trials.faults)
    print(f"{deaths} deaths, {faults} faults, {time.monotonic() - begin:.0f} s")
    if arguments.control:
        print(f"control: {100 * faults / max(deaths, 1):.0f}% noticed, expected at least 20%")
        return 0 if 5 * faults >= deaths > 0 else 1
    kinds = collections.Counter(fault.rpartition(": ")[2] for fault in trials.faults)
    for kind, count in kinds.most_common(20):
        first = next(fault for fault in trials.faults if fault.endswith(kind))
        print(f"{count} faults such as: {first}")
    return 1 if faults or not deaths else 0


if __name__ == "__main__":
    sys.exit(main())
