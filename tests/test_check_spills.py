#!/usr/bin/env python3
"""Tests scripts/check_spills.py on made-up machine code: loops that spill and loops that do not."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ARM_ASSEMBLER = "aarch64-linux-gnu-as"
SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "check_spills.py"

# A tile of two rows; {0} stands before its loop, {1} in the loop and {2} behind it.
TILE = """
tile:
        {0}
1:      vmovups (%rcx), %zmm2
        vbroadcastss (%rsi,%rax,4), %zmm3
        vfmadd231ps %zmm2, %zmm3, %zmm0
        vfmadd231ps (%rbx,%rax,4){{1to16}}, %zmm2, %zmm1
        {1}
        inc %rax
        cmp %rdi, %rax
        jne 1b
        {2}
        ret
"""

CLEAN = {
    "nothing on the stack": TILE.format("", "", ""),
    "vectors on the stack around the loop": TILE.format(
        "vmovups %zmm4, -64(%rsp)", "", "vmovups -64(%rsp), %zmm4"),
    "an address on the stack": TILE.format("", "mov -8(%rsp), %rsi", ""),
    "a number on the stack": TILE.format("", "vmovss -8(%rsp), %xmm4", ""),
    "%rbp as an ordinary register": TILE.format("", "vmovups (%rbp), %zmm4", ""),
    "an outer loop that keeps vectors on the stack": TILE.format(
        "2:  vmovups %zmm4, -64(%rsp)\n xor %eax, %eax", "",
        "vmovups -64(%rsp), %zmm4\n dec %rdx\n jne 2b"),
    "a loop over elements with a constant on the stack": TILE.format("", "", "") + """
elements:
1:      vmovups (%rsi,%rax), %ymm0
        vfmadd213ps -32(%rsp), %ymm1, %ymm0
        vmovups %ymm0, (%rdi,%rax)
        add $32, %rax
        jne 1b
        ret
""",
}

# What is wrong -> the code, and the instructions to be blamed as objdump writes them.
SPILLING = {
    "a sum written to the stack": (
        TILE.format("", "vmovaps %zmm1, -64(%rsp)", ""), ["vmovaps %zmm1,-0x40(%rsp)"]),
    "a sum read from the stack": (
        TILE.format("", "vmovaps 64(%rsp), %ymm1", ""), ["vmovaps 0x40(%rsp),%ymm1"]),
    "a product with the stack": (
        TILE.format("", "vfmadd231ps (%rsp), %zmm3, %zmm4", ""),
        ["vfmadd231ps (%rsp),%zmm3,%zmm4"]),
    "%rbp as the frame": (
        TILE.format("push %rbp\n mov %rsp, %rbp", "vmovups %zmm4, -64(%rbp)", ""),
        ["vmovups %zmm4,-0x40(%rbp)"]),
    "bfloat16": (
        TILE.format("", "vdpbf16ps -64(%rsp), %zmm2, %zmm4", ""),
        ["vdpbf16ps -0x40(%rsp),%zmm2,%zmm4"]),
    "bytes": (
        """
tile:
1:      vpbroadcastd (%rsi,%rax,4), %ymm3
        {vex} vpdpbusd (%rcx), %ymm3, %ymm0
        vmovdqa %ymm0, -32(%rsp)
        inc %rax
        jne 1b
        ret
""",
        ["vmovdqa %ymm0,-0x20(%rsp)"]),
    "the inner of two loops": (
        TILE.format("2: xor %eax, %eax", "vmovups %zmm4, -64(%rsp)", "dec %rdx\n jne 2b"),
        ["vmovups %zmm4,-0x40(%rsp)"]),
    "one of two ways through the loop": (
        TILE.format("", "test $1, %al\n je 1b\n vmovups %zmm4, -64(%rsp)", ""),
        ["vmovups %zmm4,-0x40(%rsp)"]),
}

# The same for 64-bit Arm.
ARM_TILE = """
tile:
        mov x29, sp
