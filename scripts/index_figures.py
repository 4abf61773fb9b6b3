#!/usr/bin/env python3
"""Measures an index: how fast one is brought up to date, and what readers see meanwhile.

    scripts/index_figures.py [--siglip build/release/apps/cli/siglip] [--files 100000] [PART...]

unchanged  a folder of small pictures indexed with the demo model, again while nothing has changed, and
           again after the folder below it, with all pictures, was renamed
embed      the first siglip index of pictures beside siglip embed of the same, with a model of
           base-patch16-224's size in int8, in turns
readers    a program that searches without a pause (bench/index_reader.cc) while siglip index adds pictures
recall     the evaluation set of the demo model, found by its captions through siglip search, and by the
           embeddings of siglip embed

All parts unless some are named. Pictures are made here, by a seed. Figures stand beside their target with
"met" or "missed"; the exit status is 1 only where a result is wrong: a known picture that is embedded again,
a search that fails or sees what was never committed, hits in another order than the library's.
"""

import argparse
import bisect
import json
import os
import pathlib
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = ROOT / "models" / "demo"
EVAL = ROOT / "tests" / "golden" / "demo-model-eval"
LONG_AGO = 1_600_000_000  # when files were changed: long enough to be trusted
ROUNDS = 5
NOTHING_BETWEEN = 2e-4  # cosines nearer than this may change places: vectors of an index are binary16


class Wrong(Exception):
    """A result that must not be."""


def check(condition, what):
    if not condition:
        raise Wrong(what)


missed = []  # names of figures that did not meet their target


def figure(name, value, target=None, met=None):
    """One line; `target` in words."""
    judged = "" if target is None else f" (target {target}: {'met' if met else 'missed'})"
    if target is not None and not met:
        missed.append(name)
    print(f"  {name}: {value}{judged}", flush=True)


def children_seconds():
    """What the processors spent on all that was run so far."""
    times = os.times()
    return times.children_user + times.children_system


class Siglip:
    """The command line, with a cache of its own."""

    def __init__(self, program, scratch):
        self.program = program
        self.computed = 0.0
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(scratch / "cache")}

    def run(self, *words):
        """Seconds it took, and both outputs; `computed` are the processor's."""
        begin, computed = time.monotonic(), children_seconds()
        result = subprocess.run([self.program, *map(str, words)], env=self.environment, capture_output=True,
                                text=True)
        seconds, self.computed = time.monotonic() - begin, children_seconds() - computed
        check(result.returncode == 0, f"siglip {words[0]}: status {result.returncode}: {result.stderr}")
        return seconds, result.stdout, result.stderr

    def index(self, *words):
        """Seconds, and how many were embedded and unchanged."""
        seconds, _, said = self.run("index", *words)
        counts = [re.search(rf"(\d+) {what}\b", said) for what in ("embedded", "unchanged", "failed")]
        check(all(counts), f"siglip index said: {said}")
        embedded, same, failed = (int(count.group(1)) for count in counts)
        check(failed == 0, f"{failed} failed")
        return seconds, embedded, same


def small_picture(source):
    """16 x 16, with two rectangles: such pictures are as far from each other as photographs, while noise would be alike."""
    ground = source.randbytes(3)
    rows = [[ground] * 16 for _ in range(16)]
    for _ in range(2):
        left, top, colour = source.randrange(14), source.randrange(14), source.randbytes(3)
        right = source.randrange(left + 2, 17)
        for row in rows[top:source.randrange(top + 2, 17)]:
            row[left:right] = [colour] * (right - left)
    return b"P6 16 16 255\n" + b"".join(b"".join(row) for row in rows)


def make_small(folder, count, seed, first=0):
    """A thousand in a folder."""
    source = random.Random(seed)
    for number in range(first, first + count):
        if number % 1000 == 0 or number == first:
            (folder / f"{number // 1000:04}").mkdir(parents=True, exist_ok=True)
        path = folder / f"{number // 1000:04}" / f"{number:07}.ppm"
        path.write_bytes(small_picture(source))
        os.utime(path, (LONG_AGO, LONG_AGO))


def png(width, height, rows):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def make_large(folder, count, seed):
    """Pictures of bars, 640 x 480."""
    source = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        bars = [b"".join(source.randbytes(3) * 20 for _ in range(32)) for _ in range(16)]
        path = folder / f"{number:05}.png"
        path.write_bytes(png(640, 480, [row for row in bars for _ in range(30)]))
        os.utime(path, (LONG_AGO, LONG_AGO))


