#!/usr/bin/env python3
"""Measures what the Python package costs beside the command line: run it with the Python that has the wheel installed,
on a quiet machine. The demo model is so small that it shows every cost; a model of usual size shows what it matters:

    build/python-tests-env/bin/python bench/python_package.py
    build/release/apps/cli/siglip init --preset base-patch16-224 build/random-base
    build/python-tests-env/bin/python bench/python_package.py --rate-only --model build/random-base --pictures 32
"""

import argparse
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = str(ROOT / "models" / "demo")
PICTURES = [str(path) for path in sorted((ROOT / "tests" / "golden" / "demo-model-eval").glob("*.jpg"))][:256]
ROUNDS = 5


def row(what, figure):
    print(f"| {what} | {figure} |", flush=True)


def seconds_of(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def measure_import():
    def fresh(code):
        return seconds_of(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    pairs = [(fresh("pass"), fresh("import siglip")) for _ in range(20)]
    difference = statistics.median(used for _, used in pairs) - statistics.median(bare for bare, _ in pairs)
    row("import siglip above python -c pass, median of 20", f"{1000 * difference:.1f} ms")


def measure_call():
    """One picture on one thread: the class of transformers beside the module in C++, turn by turn."""
    import siglip
    from siglip import _siglip

    model = siglip.SiglipVisionModel.from_pretrained(DEMO, threads=1)
    native = _siglip.VisionModel(DEMO, _siglip.Runtime(1))
    processor = siglip.SiglipImageProcessor.from_pretrained(DEMO)
    pixels = processor(PICTURES[0], return_tensors="np")["pixel_values"]
    pairs = [(seconds_of(lambda: native(pixels)), seconds_of(lambda: model(pixel_values=pixels))) for _ in range(1000)]
    bare, whole = (statistics.median(column) for column in zip(*pairs, strict=True))
    row("a call with a ready tensor over that of the module", f"{1e6 * (whole - bare):.0f} us of {1e6 * whole:.0f}")


def cpu_seconds(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measure_rate(program, folder, model, pictures):
    """Pictures per second, and seconds of all CPUs per picture, which other programs on the machine change less."""
    def run_program(paths):
        begin = cpu_seconds(resource.RUSAGE_CHILDREN)
        result = subprocess.run([program, "embed", "--model", folder, "--force", "--output", "/dev/shm/rows.npy", *paths],
                                capture_output=True, text=True, check=True)
        rate = float(re.search(r"([0-9.]+) pictures/s", result.stderr)[1])
        return rate, cpu_seconds(resource.RUSAGE_CHILDREN) - begin

    rates, shares, ours, program_own = [], [], [], []
    for _ in range(ROUNDS):
        _, cpu_of_start = run_program(pictures[:1])
        rate, cpu = run_program(pictures)
        program_own.append((cpu - cpu_of_start) / (len(pictures) - 1))
        begin = cpu_seconds(resource.RUSAGE_SELF)
        rates.append((len(pictures) / seconds_of(lambda: model.encode_image(pictures)), rate))
        ours.append((cpu_seconds(resource.RUSAGE_SELF) - begin) / len(pictures))
        shares.append(rates[-1][0] / rates[-1][1])
    both = [statistics.median(column) for column in zip(*rates, strict=True)]
    row(f"{len(pictures)} JPEGs beside the command line, {ROUNDS} rounds",
        f"{100 * statistics.median(shares):.0f}% ({both[0]:.0f} and {both[1]:.0f}/s)")
    row("the same in CPU time for a picture",
        f"{1e6 * statistics.median(ours):.0f} and {1e6 * statistics.median(program_own):.0f} us")


def measure_threads(model):
    parts = [PICTURES[i::4] for i in range(4)]
    serial, together = [], []
    for _ in range(ROUNDS):
        serial.append(seconds_of(lambda: [model.encode_image(part) for part in parts]))

        def all_at_once():
            threads = [threading.Thread(target=model.encode_image, args=(part,)) for part in parts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        together.append(seconds_of(all_at_once))
    row("4 threads of Python, one model, beside serial",
        f"{100 * statistics.median(serial) / statistics.median(together):.0f}% of its rate")


def measure_memory(model):
    def kept():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    begin, after_500 = 0.0, 0.0
    for result in model.stream(picture for picture, _ in zip(forever(), range(10_000))):
        if result.index == 500:
            after_500 = kept()
        begin = result.index
    row(f"{begin + 1:,} pictures streamed: memory after the first 500", f"+{kept() - after_500:.1f} MB")


def forever():
    for pictures in repeat(PICTURES):
        yield from pictures


def main():
    parser = argparse.ArgumentParser(description="Measures the Python package beside the command line.")
    parser.add_argument("--siglip", default=str(ROOT / "build/release/apps/cli/siglip"), metavar="PROGRAM")
    parser.add_argument("--model", default=DEMO, metavar="DIR", help="whose rate is measured; default: the demo model")
    parser.add_argument("--pictures", type=int, default=1024, metavar="N", help="for its rate; default: 1024")
    parser.add_argument("--rate-only", action="store_true", help="leave everything else out")
    arguments = parser.parse_args()
    print("| what | figure |\n| --- | --- |")
    if not arguments.rate_only:
        measure_import()
        measure_call()
    import siglip

    model = siglip.load(arguments.model)
    model.encode_image(PICTURES[:8])
    pictures = [picture for picture, _ in zip(forever(), range(arguments.pictures))]
    measure_rate(arguments.siglip, arguments.model, model, pictures)
    if not arguments.rate_only:
        demo = siglip.load(DEMO)
        measure_threads(demo)
        measure_memory(demo)


if __name__ == "__main__":
    main()
