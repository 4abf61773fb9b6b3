#!/usr/bin/env python3
"""Measures siglip beside other engines: the same checkpoint, pictures and threads, in one sitting.

    scripts/bench_peers.sh [OPTIONS]      installs the others and runs this
    bench/peers.py --help

Every contestant is a process of its own that answers commands (peers_worker.py, peers_worker.cc).
They take turns, round after round, so that whatever else the machine does weighs on all alike; those
whose turn it is not are stopped and take no time. Each rate is the median over the rounds. Start-up
and memory are those of fresh processes that embed one picture. A contestant that cannot run is
listed with the reason.
"""

import argparse
import hashlib
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import peers_report

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
PICTURES = ROOT / "examples/images"
WORK = ROOT / "build/peers"
REQUIREMENTS = BENCH / "peers_requirements.txt"
ANSWER_SECONDS = 1800  # compiling may take minutes
LEAST_ROUNDS_TO_PUBLISH = 5
MOST_STARTS = 3


@dataclass(frozen=True)
class Contestant:
    name: str
    title: str
    precision: str
    runtime: str = ""  # of peers_worker.py; siglip has its own worker
    kind: str = ""  # of peers_models.py; empty: the checkpoint itself


CONTESTANTS = [
    Contestant("torch-f32", "PyTorch", "f32", "torch-f32"),
    Contestant("compile-f32", "torch.compile, freezing", "f32", "compile-f32"),
    Contestant("onnxruntime-f32", "ONNX Runtime", "f32", "onnxruntime", "onnx"),
    Contestant("openvino-f32", "OpenVINO", "f32", "openvino-f32", "openvino"),
    Contestant("siglip-f32", "siglip", "f32"),
    Contestant("torch-bf16", "PyTorch", "bf16", "torch-bf16"),
    Contestant("compile-bf16", "torch.compile, freezing", "bf16", "compile-bf16"),
    Contestant("openvino-bf16", "OpenVINO", "bf16", "openvino-bf16", "openvino"),
    Contestant("siglip-bf16", "siglip", "bf16"),
    Contestant("onnxruntime-int8", "ONNX Runtime, dynamic", "int8", "onnxruntime", "onnx-int8"),
    Contestant("onnxruntime-int8-per-channel", "ONNX Runtime, dynamic, per channel", "int8",
               "onnxruntime", "onnx-int8-per-channel"),
    Contestant("openvino-int8", "OpenVINO, NNCF", "int8", "openvino-f32", "openvino-int8"),
    Contestant("siglip-int8", "siglip", "int8"),
]
# Which kind is made from which.
MADE_FROM = {"onnx-int8": "onnx", "onnx-int8-per-channel": "onnx", "openvino-int8": "openvino"}
MODEL_FILES = {"onnx": "model.onnx", "openvino": "model.xml"}


class NotRun(Exception):
    """Why a contestant takes no part."""


