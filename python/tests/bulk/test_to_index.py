"""Results of a job in an index of siglip: found by words and by name, each once, whatever is repeated or killed."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from real_job import DEMO, PICTURES, RealJob

import siglip
from siglip.bulk.ingest.index import to_index
from siglip.errors import Mismatch


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> RealJob:
    """Three tars, one with a picture that is broken."""
    first = {f"{index:02d}.jpg": data for index, data in enumerate(PICTURES[:6])}
    second = {"a/same.jpg": PICTURES[6], "broken.jpg": b"no picture", "b.c.jpg": PICTURES[7]}
    third = {"one.jpg": PICTURES[8], "two.jpg": PICTURES[9]}
    job = RealJob(tmp_path_factory.mktemp("index"), [first, second, third])
    for number in range(3):
        job.embed(number)
    return job


def expected(job: RealJob) -> dict[str, np.ndarray]:
    """Name -> vector of norm 1, by pyarrow alone."""
    found = {}
    for number in range(3):
        for row in pq.read_table(job.file(number)).to_pylist():
            if row["status"] == "ok":
                vector = np.float32(row["embedding"])
                name = f"{job.input}/{number}.tar/{row['key']}"
                found[name] = vector / np.linalg.norm(vector)
    return found


def check(index: Path, job: RealJob) -> None:
    rows = expected(job)
    with siglip.Index(index) as opened:
        found = list(opened)
        assert sorted(path for path, _ in found) == sorted(rows)
        for path, vector in found:
            np.testing.assert_allclose(vector, rows[path], atol=2.5e-4)  # kept as float16
        assert opened.verify() == []


def test_twice(done: RealJob, tmp_path: Path) -> None:
    index = tmp_path / "index"
    for _ in range(2):
        counts = to_index(done.uri, index)
        assert (counts.rows, counts.exit_status) == (10, 0)
        check(index, done)
    with siglip.Index(index) as opened:
        status = opened.status()
        assert status.model == str(DEMO)
        assert [(folder.path, folder.files) for folder in status.folders] == [(str(done.input), 10)]
        # By words: the model and the whole of its fingerprint are known.
        hits = opened.search("a star", top=100, all=True)
        assert {hit.path for hit in hits} == set(expected(done))
        assert all(hit.archived for hit in hits)
        assert all((hit.format, hit.width, hit.height) == ("jpeg", 320, 240) for hit in hits)


def test_killed_and_repeated(done: RealJob, tmp_path: Path) -> None:
    index = tmp_path / "index"
    program = """
import os, signal, sys
from siglip.bulk.ingest.index import to_index
def progress(counts):
    if counts.added == 2:
        os.kill(os.getpid(), signal.SIGKILL)
to_index(*sys.argv[1:], progress=progress)
"""
    command = [sys.executable, "-c", program, done.uri, str(index)]
    assert subprocess.run(command, check=False, timeout=100).returncode == -signal.SIGKILL
    with siglip.Index(index) as opened:
        assert len(list(opened)) == 8  # of two shards
    to_index(done.uri, index)
    check(index, done)


def test_beside_folders_and_not_among_other_vectors(done: RealJob, tmp_path: Path) -> None:
    index, photos = tmp_path / "index", tmp_path / "photos"
    photos.mkdir()
    (photos / "x.jpg").write_bytes(PICTURES[0])
    with siglip.Index(index, model=siglip.load(DEMO, precision="f32")) as opened:
        opened.add(photos)
    to_index(done.uri, index)
    with siglip.Index(index) as opened:
        assert len(list(opened)) == 11
        (hit,) = [hit for hit in opened.search("a star", top=100, all=True) if not hit.archived]
        assert hit.path == str(photos / "x.jpg")
        # The same bytes are one picture, here and there.
        assert hit.copies == (f"{done.input}/0.tar/00",)
    other = tmp_path / "other"
    with siglip.Index(
        other, model=siglip.load(DEMO, precision="f32", preprocess="pillow")
    ) as opened:
        opened.add(photos)
    with pytest.raises(Mismatch, match="preprocess"):
        to_index(done.uri, other)
