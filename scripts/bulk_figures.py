#!/usr/bin/env python3
"""Figures of bulk jobs beside their targets, on an idle machine.

    PYTHON scripts/bulk_figures.py [--siglip build/release/apps/cli/siglip] [PART...]

PYTHON is an interpreter with siglip[bulk] and Pillow.

speed     `siglip bulk run` beside `siglip bench --images` on the same pictures of 640 x 480, with a model of
          base-patch16-224's size in int8, and Ray, where it is installed, beside it; in turns
row-cost  what a row costs beside its embedding: a tar by a worker's code, and the same bytes by Model.stream, on one core
memory    what one more worker process takes for itself, with the model of speed; the most that one takes for a shard of
          10,000 rows with 768 dimensions
resume    a finished job of 100,000 shards, run again, with neither inputs nor model there
estimate  what `siglip bulk plan --estimate` predicts, by what `siglip bulk run` takes, for pictures of 200 x 200,
          of 640 x 480 and of 12 megapixels

All parts unless some are named. Figures stand beside their target with "met" or "missed"; the exit status is 1 where a
target is missed or a result is wrong.
"""

import argparse
import importlib.util
import io
import itertools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

from PIL import Image, ImageFilter

import siglip as library
from index_figures import DEMO, ROOT, check, figure, missed, run_parts
from siglip.bulk.child_process import start
from siglip.bulk.estimate import estimate as estimate_job
from siglip.bulk.job import Input, Job, make_fingerprint
from siglip.bulk.model_folder import prepare_model
from siglip.bulk.open_location import open_location
from siglip.bulk.plan_file import write_plan
from siglip.bulk.planning import plan
from siglip.bulk.processes import available_cores
from siglip.bulk.run import RunListener, run
from siglip.bulk.sample import ReadOptions
from siglip.bulk.worker import ShardEmbedder

sys.path.insert(0, str(ROOT / "python" / "tests" / "bulk"))
import made_job  # noqa: E402

EXAMPLES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
MIB = 1 << 20
# Width, height, different pictures; they come again and again.
MIXES = {"200 x 200": (200, 200, 20), "640 x 480": (640, 480, 20), "12 MP": (4000, 3000, 8)}


# ---- What is embedded ----


def make_picture(file, width, height):
    """A photograph in another size, with the detail that enlarging does not give."""
    picture = Image.open(file).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.effect_noise((width, height), 24).filter(ImageFilter.GaussianBlur(1))
    picture = Image.blend(picture, Image.merge("RGB", [noise] * 3), 0.15)
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=88)
    return body.getvalue()


def make_pictures(mix):
    width, height, different = MIXES[mix]
    return [make_picture(file, width, height) for file in EXAMPLES[:different]]


def make_tar(file, pictures):
    with tarfile.open(file, "w") as tar:
        for index, data in enumerate(pictures):
            member = tarfile.TarInfo(f"{index:05d}.jpg")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def make_tars(folder, pictures, shards, rows):
    folder.mkdir()
    for number in range(shards):
        make_tar(folder / f"{number:04d}.tar", itertools.islice(itertools.cycle(pictures), number, number + rows))


def make_base(siglip, scratch, arguments):
    siglip.run("init", "--preset", "base-patch16-224", "--seed", arguments.seed, scratch / "base")
    return {"model": str(scratch / "base"), "precision": "int8"}


# ---- speed ----


class Clock(RunListener):
    """When how many rows were done."""

    def __init__(self):
        self.times, self.rows = [], [0]

    def advanced(self, rows, size):
        self.times.append(time.monotonic())
        self.rows.append(self.rows[-1] + rows)

    def rate(self):
        """Rows a second while all workers are at work: without the first tenth, in which they start, and the last, in
        which one ends before the other."""
        del self.rows[0]
        first = next(i for i, rows in enumerate(self.rows) if rows >= self.rows[-1] / 10)
        last = next(i for i, rows in enumerate(self.rows) if rows >= self.rows[-1] * 9 / 10)
        return (self.rows[last] - self.rows[first]) / (self.times[last] - self.times[first])


