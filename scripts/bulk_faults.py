#!/usr/bin/env python3
"""Runs a bulk job over a store that fails in every way that stores fail in, and on a full disk.

    PYTHON scripts/bulk_faults.py [--rounds 1] [--seed N] [--control] [SCENE...]

PYTHON is an interpreter with siglip[bulk], boto3 and moto[server]. Inputs (tars, Parquet, files) and output lie in
a store on this machine behind a proxy. The job is planned and run without faults, then for every scene into a prefix
of its own, with faults; a command that ends without all its work done (status 1, or killed) is given again, as its
contract is. Names and bytes of all objects must be those of the undisturbed job; beside a local output there may be
leftovers below tmp/ only. Each scene prints how many faults there were. --control damages an object of each scene,
which must be noticed.

unavailable  5 % of the requests are answered by 503
hang         2 % are not answered
cut          10 % of the answers end in their middle
lost         5 % are done, but their answer does not come
all          all of these
heavy        50 % are answered by 503, so that tries run out
refused-501  all, and a store that refuses to create on a condition, by 501
refused-400  the same by 400
killed       all, and kill -9 of workers, launchers or both, in part of two launchers
full-disk    a local output on a disk that is too small for all, and then grows
"""

import argparse
import hashlib
import logging
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import boto3
from moto.server import ThreadedMotoServer

from bulk_crash import ROOT, bulk, digests, disturb, make_inputs

sys.path.insert(0, str(ROOT / "python" / "tests" / "bulk"))
from faulty_proxy import CUT, HANG, LOST, UNAVAILABLE, FaultyProxy  # noqa: E402

BUCKET = "bucket"
TARS = 8
MOST_TIMES = 50  # that a command is given
ALL = {UNAVAILABLE: 0.05, HANG: 0.02, CUT: 0.05, LOST: 0.03}
# Scene -> the share of requests of each fault, the status by which conditions are refused, and kills.
SCENES = {
    "unavailable": ({UNAVAILABLE: 0.05}, None, False),
    "hang": ({HANG: 0.02}, None, False),
    "cut": ({CUT: 0.1}, None, False),
    "lost": ({LOST: 0.05}, None, False),
    "all": (ALL, None, False),
    "heavy": ({UNAVAILABLE: 0.5}, None, False),
    "refused-501": (ALL, 501, False),
    "refused-400": (ALL, 400, False),
    "killed": (ALL, None, True),
}
FULL_DISK = "full-disk"


class Job:
    """The same in every prefix."""

    def __init__(self, store, proxy):
        self.client = boto3.client("s3", endpoint_url=store, region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)
        self.proxy = proxy
        options = (f"endpoint={proxy.url}", "allow_http=true", "region=us-east-1")
        self.input_options = [word for option in options for word in ("--input-option", option)]
        self.output_options = [word for option in options for word in ("--output-option", option)]
        self.settings = ["--model", ROOT / "models" / "demo", "--precision", "f32", "--shard-bytes", "64KiB"]

    def upload(self, folder):
        for file in sorted(folder.iterdir()):
            self.client.put_object(Bucket=BUCKET, Key=f"in/{file.name}", Body=file.read_bytes())

    def plan(self, prefix):
        """The command."""
        return [*bulk("plan", f"s3://{BUCKET}/in", "--output", f"s3://{BUCKET}/{prefix}"), *self.input_options,
                *self.output_options, *map(str, self.settings)]

    def run(self, prefix):
        """What follows `siglip bulk run`."""
        return [f"s3://{BUCKET}/{prefix}", *self.output_options]

    def objects(self, prefix):
        """Name -> digest of all below."""
        found = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/"):
            for entry in page.get("Contents", []):
                body = self.client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
                found[entry["Key"].removeprefix(f"{prefix}/")] = hashlib.sha256(body).hexdigest()
        return found

    def damage(self, prefix):
        """One of its results."""
        name = next(name for name in self.objects(prefix) if name.startswith("data/"))
        self.client.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=b"")


class Repeated:
    """Gives commands until they have done their work, and remembers what was odd about it."""

    def __init__(self):
        self.again = 0
        self.wrong = []
        self.said = ""

    def give(self, command, done):
        """`done`: the exit statuses after which there is nothing left to do."""
        for _ in range(MOST_TIMES):
            ended = subprocess.run(command, capture_output=True, text=True)
            self.said = ended.stderr
            if ended.returncode in done:
                return
            if ended.returncode != 1 or "Traceback" in ended.stderr:
                self.wrong.append(f"{command[3]} ended with status {ended.returncode}: {ended.stderr[-600:]}")
                return
            self.again += 1
        self.wrong.append(f"{command[3]} was not done after {MOST_TIMES} times: {self.said[-600:]}")


def compare(found, expected, wrong):
    odd = sorted({name for name, _ in set(found.items()) ^ set(expected.items())})
    if odd:
        wrong.append(f"{len(odd)} objects differ: {', '.join(odd[:5])}")


def faulty_store(job, prefix, scene, expected, chance, control):
    rates, job.proxy.refuse_conditions, kills = SCENES[scene]
    job.proxy.rates = rates
    job.proxy.counts.clear()
    repeated, killed = Repeated(), 0
    begin = time.monotonic()
    repeated.give(job.plan(prefix), done=(0,))
    if kills:
        for _ in range(chance.randint(2, 4)):
            killed += disturb(job.run(prefix), 1 + (chance.random() < 0.3), job.seconds, chance) != ""
    repeated.give(bulk("run", *job.run(prefix), "--quiet"), done=(0, 3))
    seconds = time.monotonic() - begin
    job.proxy.rates, job.proxy.refuse_conditions = {}, None
    if control:
        job.damage(prefix)
    compare(job.objects(prefix), expected, repeated.wrong)
    counts = dict(job.proxy.counts)
    requests = sum(counts.pop(method, 0) for method in ("GET", "HEAD", "PUT", "POST", "DELETE"))
    told = [f"{requests} requests", *(f"{counts[fault]} {fault}" for fault in sorted(counts))]
    return [*told, f"{killed} kills", f"{repeated.again} commands given again", f"{seconds:.0f} s"], repeated.wrong


