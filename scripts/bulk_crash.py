#!/usr/bin/env python3
"""Kills bulk jobs, again and again, and compares what they leave with what an undisturbed run made.

    PYTHON scripts/bulk_crash.py [--launcher run|ray] [--trials 300] [--seed N] [--control]

PYTHON is an interpreter with siglip[bulk]. A job of tars, Parquet and files is planned once and run undisturbed. Then,
for every trial, from the same plan: `siglip bulk run` is started, in three of ten trials twice at once, and after a
random time something is killed by SIGKILL: a worker, the launcher, or all of it. That is repeated some times before
the job may end in peace. Names and bytes of all results must be those of the undisturbed run; nothing else may be
there but below tmp/. --control damages one result of each trial, which must be noticed.

With --launcher ray a driver on a cluster of this machine takes the place of `siglip bulk run`, and what is killed
is a worker, the process of an actor, or the driver. No process may be left when the cluster has gone.
"""

import argparse
import collections
import hashlib
import io
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
TARS, PICTURES_OF_A_TAR = 16, 40
VICTIMS = ("worker", "launcher", "both")
RAY_VICTIMS = ("worker", "actor", "driver")
MARK = "SIGLIP_BULK_CRASH"
RAY_DRIVER = """
import sys
import ray
ray.init(address=sys.argv[1], log_to_driver=False)
from siglip.bulk.ray import run
sys.exit(run(sys.argv[2]).exit_status)
"""