def speed(siglip, scratch, arguments):
    cores = len(available_cores())
    shards = 20 * cores
    rows = max(1, arguments.pictures // shards)
    pictures = make_pictures("640 x 480")
    make_tars(scratch / "in", pictures, shards, rows)
    (scratch / "files").mkdir()
    for index, data in zip(range(shards * rows), itertools.cycle(pictures)):
        (scratch / "files" / f"{index:05d}.jpg").write_bytes(data)
    options = make_base(siglip, scratch, arguments)
    output = scratch / "out"
    plan([str(scratch / "in")], str(output), **options)
    rates = {"bench": [], "run": []}

    def bench():
        _, said, _ = siglip.run("bench", "--model", options["model"], "--precision", "int8", "--images",
                                scratch / "files", "--batch", 1, "--threads", 0, "--repeats", 1, "--json")
        (measured,) = json.loads(said)["images"]
        return measured["pictures_per_second"]

    def job(launch):
        shutil.rmtree(output / "data", ignore_errors=True)
        clock = Clock()
        begin = time.monotonic()
        summary = launch(str(output), listener=clock)
        seconds = time.monotonic() - begin
        check(summary.exit_status == 0 and summary.rows == shards * rows, f"{summary}")
        whole.append(summary.rows / seconds)
        return clock.rate()

    whole = []
    turns = [("bench", bench), ("run", lambda: job(run))]
    if importlib.util.find_spec("ray") is not None:
        import ray

        from siglip.bulk.ray import run as run_by_ray

        ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False)
        rates["ray"] = []
        turns.append(("ray", lambda: job(run_by_ray)))
    for number in range(arguments.rounds):
        for name, measure in turns if number % 2 == 0 else reversed(turns):
            rates[name].append(measure())
            print(f"  round {number + 1}, {name}: {rates[name][-1]:.1f} pictures/s", flush=True)
    share = statistics.median(a / b for a, b in zip(rates["run"], rates["bench"]))
    figure("siglip bench --images", f"{statistics.median(rates['bench']):.1f} pictures/s")
    figure("siglip bulk run", f"{statistics.median(rates['run']):.1f} pictures/s, {share:.1%} of it", "95 %", share >= 0.95)
    if "ray" in rates:
        ray.shutdown()
        share = statistics.median(a / b for a, b in zip(rates["ray"], rates["run"]))
        figure("ray", f"{statistics.median(rates['ray']):.1f} pictures/s, {share:.1%} of siglip bulk run", "97 %", share >= 0.97)
    else:
        figure("ray", "not installed")
    figure("with the start", f"{statistics.median(whole):.1f} pictures/s")


# ---- row-cost ----


def row_cost(siglip, scratch, arguments):
    pictures = [file.read_bytes() for file, _ in zip(itertools.cycle(EXAMPLES), range(arguments.rows))]
    (scratch / "in").mkdir()
    make_tar(scratch / "in" / "0.tar", pictures)
    plan([str(scratch / "in")], str(scratch / "out"), model=str(DEMO), precision="f32")
    # As workers are, so that nothing is hidden on another core.
    affinity = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(affinity)})
    try:
        worker = ShardEmbedder(str(scratch / "out"))
        model = library.load(str(DEMO), precision="f32", threads=1)
        check(worker.embedder is not None, "no model")  # loaded
        costs, alone = [], []
        for number in range(arguments.rounds + 1):  # the first is not measured
            shutil.rmtree(scratch / "out" / "data", ignore_errors=True)
            begin = time.monotonic()
            outcome = worker.embed(0)
            middle = time.monotonic()
            good = sum(result.error is None for result in model.stream(pictures))
            end = time.monotonic()
            check((outcome.rows, outcome.failed, good) == (len(pictures), 0, len(pictures)), f"{outcome}, {good}")
            if number > 0:
                alone.append((end - middle) / len(pictures) * 1000)
                costs.append((middle - begin) / len(pictures) * 1000 - alone[-1])
    finally:
        os.sched_setaffinity(0, affinity)
    cost = statistics.median(costs)
    figure("a row beside its embedding", f"{cost:.3f} ms, of {min(costs):.3f} to {max(costs):.3f}; embedding takes "
           f"{statistics.median(alone):.3f} ms", "1 ms", cost <= 1)