def say(text):
    """Progress, for people."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def last_line(log):
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


class Worker:
    """A running contestant. Killed with this process, whatever ends it."""

    def __init__(self, command, environment, log):
        self.log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, command)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=stream, text=True, env=environment,
                start_new_session=True)

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, as reading will show
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise NotRun(f"no answer to \"{line}\" within {ANSWER_SECONDS} s")
        answer = self.process.stdout.readline().strip()
        if not answer:
            status = self.process.wait()
            raise NotRun(f"ended with status {status}: {last_line(self.log)}")
        return answer

    def pause(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def peak_memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Benchmark:
    def __init__(self, arguments):
        self.arguments = arguments
        self.model = arguments.model.resolve()
        self.size = json.loads((self.model / "config.json").read_text())["image_size"]
        self.folder = WORK / self.key()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pixels = self.folder / "pixels.f32"
        self.workers = {}  # name -> Worker
        self.results = {}  # name -> what the report is made of
        self.peaks = {precision: [] for precision in ("f32", "bf16", "int8")}
        self.reference = None
        self.unmade = {}  # kind -> why it could not be made
        self.environment = os.environ | {
            "OMP_NUM_THREADS": str(arguments.threads),
            "HF_HUB_OFFLINE": "1",
            "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor"),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",  # compiler processes would outlive their turn
            "CI": "true",  # OpenVINO then reports nothing to its makers
        }

    def key(self):
        """Names what models are made of, so that those of another checkpoint are not taken."""
        weights = (self.model / "model.safetensors").stat()
        parts = (str(self.model), weights.st_size, weights.st_mtime_ns, REQUIREMENTS.read_text(),
                 (BENCH / "peers_models.py").read_text())
        return f"{self.model.name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"

    def make_pixels(self):
        """The example pictures, over and over until they fill the largest batch."""
        file = self.folder / "pixels.safetensors"
        paths = sorted(PICTURES.glob("*.jpg"))
        subprocess.run([self.arguments.build / "apps/cli/siglip", "preprocess", "--force",
                        "--model", self.model, "--output", file, *paths], check=True)
        content = file.read_bytes()
        file.unlink()
        data = content[8 + struct.unpack("<Q", content[:8])[0]:]
        picture_bytes = len(data) // len(paths)
        count = max(len(paths), *self.arguments.batches)
        repeated = data * -(-count // len(paths))
        self.pixels.write_bytes(repeated[:count * picture_bytes])
        self.pictures = len(paths)

    def make_model(self, kind):
        """The file of this kind, made now unless an earlier run did."""
        folder = self.folder / kind
        file = folder / MODEL_FILES[kind.partition("-")[0]]
        if file.exists():
            return file
        if kind in self.unmade:
            raise NotRun(self.unmade[kind])
        if kind in MADE_FROM:
            self.make_model(MADE_FROM[kind])
        say(f"making {kind}")
        scratch = self.folder / f"{kind}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        log = self.folder / f"{kind}.log"
        with log.open("w") as stream:
            made = subprocess.run(
                [sys.executable, BENCH / "peers_models.py", kind, self.model, self.pixels,
                 str(self.size), scratch],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=self.environment,
                check=False)
        if made.returncode != 0:
            self.unmade[kind] = f"its model could not be made: {last_line(log)}"
            raise NotRun(self.unmade[kind])
        scratch.rename(folder)
        return file

    def start(self, contestant):
        threads = str(self.arguments.threads)
        if contestant.runtime:
            model = self.make_model(contestant.kind) if contestant.kind else self.model
            command = [sys.executable, BENCH / "peers_worker.py", contestant.runtime, model,
                       self.pixels, str(self.size), threads]
        else:
            command = [self.arguments.build / "bench/peers_worker", self.model, self.pixels,
                       threads, contestant.precision]
        self.workers[contestant.name] = Worker(command, self.environment,
                                               self.folder / f"{contestant.name}.log")
        return self.workers[contestant.name]

    def embeddings(self, worker):
        import numpy

        file = self.folder / "embeddings.f32"
        worker.ask(f"embed {self.pictures} {file}")
        rows = numpy.fromfile(file, dtype=numpy.float32).reshape(self.pictures, -1)
        return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)

    def enter(self, contestant):
        """Starts a contestant, several times for its start-up, and lets it run in."""
        say(f"starting {contestant.name}")
        result = self.results[contestant.name] = {
            "title": contestant.title, "precision": contestant.precision,
            "start_seconds": [], "peak_memory_bytes": [],
            "batches": {batch: {"seconds": []} for batch in self.arguments.batches}}
        # The first start brings files to memory and caches, and does not count.
        for start in range(1 + min(self.arguments.rounds, MOST_STARTS)):
            self.leave(contestant)
            begin = time.perf_counter()
            worker = self.start(contestant)
            worker.ask(f"embed 1 {os.devnull}")
            if start > 0:
                result["start_seconds"].append(time.perf_counter() - begin)
                result["peak_memory_bytes"].append(worker.peak_memory())
        result["version"] = worker.ask("version")
        for batch in self.arguments.batches:
            worker.ask(f"rate {batch}")
        embeddings = self.embeddings(worker)
        if self.reference is None:
            self.reference = embeddings
        cosines = (embeddings * self.reference).sum(axis=1)
        result["cosine_mean"] = float(cosines.mean())
        result["cosine_worst"] = float(cosines.min())
        worker.pause()
        say(f"{contestant.name}: {result['version']}; cosine with siglip f32: mean "
            f"{cosines.mean():.6f}, worst {cosines.min():.6f}")

    def leave(self, contestant, reason=None):
        worker = self.workers.pop(contestant.name, None)
        if worker:
            worker.end()
        if reason:
            say(f"{contestant.name} is out: {reason}")
            self.results[contestant.name] = {
                "title": contestant.title, "precision": contestant.precision, "not_run": reason}

    def turn(self, contestant, batch):
        worker = self.workers[contestant.name]
        worker.resume()
        if not contestant.runtime:
            self.peaks[contestant.precision].append(float(worker.ask("peak")))
        seconds = float(worker.ask(f"rate {batch}"))
        worker.pause()
        self.results[contestant.name]["batches"][batch]["seconds"].append(seconds)

    def attempt(self, contestant, action, *words):
        try:
            action(contestant, *words)
        except NotRun as reason:
            self.leave(contestant, str(reason))
        except OSError as error:
            self.leave(contestant, f"{type(error).__name__}: {error}")

    def run(self):
        """Measures; returns the report."""
        self.make_pixels()
        chosen = self.arguments.contestants
        # siglip in f32 is what the embeddings of the others are compared with.
        for contestant in sorted(chosen, key=lambda one: one.name != "siglip-f32"):
            self.attempt(contestant, self.enter)
        rounds = self.arguments.rounds
        for round_number in range(rounds):
            for batch in self.arguments.batches:
                say(f"round {round_number + 1} of {rounds}, batch {batch}")
                for index in range(len(chosen)):
                    contestant = chosen[(index + round_number) % len(chosen)]
                    if contestant.name in self.workers:
                        self.attempt(contestant, self.turn, batch)
        return self.report()

    def report(self):
        siglip = self.workers.get("siglip-f32")
        if siglip is None:
            raise SystemExit(f"siglip-f32: {self.results['siglip-f32']['not_run']}")
        siglip.resume()
        return peers_report.summarise({
            "date": time.strftime("%Y-%m-%d"),
            "machine": peers_report.describe_machine(),
            "model": self.model.name,
            "threads": self.arguments.threads,
            "rounds": self.arguments.rounds,
            "pictures": self.pictures,
            "gflop_per_picture": float(siglip.ask("gflop")),
            "peak_gflops": self.peaks,
            "contestants": {one.name: self.results[one.name]
                            for one in self.arguments.contestants},
        })

    def end(self):
        for worker in self.workers.values():
            worker.end()


def parse_contestants(text):
    known = {contestant.name: contestant for contestant in CONTESTANTS}
    names = text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"\"{name}\" is none of {', '.join(known)}")
    if "siglip-f32" not in names:
        raise argparse.ArgumentTypeError("siglip-f32 must take part: the others are compared "
                                         "with its embeddings")
    return [contestant for contestant in CONTESTANTS if contestant.name in names]


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number, found \"{text}\"")
    return int(text)


def parse_batches(text):
    return sorted({positive(word) for word in text.split(",")})


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Measures siglip beside other engines, in turns.",
        epilog="Contestants: " + ", ".join(one.name for one in CONTESTANTS))
    parser.add_argument("--contestants", type=parse_contestants, default=CONTESTANTS,
                        metavar="NAME,...", help="who takes part (default: all)")
    parser.add_argument("--batches", type=parse_batches, default=[1, 8, 32], metavar="N,...",
                        help="batch sizes (default: 1,8,32)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N",
                        help="turns of each contestant; the median counts (default: 5)")
    parser.add_argument("--threads", type=positive, default=2, metavar="N",
                        help="threads of each contestant (default: 2)")
    parser.add_argument("--model", type=Path, metavar="DIR",
                        help="checkpoint folder in transformers' layout (default: "
                             "base-patch16-224 with the seeded weights of the tests)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", metavar="DIR",
                        help="build folder of siglip (default: build/release)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--write-readme", action="store_true",
                        help="put the table into README.md; needs all contestants and at least "
                             f"{LEAST_ROUNDS_TO_PUBLISH} rounds")
    arguments = parser.parse_args()
    if arguments.write_readme and (arguments.contestants != CONTESTANTS or
                                   arguments.rounds < LEAST_ROUNDS_TO_PUBLISH):
        parser.error(f"--write-readme needs all contestants and at least "
                     f"{LEAST_ROUNDS_TO_PUBLISH} rounds")
    if arguments.model is None:
        arguments.model = ROOT / "build/checkpoints/base-patch16-224"
        if not (arguments.model / "model.safetensors").exists():
            say("writing a checkpoint with seeded weights")
            subprocess.run([sys.executable, ROOT / "tests/support/make_checkpoint.py",
                            "base-patch16-224", arguments.model, "--vision-only"],
                           stdout=subprocess.DEVNULL, check=True)
    return arguments


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, interrupt)
    benchmark = Benchmark(arguments)
    try:
        report = benchmark.run()
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return 130
    finally:
        benchmark.end()
    print(peers_report.table(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if arguments.write_readme:
        peers_report.write_readme(ROOT / "README.md", report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
