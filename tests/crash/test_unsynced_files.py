"""What tests/support/failing_calls.c and unsynced_files.c leave of files, as POSIX allows it."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import failing_calls

# What the program under test has: o(pens a file), w(rites at an offset), s(yncs), d: syncs the folder.
PRELUDE = """
import os, sys
os.chdir(sys.argv[1])
here = os.getcwd() + "/"
def o(name): return os.open(here + name, os.O_RDWR | os.O_CREAT, 0o600)
def w(file, text, offset=0): os.pwrite(file, text, offset)
def s(file): os.fdatasync(file)
def d(): os.fsync(os.open(here, os.O_RDONLY))
def die(): os.unlink(here + "none")
"""


class UnsyncedFilesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="siglip-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name).resolve() / "place"
        self.log = self.folder.with_name("log")

    def run_python(self, program, **options):
        environment = {**os.environ, **failing_calls.variables(folder=self.folder, **options)}
        return subprocess.run([sys.executable, "-c", PRELUDE + program, self.folder], check=False,
                              env=environment, capture_output=True, text=True)

    def left(self, program, before=None, call=None, **options):
        """Name -> bytes of the files that are left when `program` dies: at its end or a call."""
        self.folder.mkdir(exist_ok=True)
        for path in self.folder.iterdir():
            path.unlink()
        for name, content in (before or {}).items():
            (self.folder / name).write_bytes(content)
        self.log.write_text("")
        if call is None:
            self.run_python(program, log=self.log)  # with nothing lost
            call = len(self.log.read_text().splitlines()) + 1
            for path in self.folder.iterdir():
                path.unlink()
            for name, content in (before or {}).items():
                (self.folder / name).write_bytes(content)
        result = self.run_python(program + "\ndie()", kill=call, **options)
        self.assertEqual(result.returncode, -signal.SIGKILL, result.stderr)
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def test_only_calls_in_the_folder_count(self):
        self.folder.mkdir()
        self.run_python("w(o('a'), b'1'); os.write(os.open('/dev/null', os.O_WRONLY), b'1'); "
                        "w(os.open(here[:-1] + '-other', os.O_RDWR | os.O_CREAT), b'1'); "
                        "w(o('b-shm'), b'1'); d(); os.rename(here + 'a', here + 'c')", log=self.log)
        calls = [line.replace(str(self.folder), "DIR") for line in self.log.read_text().splitlines()]
        self.assertEqual(calls, ["create DIR/a", "write DIR/a", "fsync DIR", "rename DIR/c"])

    def test_a_kill_takes_nothing(self):
        self.assertEqual(self.left("f = o('a'); w(f, b'one'); os.ftruncate(f, 2)"), {"a": b"on"})
        self.assertEqual(self.left("f = o('a'); w(f, b'one')", call=2), {"a": b""})

    def test_a_power_failure_takes_what_is_not_synced(self):
        for program, left in (("w(f, b'NEW')", b"old bytes"), ("w(f, b'NEW'); s(f)", b"NEW bytes"),
                              ("w(f, b'NEW'); s(f); w(f, b'more', 9)", b"NEW bytes"),
                              ("w(f, b'NEW', 12)", b"old bytes"),
                              ("w(f, b'NEW', 12); s(f)", b"old bytes\0\0\0NEW"),
                              ("os.ftruncate(f, 3)", b"old bytes"),
                              ("os.ftruncate(f, 3); os.ftruncate(f, 5); s(f)", b"old\0\0"),
                              ("os.lseek(f, 4, 0); os.write(f, b'B'); s(f); os.write(f, b'C')",
                               b"old Bytes"),
                              ("s(f); os.open(here + 'a', os.O_WRONLY | os.O_TRUNC)", b"old bytes")):
            with self.subTest(program):
                found = self.left("f = os.open(here + 'a', os.O_RDWR); " + program,
                                  {"a": b"old bytes"}, lose="all")
                self.assertEqual(found, {"a": left})

    def test_names_last_once_the_folder_is_synced(self):
        new = "f = o('new'); w(f, b'new'); s(f); "
        old = {"a": b"old"}
        for program, left in ((new, old), (new + "d()", {**old, "new": b"new"}),
                              ("f = o('new'); w(f, b'new'); d()", {**old, "new": b""}),
                              (new + "d(); os.rename(here + 'new', here + 'a')",
                               {**old, "new": b"new"}),
                              (new + "os.rename(here + 'new', here + 'a')", old),
                              (new + "os.rename(here + 'new', here + 'a'); d()", {"a": b"new"}),
                              ("os.unlink(here + 'a')", old), ("os.unlink(here + 'a'); d()", {}),
                              # A file that is replaced has its writes for itself.
                              (new + "g = o('a'); w(g, b'lost'); os.rename(here + 'new', here + 'a'); "
                               "w(f, b'later'); s(f)", old),
                              ("os.unlink(here + 'a'); w(o('a'), b'another')", old)):
            with self.subTest(program):
                self.assertEqual(self.left(program, old, lose="all"), left)

    def test_halves_are_pages_and_first_parts_of_names(self):
        old = {"a": b"0" * 8192}
        found = [self.left("f = o('a'); w(f, b'1' * 8192); w(f, b'2' * 8192); o('b'); o('c')", old,
                           call=6, lose="half", seed=seed) for seed in range(40)]
        contents = {(files["a"][0:1], files["a"][4096:4097]) for files in found}
        self.assertEqual(contents, {(b"0", b"0"), (b"0", b"2"), (b"2", b"0"), (b"2", b"2")})
        for files in found:
            for at in (0, 4096):
                self.assertEqual(len(set(files["a"][at:at + 4096])), 1)
        self.assertEqual({tuple(sorted(files)) for files in found},
                         {("a",), ("a", "b"), ("a", "b", "c")})
        sizes = {len(self.left("w(o('a'), b'1', 8192)", old, call=3, lose="half",
                               seed=seed)["a"]) for seed in range(20)}
        self.assertEqual(sizes, {8192, 8193})

    def test_torn_are_sectors_at_moments_of_their_own(self):
        found = [self.left("f = o('a'); w(f, b'1' * 2048); w(f, b'2' * 2048)", {"a": b"0" * 2048},
                           call=4, lose="torn", seed=seed)["a"] for seed in range(20)]
        sectors = [content[at:at + 512] for content in found for at in range(0, 2048, 512)]
        self.assertEqual({len(set(sector)) for sector in sectors}, {1})
        self.assertEqual({sector[:1] for sector in sectors}, {b"0", b"1", b"2"})
        self.assertGreater(len({bytes(content) for content in found}), 10)

    def test_a_seed_repeats_itself(self):
        options = {"call": 3, "lose": "torn", "seed": 7}
        self.assertEqual(self.left("w(o('a'), bytes(range(256)) * 64)", **options),
                         self.left("w(o('a'), bytes(range(256)) * 64)", **options))

    def test_without_syncs_everything_is_taken(self):
        program = "f = os.open(here + 'a', os.O_RDWR); w(f, b'new'); s(f); d()"
        self.assertEqual(self.left(program, {"a": b"old"}, lose="all", no_sync=1), {"a": b"old"})

    def test_calls_that_are_not_looked_at_are_noticed(self):
        self.folder.mkdir()
        looked_at = "f = o('a'); w(f, b'1'); os.ftruncate(f, 9); os.write(f, b'2'); "
        self.assertEqual(self.run_python(looked_at, lose="all").returncode, 0)
        result = self.run_python(looked_at + "os.writev(f, [b'3'])", lose="all")
        self.assertEqual(result.returncode, 99)
        self.assertIn(f"{self.folder}/a was changed", result.stderr)


if __name__ == "__main__":
    unittest.main()
