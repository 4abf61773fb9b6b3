#!/usr/bin/env python3
"""Checks that the tiles of the matrix product keep their vectors in registers.

    scripts/check_spills.py [--build FOLDER]
    scripts/check_spills.py OBJECT...

A tile fills the register file to the last register or two, so that a new compiler or a small change
of the source can make the compiler spill: the results stay right and the speed halves. Therefore
the loops of the tiles are looked up in the machine code of src/kernels/isa, and where one reads or
writes a vector on the stack, this is listed as "object: function: instruction" and the exit status
is 1. It is 1 as well where an object file holds no such loop: then they have changed their shape
and nothing was checked.

The loop of a tile is known by what it does, not by its name: it is an innermost loop that
multiplies vectors and broadcasts numbers from memory. Loops over elements, which do not broadcast,
may well have a constant on the stack.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = "src/kernels/CMakeFiles/siglip_kernels.dir/isa"
# The portable kernels have no vector instructions to look for.
UNCHECKED = ("generic.cc.o",)

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\s+(?:\{\w+\} )?(\S+)\s*(.*)$")
JUMP_TARGET = re.compile(r"^([0-9a-f]+)\b")
VECTOR = re.compile(r"%[yz]mm\d")
MULTIPLY = re.compile(r"vfn?madd|vdpbf16|vpdp|vpmaddwd")
BROADCAST = re.compile(r"vp?broadcast")
EMBEDDED_BROADCAST = "{1to"
CONSTANT = re.compile(r"\(%r[is]p")


class Instruction:
    def __init__(self, address, name, operands):
        self.address = address
        self.name = name
        self.operands = operands

    def __str__(self):
        return f"{self.name} {self.operands}".rstrip()

    def multiplies(self):
        return MULTIPLY.match(self.name) and VECTOR.search(self.operands)

    def broadcasts(self):
        """Whether a number of a matrix goes to every lane; a constant lies by the code or stack."""
        return (EMBEDDED_BROADCAST in self.operands or
                (BROADCAST.match(self.name) and "(" in self.operands)
                ) and not CONSTANT.search(self.operands)

    def jumps_back_to(self):
        """Where a jump to an earlier address leads, else None."""
        target = JUMP_TARGET.match(self.operands) if self.name.startswith("j") else None
        if target is None or int(target.group(1), 16) > self.address:
            return None
        return int(target.group(1), 16)

    def touches_vector_on_stack(self, has_frame):
        return VECTOR.search(self.operands) and ("(%rsp" in self.operands or
                                                 (has_frame and "(%rbp" in self.operands))


def functions_of(listing):
    """(name, instructions) of every function in what objdump printed."""
    name, instructions = None, []
    for line in listing.splitlines():
        function = FUNCTION.match(line)
        if function:
            if instructions:
                yield name, instructions
            name, instructions = function.group(1), []
            continue
        found = INSTRUCTION.match(line)
        if found:
            instructions.append(
                Instruction(int(found.group(1), 16), found.group(2), found.group(3)))
    if instructions:
        yield name, instructions


def tile_loops(instructions):
    """The loops of tiles in a function, each as its instructions. A loop reaches from where a jump
    leads back to, up to the last such jump."""
    ends = {}
    for instruction in instructions:
        begin = instruction.jumps_back_to()
        if begin is not None:
            ends[begin] = instruction.address
    multiplying = [(begin, end) for begin, end in ends.items()
                   if any(one.multiplies() for one in instructions if begin <= one.address <= end)]
    for begin, end in multiplying:
        if any(begin <= inner_begin and inner_end <= end and (inner_begin, inner_end) != (begin, end)
               for inner_begin, inner_end in multiplying):
            continue
        loop = [one for one in instructions if begin <= one.address <= end]
        if any(one.broadcasts() for one in loop):
            yield loop


def check_object(path):
    """(the number of tiles, what is wrong) in one object file."""
    listing = subprocess.run(
        ["objdump", "--disassemble", "--demangle", "--no-show-raw-insn", str(path)],
        capture_output=True, text=True, check=True).stdout
    count, violations = 0, []
    for name, instructions in functions_of(listing):
        # %rbp is a register like any other unless the function makes it its frame.
        has_frame = any(str(one).split() == ["mov", "%rsp,%rbp"] for one in instructions)
        for loop in tile_loops(instructions):
            count += 1
            violations += [f"{path.name}: {name}: {one}" for one in loop
                           if one.touches_vector_on_stack(has_frame)]
    if count == 0:
        violations.append(f"{path.name}: no loop of a tile was found")
    return count, violations


def main():
    parser = argparse.ArgumentParser(
        description="Checks that the tiles of the matrix product keep their vectors in registers.")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release",
                        help="build folder with the kernels (default: build/release)")
    parser.add_argument("objects", nargs="*", type=Path, metavar="OBJECT",
                        help="object files instead of those in the build folder")
    arguments = parser.parse_args()

    objects = arguments.objects or [path
                                    for path in sorted((arguments.build / KERNELS).glob("*.o"))
                                    if path.name not in UNCHECKED]
    if not objects:
        print(f"{arguments.build / KERNELS}: no object files; build the preset release first")
        return 1
    tiles = 0
    violations = []
    for path in objects:
        try:
            count, found = check_object(path)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{path}: cannot be disassembled: {getattr(error, 'stderr', None) or error}")
            return 1
        tiles += count
        violations += found
    for violation in violations:
        print(violation)
    if violations:
        return 1
    print(f"no spills in {tiles} tiles of {len(objects)} object files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
