"""What tests of the command line share: running it, and the golden data."""

import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import tempfile
import termios
import unittest

PROGRAM = os.path.abspath(os.environ["SIGLIP_CLI"])
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def run(*words, isa=None, variables=None, **options):
    """Runs siglip with these arguments; the result has returncode, stdout and stderr as text.
    `variables` are set in its environment, or taken out of it where they are None."""
    environment = {**os.environ, "SIGLIP_ISA": isa or None, **(variables or {})}
    environment = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True,
                          env=environment, timeout=600, check=False, **options)


def run_on_terminal(*words, columns=0, stdout=None, variables=None):
    """Runs siglip with standard error, and unless told otherwise standard output, on a terminal of
    this width (0: it does not say); returns the exit status and the bytes shown there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24 if columns else 0, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": None, "COLUMNS": None,
                   **(variables or {})}
    environment = {name: value for name, value in environment.items() if value is not None}
    with subprocess.Popen([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL,
                          stdout=theirs if stdout is None else stdout, stderr=theirs,
                          env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # the terminal's other end is closed
            pass
        os.close(ours)
        return process.wait(60), shown


def instruction_sets():
    """Those that this machine has; an error over one that is unknown lists all."""
    known = re.search(r"known: (.*)\)", run("--version", isa="unknown").stderr).group(1).split(", ")
    found = []
    for isa in known:
        result = run("--version", isa=isa)
        if result.returncode == 0:
            found.append(isa)
        elif "this machine lacks" not in result.stderr:
            raise RuntimeError(f"SIGLIP_ISA={isa}: {result.stderr}")
    if "generic" not in found:
        raise RuntimeError(f"generic is not among {found}")
    return found


class CommandTest(unittest.TestCase):
    """A test with a scratch folder."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="siglip-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def succeed(self, *words, **options):
        result = run(*words, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def fail_with(self, status, *words, **options):
        """Checks the exit status; the answer is what was said on stderr."""
        result = run(*words, **options)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertTrue(result.stderr.strip(), "nothing was said about the failure")
        return result.stderr


class IndexedFolderTest(CommandTest):
    """With a folder for pictures, and one for their index. Paths are those that an index tells."""

    def setUp(self):
        super().setUp()
        self.folder = self.folder.resolve()
        self.pictures = self.folder / "pictures"
        self.pictures.mkdir()
        self.store = self.folder / "index"
