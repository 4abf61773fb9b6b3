#!/usr/bin/env python3
"""Compares the speed of the kernels with what was recorded, to notice when one becomes slower.

    scripts/check_efficiency.py             compare with bench/efficiency.json
    scripts/check_efficiency.py --record    write what is measured there instead

bench/kernels_bench measures each kernel several times as a share of the multiply-add peak of the
same run, which says more than GFLOP/s: it depends little on the clock and on other load. The record
is kept by instruction set; SIGLIP_ISA=NAME measures another than the best this CPU has, and one
that has no record is only shown.

A share is noisy all the same, and differs between CPUs of one instruction set. So one that is lower
than recorded gives a warning and the exit status 0. The status is 1 where something is broken: the
benchmark does not run, a recorded kernel is gone, or one stays below a third of its record every
time.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The products and the attention of the base models.
SHAPES = "rows:196/|head_dim:64/"
REPEATS = 5
SECONDS_EACH = 0.05
WARN_BELOW = 0.8  # of the record, for the median
BROKEN_BELOW = 1 / 3  # of the record, for every repeat


class Broken(Exception):
    """What makes the check fail."""


def kernel_name(benchmark):
    """"Linear rows:196 outputs:768 inputs:768 gelu:0 int8"; the label names the precision."""
    words = re.sub("^BM_", "", benchmark["name"]).split("/")
    return " ".join([word for word in words if not word.startswith("precision:")]
                    + [benchmark["label"]])


def run_benchmark(program):
    """(the instruction set, kernel -> (GFLOP/s, share of the peak)) of one run."""
    command = [str(program), "--benchmark_format=json", f"--benchmark_filter={SHAPES}",
               f"--benchmark_min_time={SECONDS_EACH}"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        report = json.loads(result.stdout)
        return report["context"]["instruction_set"], {
            kernel_name(one): (one["GFLOP/s"], one["of_peak"]) for one in report["benchmarks"]}
    except FileNotFoundError as error:
        raise Broken(f"{program} is missing; build the preset release first") from error
    except subprocess.CalledProcessError as error:
        raise Broken(f"{program} failed ({error.returncode}): {error.stderr.strip()}") from error
    except (ValueError, KeyError) as error:
        raise Broken(f"{program}: its report is not as expected: {error!r}") from error


def measure(program):
    """(the instruction set, kernel -> (GFLOP/s, share) of each repeat)."""
    measured = {}
    for _ in range(REPEATS):
        instruction_set, kernels = run_benchmark(program)
        if not kernels:
            raise Broken(f"{program}: no benchmark matches {SHAPES}")
        for name, figures in kernels.items():
            measured.setdefault(name, []).append(figures)
    return instruction_set, measured


def judge(shares, recorded):
    """What is to be said of the shares of all repeats."""
    if recorded is None:
        return "not recorded"
    if max(shares) < BROKEN_BELOW * recorded:
        return "broken"
    return "slower" if statistics.median(shares) < WARN_BELOW * recorded else ""


def compare(instruction_set, measured, recorded):
    """Prints the table. Throws Broken."""
    print(f"{instruction_set}, median of {REPEATS}, one thread")
    width = max(map(len, measured))
    print(f"{'kernel':{width}}  GFLOP/s  of peak  recorded")
    verdicts = {}
    for name, figures in measured.items():
        gflops = statistics.median(figure[0] for figure in figures)
        shares = [figure[1] for figure in figures]
        verdict = verdicts[name] = judge(shares, recorded.get(name))
        then = f"{recorded[name]:.1%}" if name in recorded else ""
        print(f"{name:{width}}  {gflops:7.0f}  {statistics.median(shares):7.1%}  {then:>8}  {verdict}"
              .rstrip())

    gone = sorted(set(recorded) - set(measured))
    if gone:
        raise Broken(f"recorded, but not measured: {', '.join(gone)}; "
                     "if that is meant, use --record")
    broken = [name for name, verdict in verdicts.items() if verdict == "broken"]
    if broken:
        raise Broken(f"below a third of the record in all {REPEATS} repeats: {', '.join(broken)}")
    slower = sum(verdict == "slower" for verdict in verdicts.values())
    if slower:
        print(f"WARNING: {slower} of {len(measured)} kernels are more than "
              f"{1 - WARN_BELOW:.0%} below their record. On a quiet machine of the kind that was "
              "recorded on, this is a regression.")


def read_records(path):
    """Instruction set -> kernel -> share of the peak; empty where there is no file yet."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Broken(f"{path} is no JSON: {error}") from error


def write_records(path, records):
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(scratch, path)


def main():
    parser = argparse.ArgumentParser(
        description="Compares the speed of the kernels with what was recorded.")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", metavar="FOLDER",
                        help="build folder with the benchmark (default: build/release)")
    parser.add_argument("--file", type=Path, default=ROOT / "bench/efficiency.json",
                        help="the record (default: bench/efficiency.json)")
    parser.add_argument("--record", action="store_true",
                        help="write what is measured instead of comparing with it")
    arguments = parser.parse_args()
    try:
        records = read_records(arguments.file)
        instruction_set, measured = measure(arguments.build / "bench/kernels_bench")
        if arguments.record:
            records[instruction_set] = {
                name: round(statistics.median(share for _, share in figures), 3)
                for name, figures in measured.items()}
            write_records(arguments.file, records)
            print(f"{len(measured)} kernels of {instruction_set} recorded in {arguments.file}")
        else:
            compare(instruction_set, measured, records.get(instruction_set, {}))
    except Broken as broken:
        print(f"FAILED: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