def make_inputs(folder, tars=TARS):
    folder.mkdir()
    for number in range(tars):
        with tarfile.open(folder / f"{number:04d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for index in range(PICTURES_OF_A_TAR):
                data = EXAMPLES[(number + index) % len(EXAMPLES)].read_bytes()
                if index == 7:
                    data = data[: len(data) // 2]  # fails, alone
                member = tarfile.TarInfo(f"{number:04d}-{index:03d}.jpg")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    rows = [file.read_bytes() for file in EXAMPLES]
    pq.write_table(pa.table({"image": rows * 2}), folder / "rows.parquet", row_group_size=len(rows))
    for file in EXAMPLES:
        shutil.copy(file, folder / file.name)


def bulk(*words):
    return [sys.executable, "-m", "siglip.bulk", *map(str, words)]


def digests(output):
    """Of all files that must be the same, by their names below the output."""
    found = {}
    for file in output.rglob("*"):
        name = file.relative_to(output)
        if file.is_file() and name.parts[0] != "tmp":
            found[str(name)] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def children(process):
    """Of a process that may have gone."""
    try:
        text = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


def start(job):
    """`job`: what names it for `siglip bulk run`."""
    return subprocess.Popen(bulk("run", *job, "--quiet"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def disturb(job, launchers, longest, chance):
    """Runs a job by so many launchers at once, and kills something. Returns what was killed while it ran, or ""."""
    running = [start(job) for _ in range(launchers)]
    time.sleep(chance.uniform(0, longest))
    target = chance.choice(running)
    victim = chance.choice(VICTIMS)
    hit = target.poll() is None
    workers = children(target.pid)
    if victim != "launcher" and workers:
        for worker in workers if victim == "both" else [chance.choice(workers)]:
            kill(worker)
    if victim != "worker" or not workers:
        kill(target.pid)
    for process in running:
        process.wait()
    return victim if hit else ""


class ThisMachine:
    """`siglip bulk run`."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def start(self, output):
        return start([output])

    def disturb(self, output, launchers, longest, chance):
        return disturb([output], launchers, longest, chance)


class RayCluster:
    """On this machine, as long as this is entered."""

    def __enter__(self):
        import ray

        self._ray = ray
        # Paths of its sockets must be short.
        self._folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        os.environ[MARK] = self._folder  # which all its processes inherit
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=self._folder)
        self.address = ray.get_runtime_context().gcs_address
        return self

    def __exit__(self, *_):
        self._ray.shutdown()
        mark = f"{MARK}={self._folder}"
        gone = wait_for(lambda: not processes_with(mark, file="environ"), 30)
        left = processes_with(mark, file="environ")
        shutil.rmtree(self._folder, ignore_errors=True)
        if not gone:
            sys.exit(f"{len(left)} processes are left by Ray: {left}")

    def start(self, output):
        words = [sys.executable, "-c", RAY_DRIVER, self.address, str(output)]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def disturb(self, output, drivers, longest, chance):
        """As `disturb`."""
        running = [self.start(output) for _ in range(drivers)]
        target = chance.choice(running)
        victim = chance.choice(RAY_VICTIMS)
        if victim == "driver":
            time.sleep(chance.uniform(0, longest))
            victims = [target.pid]
        else:
            # A driver's own start takes most of its time, in which there are none.
            wait_for(lambda: workers_of(output) or target.poll() is not None, 60)
            time.sleep(chance.uniform(0, longest / 4))
            victims = workers_of(output)
            if victim == "actor":
                victims = list(filter(None, map(parent, victims)))
        hit = target.poll() is None and bool(victims)
        if victims:
            kill(chance.choice(victims))
        for process in running:
            process.wait()
        return victim if hit else ""


LAUNCHERS = {"run": ThisMachine, "ray": RayCluster}


def wait_for(condition, seconds):
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True


def processes_with(*words, file="cmdline"):
    """Those, but for this one, whose command line (or environment) has all of the words somewhere."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / file).read_bytes().decode(errors="replace")
        except OSError:  # it has gone
            continue
        if all(word in line for word in words) and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def workers_of(output):
    return processes_with("siglip.bulk.worker_process", f"{output}\0")


def parent(process):
    try:
        return int(pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launcher", choices=LAUNCHERS, default="run")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--control", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    twice = faults = leftovers = 0
    kills = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="siglip-bulk-crash-") as scratch, LAUNCHERS[arguments.launcher]() as launcher:
        scratch = pathlib.Path(scratch)
        make_inputs(scratch / "in")
        planned, whole = scratch / "planned", scratch / "whole"
        options = ["--model", ROOT / "models" / "demo", "--precision", "f32", "--shard-bytes", "64KiB"]
        subprocess.run(bulk("plan", scratch / "in", "--output", planned, *options), check=True)
        shutil.copytree(planned, whole)
        begin = time.monotonic()
        status = launcher.start(whole).wait()
        longest = time.monotonic() - begin
        if status != 3:  # some pictures fail
            sys.exit(f"the undisturbed run ended with status {status}")
        expected = digests(whole)
        for trial in range(arguments.trials):
            output = scratch / f"trial{trial}"
            shutil.copytree(planned, output)
            launchers = 2 if chance.random() < 0.3 else 1
            twice += launchers == 2
            for number in range(chance.randint(2, 4)):
                # Less and less is left to do.
                kills[launcher.disturb(output, launchers, longest / (number + 1), chance)] += 1
            status = launcher.start(output).wait()
            if arguments.control:
                victim = chance.choice(sorted((output / "data").rglob("*.parquet")))
                victim.write_bytes(victim.read_bytes()[:-1])
            found = digests(output)
            leftovers += len(list((output / "tmp").glob("*"))) if (output / "tmp").exists() else 0
            if found != expected or status not in (0, 3):
                faults += 1
                odd = sorted({name for name, _ in set(found.items()) ^ set(expected.items())})
                print(f"trial {trial}: status {status}, {len(odd)} files differ: {', '.join(odd[:5])}", flush=True)
            shutil.rmtree(output)
    del kills[""]
    print(
        f"{arguments.launcher}: {arguments.trials} trials, {twice} of them with two launchers, {kills.total()} kills ("
        f"{', '.join(f'{count} {victim}' for victim, count in sorted(kills.items()))}), {len(expected)} files each: "
        f"{faults} faults, {leftovers} leftovers in tmp/"
    )
    wrong = faults < arguments.trials if arguments.control else faults > 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