def unchanged(siglip, scratch, arguments):
    pictures, index = scratch / "small", scratch / "index"
    make_small(pictures / "all", arguments.files, arguments.seed)
    words = ("--index", index, "--model", DEMO, pictures)
    seconds, embedded, _ = siglip.index(*words)
    check(embedded == arguments.files, f"{embedded} embedded, expected {arguments.files}")
    figure("first", f"{arguments.files / seconds:,.0f} files/s, {seconds:.1f} s")
    taken = []
    for _ in range(ROUNDS):
        seconds, embedded, same = siglip.index(*words)
        check((embedded, same) == (0, arguments.files), f"{embedded} embedded and {same} unchanged of all")
        taken.append(seconds)
    rate = arguments.files / statistics.median(taken)
    figure("again", f"{rate:,.0f} files/s, 0 embedded", "20,000", rate >= 20_000)
    (pictures / "all").rename(pictures / "renamed")
    seconds, embedded, _ = siglip.index(*words)
    check(embedded == 0, f"{embedded} embedded after the folder was renamed")
    figure("renamed", f"{arguments.files / seconds:,.0f} files/s, 0 embedded")


def embed(siglip, scratch, arguments):
    pictures, model = scratch / "large", scratch / "base"
    make_large(pictures, arguments.pictures, arguments.seed)
    siglip.run("init", "--preset", "base-patch16-224", "--seed", arguments.seed, model)
    words = ("--model", model, "--precision", "int8", pictures)
    siglip.index("--index", scratch / "unmeasured", *words)  # which also hashes the weights, once
    taken, computed = {"index": [], "embed": []}, {"index": [], "embed": []}
    for number in range(ROUNDS):
        turns = [("index", ("index", "--index", scratch / f"base index {number}", *words)),
                 ("embed", ("embed", "--force", "--output", scratch / "base.npy", *words))]
        for name, command in turns if number % 2 else reversed(turns):
            taken[name].append(siglip.run(*command)[0])
            computed[name].append(siglip.computed)
    rates = {name: arguments.pictures / statistics.median(seconds) for name, seconds in taken.items()}
    wall, processor = (statistics.median(b / a for a, b in zip(times["index"], times["embed"]))
                       for times in (taken, computed))
    figure("embed", f"{rates['embed']:.1f} pictures/s")
    figure("index", f"{rates['index']:.1f} pictures/s, {wall:.1%} of embed, {processor:.1%} by the processors' time",
           "97 %", wall >= 0.97)
    both = zip(taken["index"], taken["embed"])
    figure("pairs", ", ".join(f"{a:.2f} and {b:.2f} s" for a, b in both))


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def readers(siglip, scratch, arguments):
    pictures, index = scratch / "read", scratch / "read index"
    first = arguments.files // 2
    make_small(pictures, first, arguments.seed + 1)
    words = ("--index", index, "--model", DEMO, pictures)
    siglip.index(*words)
    make_small(pictures, arguments.files - first, arguments.seed + 2, first)
    reader = subprocess.Popen([arguments.reader, index], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        check(reader.stdout.readline() == "ready\n", "the reader did not begin")
        reading, writing = os.pipe()
        writer = subprocess.Popen(
            [siglip.program, "index", "--quiet", *map(str, words)], pass_fds=[writing],
            env={**siglip.environment, "SIGLIP_INDEX_REPORT_FD": str(writing)})
        os.close(writing)
        with os.fdopen(reading) as pipe:
            committed = [int(line.split()[1]) for line in pipe]
        check(writer.wait() == 0, "siglip index failed")
        said = reader.communicate("")[0]
    finally:
        reader.kill()
    check(reader.wait() == 0, "a search failed")
    searches = [[float(word) for word in line.split()] for line in said.splitlines()]
    totals = [int(search[3]) for search in searches]
    check(totals == sorted(totals), "a search saw less than one before")
    check(set(totals) <= {first, *committed}, "a search saw what was never committed")
    check(totals[-1] == arguments.files, f"{totals[-1]} pictures seen at the end")
    refreshes = [search for search in searches if search[4]]
    waits = [max(0.0, everything - computing - ready) for everything, computing, ready, _, _ in searches]
    figure("searches", f"{len(searches):,} beside {len(committed)} commits, of {first:,} to {totals[-1]:,} pictures; "
           f"{len(refreshes)} saw a new state")
    figure("longest wait for a lock or a disk", f"{max(waits):.1f} ms", "50 ms", max(waits) <= 50)
    own = [everything - ready for everything, _, ready, _, _ in refreshes]
    figure("slowest refresh", f"{max(own):.1f} ms, median {statistics.median(own):.1f} ms", "50 ms", max(own) <= 50)
    with_queue = [search[0] for search in refreshes]
    figure("with time in which others had the processor", f"slowest {max(with_queue):.1f} ms, "
           f"median {statistics.median(with_queue):.1f} ms")
    same = [search[0] for search in searches if not search[4]]
    figure("searches of a known state", f"median {statistics.median(same):.2f} ms, p99 {quantile(same, 0.99):.2f} ms")


def library_cosines(siglip, scratch, captions, pictures):
    """Of each caption with each picture, in double precision."""
    texts, output = scratch / "captions.txt", scratch / "library.jsonl"
    texts.write_text("".join(f"{caption}\n" for caption in captions))
    siglip.run("embed", "--normalize", "--model", DEMO, "--text-file", texts, "--output", output, *pictures)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    check(len(rows) == len(captions) + len(pictures), f"{len(rows)} embeddings")
    vectors = [row["embedding"] for row in rows]
    return [[sum(a * b for a, b in zip(text, picture)) for picture in vectors[len(captions):]]
            for text in vectors[:len(captions)]]


def disordered(cosines, ranking):
    """Pairs that stand in the other order than their cosines, which differ by more than NOTHING_BETWEEN."""
    pairs, before = 0, []
    for picture in ranking:
        cosine = cosines[picture]
        pairs += bisect.bisect_left(before, cosine - NOTHING_BETWEEN)
        bisect.insort(before, cosine)
    return pairs


def recall(siglip, scratch, arguments):
    labels = json.loads((EVAL / "labels.json").read_text())
    captions = [label["caption"] for label in labels]
    pictures = [EVAL / label["file"] for label in labels]
    number_of = {str(path): number for number, path in enumerate(pictures)}
    library = library_cosines(siglip, scratch, captions, pictures)
    index = scratch / "recall index"
    siglip.index("--index", index, "--model", DEMO, EVAL)
    found = {"library": 0, "index": 0}
    pairs = 0
    for number, (caption, cosines) in enumerate(zip(captions, library)):
        said = siglip.run("search", "--index", index, "--json", "--all", "--top", len(pictures), caption)[1]
        ranking = [number_of[path] for hit in json.loads(said)["data"] for path in (hit["path"], *hit["copies"])]
        check(sorted(ranking) == list(range(len(pictures))), f'"{caption}" does not find every picture once')
        pairs += disordered(cosines, ranking)
        found["index"] += ranking[0] == number
        found["library"] += cosines.index(max(cosines)) == number
    shares = {name: f"{count} of {len(captions)}" for name, count in found.items()}
    figure("recall@1", f"index {shares['index']}, library {shares['library']}")
    figure(f"pairs in another order whose cosines differ by more than {NOTHING_BETWEEN}", pairs)
    check(found["index"] == found["library"], "recall@1 differs")
    check(pairs == 0, "hits stand in another order than the library's")


PARTS = {part.__name__: part for part in (unchanged, embed, readers, recall)}


def run_parts(parser, arguments, parts, prefix):
    """Runs those of `parts` that are named, or all, each in a folder of its own. Returns the exit status."""
    unknown = [part for part in arguments.parts if part not in parts]
    if unknown:
        parser.error(f"no part {unknown[0]}: there are {', '.join(parts)}")
    faults = 0
    for name in arguments.parts or parts:
        print(f"{name} (load {os.getloadavg()[0]:.2f})", flush=True)
        with tempfile.TemporaryDirectory(prefix=prefix) as scratch:
            # Without links, as the index names pictures.
            folder = pathlib.Path(scratch).resolve()
            os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # of thumbnails and hashes
            try:
                parts[name](Siglip(arguments.siglip.resolve(), folder), folder, arguments)
            except Wrong as wrong:
                faults += 1
                print(f"  WRONG: {wrong}", flush=True)
    print(f"{faults} of {len(arguments.parts or parts)} parts wrong")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    build = ROOT / "build" / "release"
    parser.add_argument("--siglip", type=pathlib.Path, default=build / "apps/cli/siglip")
    parser.add_argument("--reader", type=pathlib.Path, default=build / "bench/index_reader")
    parser.add_argument("--files", type=int, default=100_000, help="small pictures of unchanged and readers")
    parser.add_argument("--pictures", type=int, default=200, help="larger ones of embed")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return run_parts(parser, arguments, PARTS, "siglip-index-figures-")


if __name__ == "__main__":
    sys.exit(main())
