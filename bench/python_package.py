#!/usr/bin/env python3
"""Measures what the Python package costs beside the command line, on the demo model: run it with the Python that has
the wheel installed, on a quiet machine.

    build/python-tests-env/bin/python bench/python_package.py [--siglip PROGRAM]
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


def measure_rate(program, model):
    ours, program_own = [], []
    for _ in range(ROUNDS):
        result = subprocess.run([program, "embed", "--model", DEMO, "--force", "--output", "/dev/shm/rows.npy", *PICTURES],
                                capture_output=True, text=True, check=True)
        program_own.append(float(re.search(r"([0-9.]+) pictures/s", result.stderr)[1]))
        ours.append(len(PICTURES) / seconds_of(lambda: model.encode_image(PICTURES)))
    shares = [mine / its for mine, its in zip(ours, program_own, strict=True)]
    row(f"{len(PICTURES)} JPEGs beside the command line, {ROUNDS} rounds",
        f"{100 * statistics.median(shares):.0f}% ({statistics.median(ours):.0f} and {statistics.median(program_own):.0f}/s)")


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
    program = parser.parse_args().siglip
    print("| what | figure |\n| --- | --- |")
    measure_import()
    import siglip

    measure_call()
    model = siglip.load(DEMO)
    model.encode_image(PICTURES[:8])
    measure_rate(program, model)
    measure_threads(model)
    measure_memory(model)


if __name__ == "__main__":
    main()
