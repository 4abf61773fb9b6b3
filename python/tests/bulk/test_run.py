"""Jobs from plan to results, as a user runs them: the same files whoever embeds them, whatever dies meanwhile."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DEMO, EXAMPLES

import siglip
from siglip.bulk.job import Job
from siglip.bulk.open_location import open_location
from siglip.bulk.table import read_footer
from siglip.bulk.worker import ShardEmbedder

PICTURES = sorted(EXAMPLES.glob("*.jpg"))[:6]
BAD = b"\xff\xd8\xff\xe0 this is no JPEG"


def bulk(*words, **options):
    command = [sys.executable, "-m", "siglip.bulk", *map(str, words)]
    options = {"capture_output": True, "text": True, "timeout": 120, **options}
    return subprocess.run(command, **options)


def write_tar(file: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def plan(inputs: Path, output: Path, *words) -> None:
    made = bulk("plan", inputs, "--output", output, "--model", DEMO, "--precision", "f32", *words)
    assert made.returncode == 0, made.stderr


def results(output: Path) -> dict[str, str]:
    return {
        str(file.relative_to(output)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((output / "data").rglob("*"))
        if file.is_file()
    }


def rows(output: Path) -> list[dict]:
    found = []
    for name in results(output):
        found += pq.read_table(output / name).to_pylist()
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """Three tars, one with a bad picture, and four files."""
    folder = tmp_path_factory.mktemp("bulk") / "in"
    folder.mkdir()
    for number in range(3):
        members = [(f"{number}/{file.stem}.jpg", file.read_bytes()) for file in PICTURES]
        if number == 1:
            members[2] = (members[2][0], BAD)
        write_tar(folder / f"{number}.tar", members)
    for file in PICTURES[:4]:
        shutil.copy(file, folder / file.name)
    return folder


@pytest.fixture(scope="module")
def planned(inputs, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("bulk") / "planned"
    plan(inputs, output)
    return output


@pytest.fixture(scope="module")
def whole(planned, tmp_path_factory) -> Path:
    """The results of an undisturbed run."""
    output = tmp_path_factory.mktemp("bulk") / "whole"
    shutil.copytree(planned, output)
    done = bulk("run", output)
    assert done.returncode == 3, done.stderr  # a picture fails
    return output


@pytest.fixture
def output(planned, tmp_path) -> Path:
    shutil.copytree(planned, tmp_path / "out")
    return tmp_path / "out"


def test_every_picture_has_a_row(whole):
    found = rows(whole)
    assert len(found) == 3 * 6 + 4
    failed = [row for row in found if row["status"] != "ok"]
    assert [(row["key"], row["status"]) for row in failed] == [
        (f"1/{PICTURES[2].stem}", "malformed_file")
    ]
    assert failed[0]["embedding"] is None
    assert failed[0]["sha256"] == hashlib.sha256(BAD).digest()


def test_vectors_are_those_of_the_library_rounded(whole):
    model = siglip.load(DEMO, precision="f32", threads=1)
    expected = {
        file.stem: row.astype(np.float16)
        for file, row in zip(PICTURES, model.encode_image(PICTURES), strict=True)
    }
    for row in rows(whole):
        if row["status"] == "ok":
            stem = Path(row["key"]).stem
            np.testing.assert_array_equal(np.float16(row["embedding"]), expected[stem])
            assert (row["format"], row["error"]) == ("jpeg", None)
            assert row["width"] > 0 and row["height"] > 0


def test_hashes_are_of_the_encoded_bytes(whole):
    data = {file.stem: file.read_bytes() for file in PICTURES}
    for row in rows(whole):
        if row["status"] == "ok":
            bytes_of_it = data[Path(row["key"]).stem]
            assert row["sha256"] == hashlib.sha256(bytes_of_it).digest()
            assert row["xxh3"] == siglip._siglip.content_hash(bytes_of_it)
            assert row["size"] == len(bytes_of_it)


def test_the_footer_says_what_became_of_the_shard(whole):
    counts = {}
    for name in results(whole):
        with open(whole / name, "rb") as file:
            footer = read_footer(file, name)
        assert footer["fingerprint_hash"][:12] == name.split("/")[1]
        assert footer["damage"] == [] and footer["generation"] == 1
        for status, count in footer["counts"].items():
            counts[status] = counts.get(status, 0) + count
    assert counts == {"ok": 21, "malformed_file": 1}


@pytest.mark.parametrize("workers", [1, 3])
def test_the_files_are_the_same_for_any_number_of_workers(whole, output, workers):
    assert bulk("run", output, "--workers", workers).returncode == 3
    assert results(output) == results(whole)


def test_the_files_are_the_same_shard_by_shard_backwards(whole, output):
    for shard in (3, 2, 1, 0):
        done = bulk("embed-shard", output, "--shard", shard, "--threads", 2)
        assert done.returncode == (3 if "1 failed" in done.stdout else 0), done.stderr
    assert results(output) == results(whole)


def test_the_files_are_the_same_by_tasks(whole, output):
    for index in range(3):
        assert bulk("task", output, "--index", index, "--of", 3).returncode in (0, 3)
    assert results(output) == results(whole)


def test_a_task_finds_its_number_in_the_environment(output):
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "2"}
    assert bulk("task", output, "--of", 4, env=environment).returncode in (0, 3)
    (name,) = results(output)
    assert "/00000002-" in name
    without = bulk("task", output, "--of", 4)
    assert without.returncode == 1 and "--index" in without.stderr


def test_what_is_done_is_not_done_again(whole, tmp_path, inputs):
    """Neither the model nor an input is there any more."""
    output = tmp_path / "out"
    shutil.copytree(whole, output)
    shutil.rmtree(output / "model")
    before = {name: (output / name).stat().st_mtime_ns for name in results(output)}
    again = bulk("run", output)
    assert again.returncode == 0, again.stderr
    assert "4 of 4 shards were done" in again.stderr
    one = bulk("embed-shard", output, "--shard", 0)
    assert one.returncode == 0 and one.stdout == "shard 0: was done\n"
    assert {name: (output / name).stat().st_mtime_ns for name in results(output)} == before


def test_two_runs_at_once(whole, output):
    command = [sys.executable, "-m", "siglip.bulk", "run", str(output)]
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert {process.wait(120) for process in running} <= {0, 3}
    assert results(output) == results(whole)
    assert list((output / "tmp").glob("*")) == []


def test_killed_and_started_again(whole, output):
    command = [sys.executable, "-m", "siglip.bulk", "run", str(output)]
    for seconds in (0.3, 0.6, 0.8):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        process.wait()
    assert bulk("run", output).returncode in (0, 3)
    assert results(output) == results(whole)


def children_of(process: int) -> list[int]:
    try:
        return [
            int(word)
            for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
        ]
    except OSError:
        return []


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_interrupted(output, number, status):
    command = [sys.executable, "-m", "siglip.bulk", "run", str(output), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: children_of(process.pid))
    workers = children_of(process.pid)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == status
    assert "the same command goes on" in said and "Traceback" not in said
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 5)


def test_workers_die_with_their_launcher(output):
    command = [sys.executable, "-m", "siglip.bulk", "run", str(output), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(children_of(process.pid)) == 2)
    workers = children_of(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers), 5)


# A process that meets this picture dies, by whatever number is in it.
_SITE = """
import hashlib, os
_sha256 = hashlib.sha256
def sha256(data=b"", **options):
    if bytes(data[:7]) == b"POISON-":
        os.kill(os.getpid(), int(bytes(data[7:9])))
    return _sha256(data, **options)
