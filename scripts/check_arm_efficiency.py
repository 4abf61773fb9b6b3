#!/usr/bin/env python3
"""Compares the loops of the tiles for 64-bit Arm with what the multipliers of CPUs allow, as llvm-mca models these.

    scripts/check_arm_efficiency.py [--build build/arm64]

Needs llvm-mca of LLVM 19 (apt-get install llvm-19), as earlier ones know too few CPUs, and the objects of the preset arm64.
Nobody's clock takes part: what is compared is the cycles of a loop with the cycles of its products alone, each on
registers that nothing else uses. Only the largest tile of each kind counts, which computes most of a picture. The exit status is 1
where a share is below its target, or where a kind of product has no loop.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from check_spills import KERNELS, ROOT, disassemble, tile_loops

LLVM_MCA = "llvm-mca-19"
ITERATIONS = 200
# Product, object file, share of the bound that is asked for, CPUs.
TARGETS = (
    ("fmla", "neon.cc.o", 0.95, ("neoverse-n1", "neoverse-v1")),
    ("sdot", "neon_dot.cc.o", 0.95, ("neoverse-n1", "neoverse-v1")),
    ("smmla", "neon_mmla.cc.o", 0.85, ("neoverse-v1", "neoverse-n2")),
    ("bfmmla", "neon_mmla.cc.o", 0.85, ("neoverse-v1", "neoverse-n2")),
)
REGISTER = re.compile(r"v\d+")
CYCLES = re.compile(r"^Total Cycles: +(\d+)$", re.MULTILINE)


def cycles(lines, cpu):
    """Of one pass of a loop that runs for long."""
    said = subprocess.run([LLVM_MCA, "--mtriple=aarch64", f"--mcpu={cpu}", "--mattr=+dotprod,+i8mm,+bf16",
                           f"--iterations={ITERATIONS}"], input="\n".join(lines), capture_output=True, text=True, check=True)
    return int(CYCLES.search(said.stdout)[1]) / ITERATIONS


def assembler(instruction):
    """As llvm-mca reads it; the jump back is its own matter."""
    if instruction.JUMP.match(instruction.name):
        return None
    return str(instruction).split(" //")[0]


def share(loop, product, cpu):
    """Of the bound; and the cycles of a pass."""
    lines = [line for line in map(assembler, loop) if line is not None]
    products = [line for line in lines if line.split()[0] == product]
    # As many sums as the loop has, so that none waits for itself more than there, and a factor that none of them is.
    sums = {REGISTER.search(line)[0] for line in products}
    factor = next(register for register in map("v{}".format, range(32)) if register not in sums)
    alone = [re.sub(r", v\d+\.", f", {factor}.", line) for line in products]
    taken = cycles(lines, cpu)
    return cycles(alone, cpu) / taken, taken, len(products)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/arm64")
    arguments = parser.parse_args()
    missed = False
    for product, name, target, cpus in TARGETS:
        path = arguments.build / KERNELS / name
        loops = [loop for _, instructions in disassemble(path) for loop in tile_loops(instructions)
                 if any(one.name == product for one in loop)]
        if not loops:
            print(f"{path}: no loop with {product}")
            return 1
        largest = max(loops, key=lambda loop: sum(one.name == product for one in loop))
        for cpu in cpus:
            reached, taken, count = share(largest, product, cpu)
            met = reached >= target
            missed |= not met
            print(f"{product} on {cpu}: {count} products in {taken:.2f} cycles, {reached:.0%} of the bound "
                  f"(target {target:.0%}: {'met' if met else 'missed'})")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f"check_arm_efficiency: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"check_arm_efficiency: {error.cmd[0]}: {error.stderr}")
