#!/usr/bin/env python3
"""Shows how far ninja or ctest is, and in full what goes wrong.

    NINJA_STATUS='%f/%t ' ninja | scripts/progress.py files
    ctest --output-on-failure | scripts/progress.py tests

On a terminal one line counts up; elsewhere, as in a log file, there is a line for each tenth.
"""

import re
import signal
import sys
import time

STEP = re.compile(r"\s*(\d+)/(\d+) (.*)")
# Of ctest, a test that is as it should be.
FINE = re.compile(r"\.(   Passed|\*\*\*Skipped|\*\*\*Not Run \(Disabled\)) ")
SILENT = re.compile(r"Test project |\s+Start +\d+: |ninja: no work to do|-- |\s*$")


class Progress:
    def __init__(self, what, out):
        self.what = what
        self.out = out
        self.begin = time.monotonic()
        self.tenths = 0
        self.failed = 0

    def show(self, done, total):
        text = f"    {done} of {total} {self.what}"
        if self.failed:
            text += f", {self.failed} failed"
        text += f", {time.monotonic() - self.begin:.0f} s"
        tenths = done * 10 // total
        if self.out.isatty():
            self.out.write(f"\r{text}\033[K")
        elif tenths > self.tenths:
            self.out.write(text + "\n")
        self.tenths = tenths
        self.out.flush()

    def say(self, line):
        if self.out.isatty():
            self.out.write("\r\033[K")
        self.out.write(line)
        self.out.flush()

    def read(self, line):
        step = STEP.match(line)
        if not step:
            if not SILENT.match(line):
                self.say(line)
            return
        if self.what == "tests" and not FINE.search(line):
            self.failed += 1
            self.say(line)
        self.show(int(step[1]), max(int(step[2]), 1))


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in ("files", "tests"):
        sys.exit("usage: scripts/progress.py files|tests")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whom it listens to ends, and with that it
    progress = Progress(sys.argv[1], sys.stdout)
    for line in sys.stdin:
        progress.read(line)
    if sys.stdout.isatty() and progress.tenths:
        print()


if __name__ == "__main__":
    main()
