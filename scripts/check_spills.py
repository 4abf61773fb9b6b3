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
multiplies vectors and broadcasts numbers, from memory or, on Arm, out of a lane of a register, or it
multiplies small matrices. Loops over elements, which do not broadcast, may well have a constant on
the stack. A loop that multiplies tile registers (AMX) loads each of them once and touches the stack
not at all. Object files are those of x86 or of 64-bit Arm, as their headers say; the latter need the
objdump of their architecture.
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

MACHINES = {62: "x86", 183: "arm"}  # e_machine of ELF
OBJDUMP = {"x86": "objdump", "arm": "aarch64-linux-gnu-objdump"}

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\s+(?:\{\w+\} )?(\S+)\s*(.*)$")
VECTOR = re.compile(r"%[tyz]mm\d")
MULTIPLY = re.compile(r"vfn?madd|vdpbf16|vpdp|vpmaddwd|tdp")
BROADCAST = re.compile(r"vp?broadcast")
EMBEDDED_BROADCAST = "{1to"
CONSTANT = re.compile(r"\(%r[is]p")


class X86Instruction:
    JUMP = re.compile(r"^j")
    JUMP_TARGET = re.compile(r"^([0-9a-f]+)\b")

    def __init__(self, address, name, operands):
        self.address = address
        self.name = name
        self.operands = operands

    def __str__(self):
        return f"{self.name} {self.operands}".rstrip()

    def multiplies(self):
        return MULTIPLY.match(self.name) and VECTOR.search(self.operands)

    def broadcasts(self):
        """Whether a number of a matrix goes to every lane, or rows to all sums of a tile register; a
        constant lies by the code or stack."""
        return self.loads_tile() or (
            EMBEDDED_BROADCAST in self.operands or
            (BROADCAST.match(self.name) and "(" in self.operands)
        ) and not CONSTANT.search(self.operands)

    def multiplies_tiles(self):
        return self.name.startswith("tdp")

    def loads_tile(self):
        return self.name.startswith("tileload")

    def jumps_back_to(self):
        """Where a jump to an earlier address leads, else None."""
        target = self.JUMP_TARGET.search(self.operands) if self.JUMP.match(self.name) else None
        if target is None or int(target.group(1), 16) > self.address:
            return None
        return int(target.group(1), 16)

    def touches_stack(self, has_frame):
        return "(%rsp" in self.operands or (has_frame and "(%rbp" in self.operands)

    def touches_vector_on_stack(self, has_frame):
        return VECTOR.search(self.operands) and self.touches_stack(has_frame)

    def makes_frame(self):
        """%rbp is a register like any other unless the function makes it its frame."""
        return str(self).split() == ["mov", "%rsp,%rbp"]


class ArmInstruction(X86Instruction):
    JUMP = re.compile(r"^(b|b\..*|cbn?z|tbn?z)$")
    JUMP_TARGET = re.compile(r"(?:^|, )([0-9a-f]+) <")
    MULTIPLY = re.compile(r"fmla|sdot|[su]mull2?|u?s?mmla|bfmmla")
    LANE = re.compile(r"v\d+\.(s|4b)\[\d\]")
    VECTOR = re.compile(r"\b[vqd]\d+")
    STACK = re.compile(r"\[sp\b")
    FRAME = re.compile(r"\[x29\b")

    def multiplies(self):
        return self.MULTIPLY.fullmatch(self.name) and self.VECTOR.search(self.operands)

    def broadcasts(self):
        """Whether a word of a matrix goes to every lane, or two rows to all sums of a small matrix."""
        return self.name == "ld1r" or self.name.endswith("mmla") or (
            self.multiplies() and self.LANE.search(self.operands))

    def touches_vector_on_stack(self, has_frame):
        return self.VECTOR.search(self.operands) and (
            self.STACK.search(self.operands) or (has_frame and self.FRAME.search(self.operands)))

    def makes_frame(self):
        return str(self).split() == ["mov", "x29,", "sp"]


INSTRUCTIONS = {"x86": X86Instruction, "arm": ArmInstruction}


def architecture_of(path):
    """Whose machine code an object file holds; ValueError for one of another architecture."""
    with open(path, "rb") as file:
        header = file.read(20)
    machine = int.from_bytes(header[18:20], "little")
    if header[:4] != b"\x7fELF" or machine not in MACHINES:
        raise ValueError("no object file of x86 or 64-bit Arm")
    return MACHINES[machine]


def disassemble(path):
    """(name, instructions) of every function in an object file."""
    architecture = architecture_of(path)
    listing = subprocess.run(
        [OBJDUMP[architecture], "--disassemble", "--demangle", "--no-show-raw-insn", str(path)],
        capture_output=True, text=True, check=True).stdout
    make = INSTRUCTIONS[architecture]
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
            instructions.append(make(int(found.group(1), 16), found.group(2), found.group(3)))
    if instructions:
        yield name, instructions


def tile_loops(instructions):
    """The loops of tiles in a function, each as its instructions. A loop reaches from where a jump
    leads back to, up to the last such jump. Jumps from behind the function's end, where what is
    seldom needed lies, are no loops, unless there are no others."""
    ends, ends_behind_return = {}, {}
    returns = [one.address for one in instructions if one.name == "ret"]
    for instruction in instructions:
        begin = instruction.jumps_back_to()
        if begin is not None:
            is_behind = any(begin < one < instruction.address for one in returns)
            (ends_behind_return if is_behind else ends)[begin] = instruction.address
    ends = ends or ends_behind_return
    multiplying = [(begin, end) for begin, end in ends.items()
                   if any(one.multiplies() for one in instructions if begin <= one.address <= end)]
    for begin, end in multiplying:
        if any(begin <= inner_begin and inner_end <= end and (inner_begin, inner_end) != (begin, end)
               for inner_begin, inner_end in multiplying):
            continue
        loop = [one for one in instructions if begin <= one.address <= end]
        if any(one.broadcasts() for one in loop):
            yield loop


# Products of a step, rows by columns of tile registers -> what is loaded for it.
TILE_LOADS = {1: 2, 2: 3, 4: 4}


def faults_of(loop, has_frame):
    """What is wrong with the loop of a tile, in words."""
    products = sum(one.multiplies_tiles() for one in loop)
    if products == 0:
        return [str(one) for one in loop if one.touches_vector_on_stack(has_frame)]
    faults = [str(one) for one in loop if one.touches_stack(has_frame)]
    loads = sum(one.loads_tile() for one in loop)
    if loads != TILE_LOADS.get(products):
        faults.append(f"{loads} loads of tile registers for {products} products")
    return faults


def check_object(path):
    """(the number of tiles, what is wrong) in one object file."""
    count, violations = 0, []
    for name, instructions in disassemble(path):
        has_frame = any(one.makes_frame() for one in instructions)
        for loop in tile_loops(instructions):
            count += 1
            violations += [f"{path.name}: {name}: {fault}" for fault in faults_of(loop, has_frame)]
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
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
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
