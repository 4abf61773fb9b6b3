"""What siglip computes on 64-bit Arm and on x86 has the same bits: the portable kernels in every precision, and those
of NEON as those of AVX2. SIGLIP_ARM is how to run demo_embeddings.cc there, SIGLIP_NATIVE the program here."""

import os
import pathlib
import shlex
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ARM = shlex.split(os.environ["SIGLIP_ARM"])
NATIVE = [os.environ["SIGLIP_NATIVE"]]
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
TEXTS, DIMENSIONS = 2, 128


def run(program, isa, precision):
    return subprocess.run([*program, str(ROOT / "models" / "demo"), precision, *map(str, PICTURES)],
                          env={**os.environ, "SIGLIP_ISA": isa}, timeout=600, check=False, capture_output=True)


class ArmSameBitsTest(unittest.TestCase):
    def embed(self, program, isa, precision):
        result = run(program, isa, precision)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stdout), 4 * DIMENSIONS * (len(PICTURES) + TEXTS))
        return result.stdout

    def compare(self, arm_isa, native_isa, precisions=("f32", "bf16", "int8")):
        for precision in precisions:
            with self.subTest(precision=precision):
                self.assertEqual(self.embed(ARM, arm_isa, precision), self.embed(NATIVE, native_isa, precision))

    def test_portable_kernels(self):
        self.compare("generic", "generic")

    def test_neon_as_avx2(self):
        self.compare("neon", "avx2")

    def test_the_fastest_set_as_avx2_in_f32(self):
        """Which the CPU decides."""
        self.compare("", "avx2", ["f32"])

    def test_the_programs_are_two(self):
        self.assertIn(b"lacks", run(NATIVE, "neon", "f32").stderr)
        self.assertIn(b"lacks", run(ARM, "avx2", "f32").stderr)


if __name__ == "__main__":
    unittest.main()