hashlib.sha256 = sha256
"""


@pytest.fixture
def poisonous(tmp_path, monkeypatch) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_SITE)
    before = os.environ.get("PYTHONPATH")
    paths = [str(tmp_path / "site"), *([before] if before else [])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_picture_that_no_process_survives_fails_alone(poisonous, tmp_path):
    (tmp_path / "in").mkdir()
    members = [(f"{file.stem}.jpg", file.read_bytes()) for file in PICTURES]
    members.insert(3, ("a.jpg", b"POISON-11"))
    members.insert(5, ("b.jpg", b"POISON-06"))
    write_tar(tmp_path / "in" / "0.tar", members)
    plan(tmp_path / "in", tmp_path / "out")
    done = bulk("run", tmp_path / "out")
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("died by SIGSEGV at shard 0") >= 2
    failed = {row["key"]: row for row in rows(tmp_path / "out") if row["status"] != "ok"}
    assert set(failed) == {"a", "b"}
    assert failed["a"]["status"] == "internal"
    assert failed["a"]["error"] == "a: the process died (signal 11)"
    assert failed["b"]["error"] == "b: the process died (signal 6)"
    assert len(rows(tmp_path / "out")) == 8


def test_a_worker_that_others_kill_is_no_reason_to_blame_a_picture(whole, output):
    command = [sys.executable, "-m", "siglip.bulk", "run", str(output), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for _ in range(5):
        wait_for(lambda: children_of(process.pid) or process.poll() is not None)
        time.sleep(0.15)
        for worker in children_of(process.pid):
            os.kill(worker, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 3), said
    assert results(output) == results(whole)


def test_an_input_that_changed_gives_no_result(inputs, tmp_path):
    shutil.copytree(inputs, tmp_path / "in")
    plan(tmp_path / "in", tmp_path / "out")
    write_tar(tmp_path / "in" / "1.tar", [("x.jpg", PICTURES[0].read_bytes())])
    (tmp_path / "in" / PICTURES[1].name).unlink()
    done = bulk("run", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.count("no result") == 2 and "1.tar" in done.stderr
    assert len(results(tmp_path / "out")) == 2


def test_another_version_of_pyarrow_refuses(output):
    job = output / "job.json"
    job.write_text(job.read_text().replace(f'"pyarrow": "{pa.__version__}"', '"pyarrow": "1.2.3"'))
    done = bulk("run", output)
    assert done.returncode == 1
    assert "pyarrow: the job was planned with 1.2.3" in done.stderr and "Traceback" not in done.stderr


def test_an_instruction_set_that_is_not_here_refuses(output):
    job = Job.open(open_location(str(output)))
    text = (output / "job.json").read_text()
    (output / "job.json").write_text(text.replace(f'"isa": "{job.isa}"', '"isa": "avx1024"'))
    done = bulk("run", output)
    assert done.returncode == 1 and "instruction set avx1024" in done.stderr


def test_without_room_nothing_is_committed(output):
    """As on a full disk: files may not grow."""
    import resource

    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))  # noqa: E731
    done = bulk("embed-shard", output, "--shard", 0, preexec_fn=limit)
    assert done.returncode != 0
    assert results(output) == {} and "Traceback" not in done.stderr


def test_no_job(tmp_path):
    done = bulk("run", tmp_path)
    assert done.returncode == 1 and "siglip bulk plan" in done.stderr


def test_usage():
    assert bulk("run").returncode == 2
    assert bulk("rum", "x").returncode == 2
    unknown = bulk("run", "x", "--worker", 2)
    assert unknown.returncode == 2 and "usage: siglip bulk run" in unknown.stderr
    assert bulk().stdout.startswith("usage: siglip bulk")
    help_text = bulk("--help")
    assert help_text.returncode == 0 and "embed-shard" in help_text.stdout
    assert bulk("run", "--help").returncode == 0


def test_a_reader_that_goes_away_is_no_traceback():
    command = f"{sys.executable} -m siglip.bulk --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.parametrize("columns", [40, 120])
def test_the_line_of_progress_fits_the_terminal(columns, monkeypatch):
    from siglip.bulk.commands.progress import RunProgress
    from siglip.bulk.run import RunSummary

    progress = RunProgress("out", quiet=False)
    progress.begins([(0, 10**12)], RunSummary(shards=123_456, already=100_000))
    progress.advanced(1_234_567, 10**9)
    line = progress._line(columns - 1)
    assert len(line) < columns
    assert line.startswith("100,000 of 123,456 shards")
    if columns == 120:
        assert "left" in line and "1,234,567 pictures" in line


def test_an_embedder_of_shards_as_a_library(whole, output):
    embedder = ShardEmbedder(str(output))
    told = []
    outcome = embedder.embed(1, progress=lambda rows, size: told.append((rows, size)))
    assert not outcome.already and outcome.rows == len(told) > 0
    assert embedder.embed(1).already
    for name in results(output):
        assert results(output)[name] == results(whole)[name]
