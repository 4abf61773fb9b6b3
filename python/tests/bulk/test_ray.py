"""A job by actors of Ray: the files of a local run, whatever is killed meanwhile."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DEMO, EXAMPLES

from siglip.bulk.planning import plan
from siglip.bulk.run import RunListener, RunSummary
from siglip.bulk.run import run as run_here
from siglip.bulk.worker import Outcome
from siglip.errors import SiglipError

ray = pytest.importorskip("ray")

from siglip.bulk.ray import run  # noqa: E402

SHARDS, PICTURES_OF_A_SHARD = 20, 30


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False}
    ray.init(num_cpus=2, **options)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ray")
    pictures = [file.read_bytes() for file in sorted(EXAMPLES.glob("*.jpg"))]
    (folder / "in").mkdir()
    for number in range(SHARDS):
        with tarfile.open(folder / "in" / f"{number:02d}.tar", "w") as tar:
            for index in range(PICTURES_OF_A_SHARD):
                data = pictures[(number + index) % len(pictures)]
                if (number, index) == (3, 7):
                    data = data[:100]
                member = tarfile.TarInfo(f"{number}-{index}.jpg")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    plan([str(folder / "in")], str(folder / "out"), model=str(DEMO), precision="f32")
    return folder / "out"


@pytest.fixture(scope="module")
def expected(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a local run makes."""
    output = tmp_path_factory.mktemp("local") / "out"
    shutil.copytree(planned, output)
    assert run_here(str(output)).done == SHARDS
    return digests(output)


@pytest.fixture
def output(planned: Path, tmp_path: Path) -> Path:
    shutil.copytree(planned, tmp_path / "out")
    return tmp_path / "out"


def digests(output: Path) -> dict[str, str]:
    return {
        str(file.relative_to(output)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in output.rglob("*")
        if file.is_file() and file.relative_to(output).parts[0] != "tmp"
    }


class KillsAtOnce(RunListener):
    """Kills what `find` gives when the second shard is done."""

    def __init__(self, find: Any) -> None:
        self.find = find
        self.outcomes: list[Outcome] = []
        self.deaths: list[tuple[int | None, int, bool]] = []

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if len(self.outcomes) == 2:
            victims = self.find()
            assert victims
            os.kill(victims[0], signal.SIGKILL)

    def died(self, number: int | None, signal_number: int, blamed: bool) -> None:
        self.deaths.append((number, signal_number, blamed))


def workers_of(output: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has gone
            continue
        if "siglip.bulk.worker_process" in words and str(output) in words:
            found.append(int(folder.name))
    return found


def actors_of(output: Path) -> list[int]:
    """The parents of workers."""
    return [
        int((Path("/proc") / str(worker) / "stat").read_text().rpartition(")")[2].split()[1])
        for worker in workers_of(output)
    ]


def check(summary: RunSummary) -> None:
    assert (summary.shards, summary.failed, summary.failed_rows) == (SHARDS, {}, 1)
    assert summary.rows == SHARDS * PICTURES_OF_A_SHARD
    assert summary.exit_status == 3


@pytest.mark.usefixtures("cluster")
def test_files_are_those_of_a_local_run(output: Path, expected: dict[str, str]) -> None:
    summary = run(str(output))
    check(summary)
    assert digests(output) == expected
    again = run(str(output))
    assert (again.already, again.done) == (SHARDS, 0)
    for _ in range(100):  # actors that are told to go take a moment
        if not workers_of(output):
            break
        time.sleep(0.1)
    assert not workers_of(output)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("victim", ["actor", "worker"])
def test_who_is_killed_is_replaced(output: Path, expected: dict[str, str], victim: str) -> None:
    find = actors_of if victim == "actor" else workers_of
    listener = KillsAtOnce(lambda: find(output))
    run(str(output), actors=2, listener=listener)
    assert digests(output) == expected
    assert len(listener.outcomes) == SHARDS
    if victim == "worker":
        ((number, signal_number, blamed),) = listener.deaths
        assert number is not None
        assert (signal_number, blamed) == (signal.SIGKILL, False)


@pytest.mark.usefixtures("cluster")
def test_more_actors_than_cpus_hold_nothing_up(output: Path, expected: dict[str, str]) -> None:
    check(run(str(output), actors=5))
    assert digests(output) == expected


@pytest.mark.usefixtures("cluster")
def test_what_cannot_work_at_all_is_told(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (output / "model").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    with pytest.raises(SiglipError):
        summary = run(str(output), actors=1)
        raise next(iter(summary.failed.values()))
    assert not (output / "data").exists()


def test_a_killed_driver_leaves_what_goes_on(output: Path, expected: dict[str, str]) -> None:
    """The cluster goes with it."""
    program = f"""
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
from siglip.bulk.ray import run
run({str(output)!r})
"""
    driver = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    for _ in range(600):
        if len(list((output / "data").rglob("*.parquet"))) >= 2:
            break
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    there = len(list((output / "data").rglob("*.parquet")))
    assert 2 <= there < SHARDS
    for _ in range(300):
        if not workers_of(output):
            break
        time.sleep(0.1)
    assert not workers_of(output)
    run_here(str(output))
    assert digests(output) == expected