# ---- memory ----


class Process:
    """That answers on its standard output, and ends when its input does."""

    def __init__(self, process):
        self._process = process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def tell(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def answer(self):
        line = self._process.stdout.readline()
        check(line, f"{self._process.args} ended")
        return line

    def embed(self, number):
        """By a worker process that is ready."""
        self.tell(json.dumps({"shard": number, "generation": 1, "one_by_one": False, "poisoned": {}}))
        while True:
            answer = json.loads(self.answer())
            check("error" not in answer, answer)
            if "outcome" in answer:
                check(answer["outcome"]["failed"] == 0, answer)
                return answer["outcome"]

    def private(self):
        """Bytes that would be free without this process."""
        return sum(self._field("smaps_rollup", name) for name in ("Private_Clean", "Private_Dirty"))

    def peak(self):
        return self._field("status", "VmHWM")

    def _field(self, file, name):
        lines = pathlib.Path(f"/proc/{self._process.pid}/{file}").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith(f"{name}:")]
        return int(line.split()[1]) * 1024


def worker_process(output):
    worker = Process(start("worker_process", str(output), {}, None))
    worker.answer()  # ready
    return worker


def idle_python(imports):
    command = f"import {imports}\nimport sys\nprint(1, flush=True)\nsys.stdin.read()"
    python = Process(subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    python.answer()
    return python


def memory(siglip, scratch, arguments):
    make_tars(scratch / "in", make_pictures("640 x 480"), 2, 16)
    plan([str(scratch / "in")], str(scratch / "out"), **make_base(siglip, scratch, arguments))
    # Two of each, so that what both have is nobody's own.
    with idle_python("os"), idle_python("os") as bare, idle_python("pyarrow.parquet"), \
            idle_python("pyarrow.parquet") as with_arrow, worker_process(scratch / "out") as first, \
            worker_process(scratch / "out") as second:
        first.embed(0)
        second.embed(1)
        own, python, arrow = second.private() / MIB, bare.private() / MIB, with_arrow.private() / MIB
    figure("one more process", f"{own:.1f} MiB of its own, {own - arrow:.1f} above a Python with pyarrow, "
           f"{own - python:.1f} above a bare one", "25 MB above Python's own, with pyarrow",
           (own - arrow) * MIB <= 25e6)

    config = json.loads((DEMO / "config.json").read_text())
    for tower in (config["vision_config"], config["text_config"]):
        tower |= {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 1}
    config["text_config"]["projection_size"] = 768
    (scratch / "config.json").write_text(json.dumps(config))
    siglip.run("init", "--config", scratch / "config.json", scratch / "wide")
    (scratch / "large").mkdir()
    rows = arguments.shard_rows
    make_tar(scratch / "large" / "0.tar", (file.read_bytes() for file in itertools.islice(itertools.cycle(EXAMPLES), rows)))
    plan([str(scratch / "large")], str(scratch / "large-out"), model=str(scratch / "wide"), precision="int8")
    check(Job.open(open_location(str(scratch / "large-out"))).dimension == 768, "other dimensions")
    with worker_process(scratch / "large-out") as worker:
        outcome = worker.embed(0)
        check(outcome["rows"] == rows, outcome)
        peak = worker.peak()
    figure(f"peak for a shard of {rows:,} rows", f"{peak / 1e6:.0f} MB", "400 MB", peak <= 400e6)


# ---- resume ----

# Of itself alone: what the system counts for a child begins with what its parent had.
RUN_AND_TELL_PEAK = """
import sys
from siglip.bulk.command_line import main
status = main(sys.argv[1:])
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(status, int(line.split()[1]) * 1024)
"""


def make_finished(output, shards):
    """A job whose results lie there, each under its own name. A run reads no more than the names, so that they may have
    one content."""
    place = open_location(str(output))
    model = prepare_model(place, str(DEMO), "f32", None, {})
    job = Job(
        fingerprint=make_fingerprint(model.fingerprint, model.isa, "float16", ReadOptions()),
        isa=model.isa,
        model=str(DEMO),
        model_options={},
        model_folders=model.folders,
        dimension=made_job.DIMENSION,
        inputs=(Input(str(output.parent / "not there")),),
    )
    place.replace("job.json", job.to_json().encode())
    planned = [made_job.make_shard(number) for number in range(shards)]
    place.replace("plan.parquet", write_plan(planned))
    body = made_job.make_result(job, planned[0], 1, ("ok", "ok"), {}, {})
    for shard in planned:
        file = output / job.data_path(shard)
        if shard.number % 1000 == 0:
            file.parent.mkdir(parents=True)
        file.write_bytes(body)
    shutil.rmtree(output / "model")


def resume(siglip, scratch, arguments):
    output = scratch / "out"
    make_finished(output, arguments.shards)
    taken, peaks = [], []
    for _ in range(arguments.rounds):
        begin = time.monotonic()
        ended = subprocess.run([sys.executable, "-c", RUN_AND_TELL_PEAK, "run", output, "--quiet"],
                               capture_output=True, text=True)
        taken.append(time.monotonic() - begin)
        check(ended.returncode == 0, ended.stderr)
        status, peak = map(int, ended.stdout.split())
        check(status == 0, f"status {status}: {ended.stderr}")
        peaks.append(peak)
    check(not (output / "model").exists(), "a model was made")
    figure(f"again, {arguments.shards:,} shards done", f"{max(taken):.1f} s", "60 s", max(taken) <= 60)
    figure("peak", f"{max(peaks) / 1e6:.0f} MB", "300 MB", max(peaks) <= 300e6)
    # Control: that a missing result would be noticed.
    next((output / "data").rglob("*.parquet")).unlink()
    ended = subprocess.run([sys.executable, "-m", "siglip.bulk", "run", output, "--quiet"], capture_output=True)
    check(ended.returncode == 1, f"a result that is missing: status {ended.returncode}")


# ---- estimate ----


def estimate(siglip, scratch, arguments):
    shards = 8
    options = {"model": arguments.model, "precision": arguments.precision}
    for number, mix in enumerate(MIXES):
        folder = scratch / str(number)
        folder.mkdir()
        pictures = make_pictures(mix)
        # As many as take the wanted time, which a first job of few tells.
        make_tars(folder / "few", pictures, shards, len(pictures))
        plan([str(folder / "few")], str(folder / "few-out"), **options)
        first = estimate_job(str(folder / "few-out"), seconds=3)
        each = first["predicted"]["picture_seconds"] / first["measured"]["cores"]
        rows = max(1, round(arguments.seconds / each / shards))
        make_tars(folder / "in", pictures, shards, rows)
        output = str(folder / "out")
        plan([str(folder / "in")], output, **options)
        told = estimate_job(output, seconds=arguments.seconds / 2)
        begin = time.monotonic()
        summary = run(output)
        measured = time.monotonic() - begin
        check(summary.exit_status == 0 and summary.rows == shards * rows, f"{summary}")
        predicted = told["predicted"]["hours"] * 3600
        ratio = predicted / measured
        figure(mix, f"{summary.rows} pictures, predicted {predicted:.1f} s, took {measured:.1f} s, ratio {ratio:.2f}",
               "0.85 to 1.15", 0.85 <= ratio <= 1.15)
        shutil.rmtree(folder)


PARTS = {part.__name__.replace("_", "-"): part for part in (speed, row_cost, memory, resume, estimate)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--siglip", type=pathlib.Path, default=ROOT / "build" / "release" / "apps" / "cli" / "siglip")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--pictures", type=int, default=1200, help="of speed, each time")
    parser.add_argument("--rows", type=int, default=3000, help="of row-cost")
    parser.add_argument("--shard-rows", type=int, default=10_000, help="of the large shard of memory")
    parser.add_argument("--shards", type=int, default=100_000, help="of resume")
    parser.add_argument("--model", default=str(DEMO), help="of estimate")
    parser.add_argument("--precision", help="of estimate; default: as stored")
    parser.add_argument("--seconds", type=float, default=20.0, help="that one run of estimate shall take, about")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    status = run_parts(parser, arguments, PARTS, "siglip-bulk-figures-")
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else status


if __name__ == "__main__":
    sys.exit(main())
