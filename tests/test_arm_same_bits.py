"""What siglip computes on 64-bit Arm and on x86 has the same bits: the portable kernels in every precision, and those
of NEON as those of AVX2. SIGLIP_ARM_CLI is how to run the one program, SIGLIP_NATIVE_CLI the other."""

import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ARM = shlex.split(os.environ["SIGLIP_ARM_CLI"])
NATIVE = [os.environ["SIGLIP_NATIVE_CLI"]]
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
TEXTS = ("a red heart", "two blue stars on a white ground")


def run(program, isa, *words):
    return subprocess.run([*program, *map(str, words)], env={**os.environ, "SIGLIP_ISA": isa}, timeout=600, check=False,
                          capture_output=True, text=True)


class ArmSameBitsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def embed(self, program, isa, precision):
        """The bytes of a file with the embeddings of the demo pictures, and those of the texts."""
        made = []
        for kind, inputs in (("pictures", PICTURES), ("texts", [f"--text={text}" for text in TEXTS])):
            output = self.folder / f"{kind}-{isa}-{precision}.npy"
            result = run(program, isa, "embed", "--model", ROOT / "models" / "demo", "--precision", precision,
                         "--force", "--output", output, *inputs)
            self.assertEqual(result.returncode, 0, result.stderr)
            made.append(output.read_bytes())
        self.assertGreater(len(made[0]), 4 * 128 * len(PICTURES))
        return made

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
        self.assertIn("lacks", run(NATIVE, "neon", "--version").stderr)
        self.assertIn("lacks", run(ARM, "avx2", "--version").stderr)


if __name__ == "__main__":
    unittest.main()