def local_job(folder):
    """Planned, and what it must become; bytes of its results."""
    make_inputs(folder / "in", TARS)
    words = ("--model", ROOT / "models" / "demo", "--precision", "f32", "--shard-bytes", "64KiB")
    subprocess.run(bulk("plan", folder / "in", "--output", folder / "planned", *words), check=True,
                   capture_output=True)
    shutil.copytree(folder / "planned", folder / "whole")
    subprocess.run(bulk("run", folder / "whole", "--quiet"), capture_output=True)
    size = sum(file.stat().st_size for file in (folder / "whole").rglob("*") if file.is_file())
    results = sum(file.stat().st_size for file in (folder / "whole" / "data").rglob("*.parquet"))
    return size - results, results


def full_disk(folder, chance, control):
    """The disk has room for a part of the results; after the run has failed it grows."""
    planned, results = local_job(folder)
    disk = folder / "disk"
    disk.mkdir()
    # Every file takes whole pages.
    size = planned + (1 << 20) + int(results * chance.uniform(0.1, 0.6))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        return ["no disk can be mounted here: nothing shown"], []
    try:
        shutil.copytree(folder / "planned", disk / "out")
        # Until there is no room for a whole result.
        room = os.statvfs(disk)
        filler = max(0, room.f_bavail * room.f_frsize - int(results * chance.uniform(0.1, 0.6)))
        (disk / "filler").write_bytes(bytes(filler))
        repeated = Repeated()
        first = subprocess.run(bulk("run", disk / "out", "--quiet"), capture_output=True, text=True)
        if first.returncode != 1 or "No space left" not in first.stderr:
            repeated.wrong.append(f"on a full disk: status {first.returncode}: {first.stderr[-600:]}")
        there = digests(disk / "out")
        expected = digests(folder / "whole")
        broken = [name for name, digest in there.items() if expected.get(name) != digest]
        if broken:
            repeated.wrong.append(f"on a full disk: {len(broken)} files that must not be: {', '.join(broken[:5])}")
        leftovers = len(list((disk / "out" / "tmp").glob("*")))
        (disk / "filler").unlink()
        subprocess.run(["mount", "-o", f"remount,size={4 * (planned + results) + (8 << 20)}", disk], check=True)
        repeated.give(bulk("run", disk / "out", "--quiet"), done=(0, 3))
        if control:
            next((disk / "out" / "data").rglob("*.parquet")).write_bytes(b"")
        compare(digests(disk / "out"), expected, repeated.wrong)
    finally:
        subprocess.run(["umount", disk], check=True)
    done = sum(name.startswith("data/") for name in there)
    told = [f"{done} of {sum(name.startswith('data/') for name in expected)} results before the disk was full"]
    return [*told, f"{leftovers} leftovers in tmp/", f"{repeated.again + 1} commands given again"], repeated.wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scenes = [*SCENES, FULL_DISK]
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="default: all")
    parser.add_argument("--rounds", type=int, default=1, help="of all scenes, each with faults of its own")
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--control", action="store_true")
    arguments = parser.parse_args()
    for scene in arguments.scenes:
        if scene not in scenes:
            parser.error(f"no scene {scene}: there are {', '.join(scenes)}")
    chance = random.Random(arguments.seed)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1",
                   "SIGLIP_BULK_TIMEOUT": "2", "SIGLIP_BULK_PAUSE": "0.02"}
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    store = "http://{}:{}".format(*server.get_host_and_port())
    wrong = shown = 0
    with tempfile.TemporaryDirectory(prefix="siglip-bulk-faults-") as scratch, \
            FaultyProxy(store, seed=arguments.seed) as proxy:
        scratch = pathlib.Path(scratch).resolve()
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")  # where the model of a store is copied to
        make_inputs(scratch / "in", TARS)
        job = Job(store, proxy)
        job.upload(scratch / "in")
        subprocess.run(job.plan("whole"), check=True, capture_output=True)
        begin = time.monotonic()
        ended = subprocess.run(bulk("run", *job.run("whole"), "--quiet"), capture_output=True, text=True)
        job.seconds = time.monotonic() - begin
        if ended.returncode != 3:  # some pictures fail
            sys.exit(f"the undisturbed run ended with status {ended.returncode}: {ended.stderr}")
        expected = job.objects("whole")
        print(f"{sum(name.startswith('data/') for name in expected)} shards, undisturbed in {job.seconds:.0f} s",
              flush=True)
        for number in range(arguments.rounds):
            for scene in arguments.scenes or scenes:
                shutil.rmtree(scratch / "cache", ignore_errors=True)  # so that the model comes through the faults, too
                if scene == FULL_DISK:
                    folder = scratch / f"disk{number}"
                    folder.mkdir()
                    told, faults = full_disk(folder, chance, arguments.control)
                else:
                    told, faults = faulty_store(job, f"{scene}{number}", scene, expected, chance, arguments.control)
                print(f"{scene}: {', '.join(told)}", flush=True)
                for fault in faults:
                    print(f"WRONG: {scene}: {fault}", flush=True)
                wrong += bool(faults)
                shown += 1
    server.stop()
    print(f"{shown} scenes with faults, {wrong} of them with other results than the undisturbed job")
    return int(wrong < shown if arguments.control else wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