1:      ldr q2, [x1], #16
        ldr q3, [x2], #16
        fmla v0.4s, v2.4s, v3.s[0]
        fmla v1.4s, v2.4s, v3.s[1]
        {0}
        subs x0, x0, #1
        b.ne 1b
        ldp d8, d9, [sp, #96]
        ret
        mov x0, #1
        b 1b
elements:
1:      ldr q0, [x1], #16
        ldr q1, [sp, #32]
        fmla v1.4s, v0.4s, v2.4s
        cbnz x0, 1b
        ret
"""
ARM_SPILLING = {
    "a sum written to the stack": (ARM_TILE.format("str q1, [sp, #32]"), ["str q1, [sp, #32]"]),
    "two sums read from the stack": (ARM_TILE.format("ldp q0, q1, [x29, #32]"), ["ldp q0, q1, [x29, #32]"]),
    "bytes": (
        """
tile:
1:      ld1r {v3.4s}, [x1]
        smull v4.8h, v2.8b, v3.8b
        sadalp v0.4s, v4.8h
        ldr d5, [sp, #8]
        subs x0, x0, #1
        b.ne 1b
        ret
""",
        ["ldr d5, [sp, #8]"]),
    "small matrices": (
        """
        .arch armv8.2-a+i8mm
tile:
1:      ldr d2, [x1], #8
        ld1 {v2.d}[1], [x2]
        smmla v0.4s, v2.16b, v3.16b
        str q0, [sp, #16]
        subs x0, x0, #1
        b.ne 1b
        ret
""",
        ["str q0, [sp, #16]"]),
}

# A step of AMX: {0} stands in its loop.
TILE_REGISTERS = """
tile:
1:      prefetcht1 (%rax)
        tileloadd (%r8,%rcx,1), %tmm6
        tileloadd (%rdx,%r9,1), %tmm4
        tdpbf16ps %tmm6, %tmm4, %tmm0
        tileloadd (%r15,%rcx,1), %tmm7
        tdpbf16ps %tmm7, %tmm4, %tmm1
        {0}
        sub $16, %rsi
        ja 1b
        tilestored %tmm0, (%rsp,%rcx,1)
        ret
peak:
1:      tdpbusd %tmm6, %tmm4, %tmm0
        dec %rsi
        jne 1b
        ret
"""
LOWER_ROWS = "tileloadd (%r14,%r9,1), %tmm5\n tdpbf16ps %tmm6, %tmm5, %tmm2\n tdpbf16ps %tmm7, %tmm5, %tmm3"
CLEAN["two tile registers"] = TILE_REGISTERS.format("")
CLEAN["four tile registers"] = TILE_REGISTERS.format(LOWER_ROWS)
SPILLING |= {
    "a tile register on the stack": (
        TILE_REGISTERS.format("tilestored %tmm0, (%rsp,%rcx,1)"), ["tilestored %tmm0,(%rsp,%rcx,1)"]),
    "an address on the stack beside tile registers": (
        TILE_REGISTERS.format("mov -8(%rsp), %r8"), ["mov -0x8(%rsp),%r8"]),
    "a tile register that is loaded twice": (
        TILE_REGISTERS.format("tileloadd (%r8,%rcx,1), %tmm6"),
        ["4 loads of tile registers for 2 products"]),
}

WITHOUT_TILE = {
    "no loop": "tile: vfmadd231ps %zmm2, %zmm3, %zmm0\n ret\n",
    "no multiplication": "tile:\n1: vbroadcastss (%rsi,%rax,4), %zmm3\n inc %rax\n jne 1b\n ret\n",
    "numbers instead of vectors":
        "tile:\n1: vbroadcastss (%rsi), %zmm3\n vfmadd231ss (%rcx), %xmm3, %xmm0\n jne 1b\n ret\n",
}


class CheckSpillsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def assemble(self, code, path, assembler=("as", "--64")):
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*assembler, "-o", path], input=code, text=True, check=True)
        return path

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              check=False)

    def check(self, code, assembler=("as", "--64")):
        return self.run_script(self.assemble(code, self.folder / "kernel.o", assembler))

    def test_clean_loops_pass(self):
        for name, code in CLEAN.items():
            with self.subTest(name):
                result = self.check(code)
                self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
                self.assertIn("no spills in 1 tiles of 1 object files", result.stdout)

    def test_each_spill_is_listed(self):
        for name, (code, blamed) in SPILLING.items():
            with self.subTest(name):
                result = self.check(code)
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                listed = [" ".join(line.split()) for line in result.stdout.splitlines()]
                self.assertEqual(listed, [f"kernel.o: tile: {one}" for one in blamed])

    @unittest.skipUnless(shutil.which(ARM_ASSEMBLER), "scripts/bootstrap.sh --arm installs what this needs")
    def test_arm(self):
        clean = self.check(ARM_TILE.format("str x3, [sp, #8]"), [ARM_ASSEMBLER])
        self.assertIn("no spills in 1 tiles of 1 object files", clean.stdout)
        for name, (code, blamed) in ARM_SPILLING.items():
            with self.subTest(name):
                result = self.check(code, [ARM_ASSEMBLER])
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                listed = [" ".join(line.split()) for line in result.stdout.splitlines()]
                self.assertEqual(listed, [f"kernel.o: tile: {one}" for one in blamed])

    def test_a_file_without_tiles_fails(self):
        for name, code in WITHOUT_TILE.items():
            with self.subTest(name):
                result = self.check(code)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stdout, "kernel.o: no loop of a tile was found\n")

    def test_build_folder(self):
        kernels = self.folder / "src/kernels/CMakeFiles/siglip_kernels.dir/isa"
        self.assemble("portable: ret\n", kernels / "generic.cc.o")
        result = self.run_script("--build", self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no object files", result.stdout)

        self.assemble(TILE.format("", "", ""), kernels / "avx2.cc.o")
        self.assertEqual(self.run_script("--build", self.folder).returncode, 0)
        self.assemble(SPILLING["bytes"][0], kernels / "avx512.cc.o")
        result = self.run_script("--build", self.folder)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)

    def test_what_is_no_object_file(self):
        for content in (None, b"text"):
            path = self.folder / "kernel.o"
            if content:
                path.write_bytes(content)
            result = self.run_script(path)
            self.assertEqual((result.returncode, result.stderr), (1, ""))
            self.assertIn("cannot be disassembled", result.stdout)


if __name__ == "__main__":
    unittest.main()
