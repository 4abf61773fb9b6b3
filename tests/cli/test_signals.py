"""What Ctrl-C, SIGTERM and other interventions of the system do to the program: it ends soon, says so by
its exit status, and leaves nothing half-written."""

import fcntl
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, CommandTest, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class SignalTest(CommandTest):
    def start(self, *words, **options):
        process = subprocess.Popen([PROGRAM, *map(str, words)],
                                   **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def wait_until_asleep(self, process):
        """Until it no longer computes: it waits for something that never comes."""
        def ticks():
            return sum(map(int, pathlib.Path(f"/proc/{process.pid}/stat").read_text()
                           .rpartition(")")[2].split()[11:13]))
        before = -1
        while (now := ticks()) != before or now == 0:
            self.assertIsNone(process.poll(), "ended by itself")
            before = now
            time.sleep(0.3)

    def test_a_signal_ends_every_wait(self):
        """Named pipes that nobody writes to, wherever a command opens a file."""
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        picture = PICTURES[0]
        for words in (["embed", "--model", MODEL, f"@{pipe}"],
                      ["embed", "--model", MODEL, "--force", "--output",
                       self.folder / "out.npy", f"@{pipe}"],
                      ["embed", "--model", MODEL, "--text-file", pipe],
                      ["classify", "--model", MODEL, "--labels-file", pipe, picture],
                      ["classify", "--model", MODEL, "--labels", "a,b", f"@{pipe}"],
                      ["compare", "--model", MODEL, picture, f"@{pipe}"]):
            for number, status in STATUS.items():
                with self.subTest(words=words, signal=number):
                    process = self.start(*words)
                    self.wait_until_asleep(process)
                    process.send_signal(number)
                    self.assertEqual(process.wait(10), status)
                    self.assertEqual(list(self.folder.glob("*.tmp*")), [])

    def test_a_command_with_nothing_to_lose_ends_at_once(self):
        for words in (["bench", "--preset", "base-patch16-224"],):
            for number, status in STATUS.items():
                with self.subTest(words=words, signal=number):
                    process = self.start(*words)
                    time.sleep(0.3)
                    process.send_signal(number)
                    self.assertEqual(process.wait(10), status)

    def test_a_signal_that_was_ignored_from_the_start_stays_ignored(self):
        process = self.start("embed", "--model", MODEL, "-", stdin=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.wait_until_asleep(process)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(f"{PICTURES[0]}\n".encode(), 60)
        self.assertEqual(process.returncode, 0, error)
        self.assertEqual(len(output.splitlines()), 1)

    def test_a_reader_that_stalls_is_interrupted(self):
        """The pipe is full: neither blocking nor non-blocking output may outlast the signal."""
        for blocking in (True, False):
            with self.subTest(blocking=blocking):
                reading, writing = os.pipe()
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
                os.set_blocking(writing, blocking)
                process = self.start("embed", "--model", MODEL, *PICTURES, stdout=writing)
                os.close(writing)
                self.wait_until_asleep(process)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), 143)
                os.close(reading)

    def test_non_blocking_output_is_waited_for(self):
        for words in (["embed", "--model", MODEL, *PICTURES], ["embed", "--help"],
                      ["compare", "--model", MODEL, *PICTURES, "--json"]):
            with self.subTest(words=words[0:2]):
                whole = self.succeed(*words).stdout
                reading, writing = os.pipe()
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
                os.set_blocking(writing, False)
                process = self.start(*words, stdout=writing)
                os.close(writing)
                time.sleep(0.5)  # until the pipe is full
                received = b""
                while data := os.read(reading, 1000):
                    received += data
                os.close(reading)
                self.assertEqual(process.wait(60), 0)
                self.assertEqual(received.decode(), whole)

    def test_a_reader_that_has_gone_away_ends_the_program_silently(self):
        many = self.folder / "many.txt"
        many.write_text("\n".join(f"text {i}" for i in range(400)))
        for words in (["embed", "--model", MODEL, *PICTURES], ["--help"],
                      ["compare", "--model", MODEL, "--text-file", many],
                      ["compare", "--json", "--model", MODEL, "--text-file", many],
                      ["classify", "--model", MODEL, "--labels", "a,b", *PICTURES]):
            with self.subTest(words=words[0:1]):
                reading, writing = os.pipe()
                os.close(reading)
                process = self.start(*words, stdout=writing)
                os.close(writing)
                self.assertEqual(process.wait(60), 1)
                self.assertEqual(process.stderr.read().decode(), "")

    def test_a_full_disk_under_standard_output(self):
        with open("/dev/full", "wb") as full:
            process = self.start("embed", "--model", MODEL, PICTURES[0], stdout=full)
            self.assertEqual(process.wait(60), 1)
            self.assertIn("standard output", process.stderr.read().decode())

    def test_a_checkpoint_that_is_cut_short_while_in_use(self):
        packed = self.folder / "packed"
        self.succeed("convert", "--precision", "bf16", MODEL, packed)
        (weights,) = packed.glob("*.safetensors")
        whole = weights.read_bytes()
        for threads in ("1", "2", "2", "4", "4"):
            weights.write_bytes(whole)
            process = self.start("embed", "--model", packed, "--threads", threads, "-",
                                 stdin=subprocess.PIPE)
            self.wait_until_asleep(process)
            os.truncate(weights, 4096)
            _, error = process.communicate(f"{PICTURES[0]}\n".encode() * 100, 60)
            self.assertEqual(process.returncode, 1)
            self.assertEqual(error.decode().count("cut short"), 1)

    def test_a_limit_on_the_size_of_files_is_an_error(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        output = self.folder / "out.npy"
        result = run("embed", "--model", MODEL, "--output", output, *PICTURES, preexec_fn=limit)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("File too large", result.stderr)
        self.assertFalse(output.exists())


if __name__ == "__main__":
    unittest.main()
