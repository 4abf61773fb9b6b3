"""Results of jobs in Lance, Qdrant and numpy: as many rows as have an embedding, whatever is repeated or killed."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_job import DIMENSION, MadeJob

from siglip.bulk.command_line import main
from siglip.bulk.ingest.npy import to_npy
from siglip.bulk.ingest.rows import JobRows, RowNames, vectors
from siglip.bulk.location import Entry
from siglip.bulk.shard import Shard
from siglip.errors import IOFailure, Mismatch, NotFound

STATUSES = [
    ("ok", "malformed_file", "ok"),
    ("ok",),
    ("unsupported",),
    ("ok", "ok", "ok", "ok"),
    (),
    ("not_found", "ok"),
]


@pytest.fixture
def job(tmp_path: Path) -> MadeJob:
    made = MadeJob(tmp_path, len(STATUSES))
    for number, statuses in enumerate(STATUSES):
        made.add(number, statuses=statuses)
    return made


def ok_rows(job: MadeJob) -> dict[str, list[float]]:
    """Key -> embedding, by pyarrow alone."""
    found = {}
    for path in job.paths():
        for row in pq.read_table(f"{job.uri}/{path}").to_pylist():
            if row["status"] == "ok":
                assert row["key"] not in found
                found[row["key"]] = row["embedding"]
    return found


def killed(function: str, *arguments: str) -> None:
    """Calls a function of siglip.bulk.ingest in a process that dies by SIGKILL at its third shard."""
    program = f"""
import os, signal, sys
from siglip.bulk.ingest import {function.removeprefix("to_")} as module
if hasattr(module, "_SHARDS_OF_A_COMMIT"):
    module._SHARDS_OF_A_COMMIT = 1
def progress(counts):
    if counts.added == 3:
        os.kill(os.getpid(), signal.SIGKILL)
module.{function}(*sys.argv[1:], progress=progress)
"""
    ended = subprocess.run([sys.executable, "-c", program, *arguments], timeout=100)
    assert ended.returncode == -signal.SIGKILL


# ---- rows ----


def test_rows_are_those_with_an_embedding_and_not_copied(job: MadeJob) -> None:
    rows = JobRows(job.uri)
    found = {}
    for result in rows.results:
        shard = rows.open(result)
        batches = list(shard.batches())
        assert sum(len(batch) for batch in batches) == shard.count
        for batch in batches:
            array = vectors(batch)
            assert array.dtype == np.float16 and array.shape == (len(batch), DIMENSION)
            assert not array.flags.owndata
            found.update(zip(batch.column("key").to_pylist(), array.tolist(), strict=True))
    assert found == ok_rows(job)


def test_of_two_generations_the_higher_one_counts(job: MadeJob) -> None:
    job.add(0, generation=2, statuses=("ok", "ok", "ok"))
    rows = JobRows(job.uri)
    shard = rows.open(rows.results[0])
    assert len(rows.results) == len(STATUSES)
    assert shard.name.endswith("-g2") and shard.count == 3


def test_results_of_another_job_are_refused(job: MadeJob, tmp_path: Path) -> None:
    job.add(3, statuses=("ok",), footer={"fingerprint_hash": "0" * 64})
    with pytest.raises(Mismatch, match=rf"expected .*{job.job.fingerprint_hash}, found {'0' * 64}"):
        to_npy(job.uri, str(tmp_path / "all"))
    assert not list(tmp_path.glob("*all*"))


def test_names_tell_shard_and_key(tmp_path: Path) -> None:
    tar = Shard(0, 0, "tar", Entry("a/\udcff.tar", 1, "1"), (), (), 1, None)
    files = Shard(1, 0, "files", None, (), (Entry("b/c.jpg", 1, "1"),), 1, 1)
    keys = pa.RecordBatch.from_pydict({"key": ["x", "y", "x"], "row": [0, 1, 2]})
    more = pa.RecordBatch.from_pydict({"key": ["y"], "row": [3]})
    names = RowNames(tar)
    assert names.of(keys) == ["a/%FF.tar/x", "a/%FF.tar/y", "a/%FF.tar/x#2"]
    assert names.of(more) == ["a/%FF.tar/y#3"]
    assert RowNames(files).of(keys) == ["x", "y", "x#2"]


# ---- numpy ----


def npy_rows(prefix: Path) -> dict[str, list[float]]:
    array = np.load(f"{prefix}.npy")
    assert array.dtype == np.float16
    names = Path(f"{prefix}.npy.names.txt").read_text().split("\n")[:-1]
    assert len(names) == len(array) == len(set(names))
    return {
        name.partition(".tar/")[2]: row.tolist() for name, row in zip(names, array, strict=True)
    }


def test_npy_twice(job: MadeJob, tmp_path: Path) -> None:
    prefix = tmp_path / "all"
    for _ in range(2):
        counts = to_npy(job.uri, str(prefix))
        assert npy_rows(prefix) == ok_rows(job)
        assert (counts.rows, counts.missing, counts.exit_status) == (8, 0, 0)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "all.npy",
        "all.npy.names.txt",
        "out",
    ]


def test_npy_appears_whole_or_not_at_all(job: MadeJob, tmp_path: Path) -> None:
    prefix = tmp_path / "all"
    killed("to_npy", job.uri, str(prefix))
    assert not list(tmp_path.glob("all*"))
    to_npy(job.uri, str(prefix))
    assert npy_rows(prefix) == ok_rows(job)
    assert not list(tmp_path.glob(".*"))  # nor what was left


def test_npy_is_written_by_one_at_a_time(job: MadeJob, tmp_path: Path) -> None:
    prefix = str(tmp_path / "all")

    def again(counts: object) -> None:
        with pytest.raises(IOFailure, match="another process writes it"):
            to_npy(job.uri, prefix)

    to_npy(job.uri, prefix, progress=again)
    assert npy_rows(tmp_path / "all") == ok_rows(job)


def test_npy_cannot_be_written(job: MadeJob, tmp_path: Path) -> None:
    with pytest.raises(IOFailure, match=r"no/all\.npy: cannot be written: No such file"):
        to_npy(job.uri, str(tmp_path / "no" / "all"))


def test_names_of_several_lines(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    made.add(0, columns={"key": pa.array(["a\nb", "c\\"])})
    to_npy(made.uri, str(tmp_path / "all"))
    names = (tmp_path / "all.npy.names.txt").read_bytes()
    assert names == b"000000.tar/a\\nb\n000000.tar/c\\\\\n"


# ---- Lance ----


def lance_rows(table: str) -> dict[str, list[float]]:
    import lance

    found = {}
    for row in lance.dataset(table).to_table().to_pylist():
        assert row["key"] not in found  # nothing twice
        found[row["key"]] = row["embedding"]
    return found


def test_lance_twice(job: MadeJob, tmp_path: Path) -> None:
    lance = pytest.importorskip("lance")
    from siglip.bulk.ingest.lance import to_lance

    table = str(tmp_path / "all.lance")
    first = to_lance(job.uri, table)
    assert (first.added, first.already, first.rows) == (6, 0, 8)
    assert lance_rows(table) == ok_rows(job)
    again = to_lance(job.uri, table)
    assert again.rows == 0
    assert lance_rows(table) == ok_rows(job)
    dataset = lance.dataset(table)
    assert len(dataset.get_fragments()) == 4  # of the shards that have such rows
    assert dataset.schema.field("embedding").type == pa.list_(
        pa.field("element", pa.float16()), DIMENSION
    )


def test_lance_killed_and_repeated(job: MadeJob, tmp_path: Path) -> None:
    pytest.importorskip("lance")
    from siglip.bulk.ingest.lance import to_lance

    table = str(tmp_path / "all.lance")
    killed("to_lance", job.uri, table)
    assert 0 < len(lance_rows(table)) < len(ok_rows(job))
    counts = to_lance(job.uri, table)
    assert counts.already == 2  # of the three that were added, one has no row
    assert lance_rows(table) == ok_rows(job)


def test_lance_takes_what_came_later_and_what_was_made_anew(tmp_path: Path) -> None:
    pytest.importorskip("lance")
    from siglip.bulk.ingest.lance import to_lance

    made, table = MadeJob(tmp_path, 3), str(tmp_path / "all.lance")
    made.add(0, statuses=("ok", "io"))
    made.add(1)
    assert to_lance(made.uri, table).exit_status == 4
    made.add(2)
    Path(made.uri, made.paths()[0]).unlink()
    made.add(0, generation=2, statuses=("ok", "ok"))
    assert to_lance(made.uri, table).exit_status == 0
    assert lance_rows(table) == ok_rows(made)
    assert len(lance_rows(table)) == 6


def test_lance_refuses_other_tables(job: MadeJob, tmp_path: Path) -> None:
    lance = pytest.importorskip("lance")
    from siglip.bulk.ingest.lance import to_lance

    table = str(tmp_path / "other.lance")
    lance.write_dataset(pa.table({"a": [1]}), table)
    with pytest.raises(Mismatch, match="found none"):
        to_lance(job.uri, table)
    assert lance.dataset(table).count_rows() == 1


# ---- Qdrant ----


def qdrant_rows(folder: str) -> dict[str, Any]:
    from qdrant_client import QdrantClient

    client = QdrantClient(path=folder)
    try:
        points, more = client.scroll("all", limit=1000, with_vectors=True)
    finally:
        client.close()
    assert more is None
    found = {}
    for point in points:
        assert point.payload["key"] not in found
        assert (point.payload["width"], point.payload["sha256"]) == (8, "00" * 32)
        found[point.payload["key"]] = point.vector
    return found


def check_qdrant(folder: str, job: MadeJob) -> None:
    expected, found = ok_rows(job), qdrant_rows(folder)
    assert found.keys() == expected.keys()
    for key, vector in expected.items():
        # A service keeps vectors of norm 1, the client alone keeps them as they are.
        np.testing.assert_allclose(unit(found[key]), unit(vector), atol=1e-6)


def unit(vector: list[float]) -> np.ndarray:
    return np.float32(vector) / np.linalg.norm(np.float32(vector))


def test_qdrant_twice(job: MadeJob, tmp_path: Path) -> None:
    pytest.importorskip("qdrant_client")
    from siglip.bulk.ingest.qdrant import to_qdrant

    folder = str(tmp_path / "qdrant")
    assert to_qdrant(job.uri, folder, "all").rows == 8
    check_qdrant(folder, job)
    again = to_qdrant(job.uri, folder, "all")
    assert (again.already, again.rows) == (6, 0)
    check_qdrant(folder, job)


def test_qdrant_killed_and_repeated(job: MadeJob, tmp_path: Path) -> None:
    pytest.importorskip("qdrant_client")
    from siglip.bulk.ingest.qdrant import to_qdrant

    folder = str(tmp_path / "qdrant")
    killed("to_qdrant", job.uri, folder, "all")
    assert 0 < len(qdrant_rows(folder)) < len(ok_rows(job))
    to_qdrant(job.uri, folder, "all")
    check_qdrant(folder, job)


def test_qdrant_takes_what_was_made_anew(job: MadeJob, tmp_path: Path) -> None:
    pytest.importorskip("qdrant_client")
    from siglip.bulk.ingest.qdrant import to_qdrant

    folder = str(tmp_path / "qdrant")
    to_qdrant(job.uri, folder, "all")
    Path(job.uri, job.paths()[0]).unlink()
    job.add(0, generation=2, statuses=("ok", "ok", "ok"))
    assert to_qdrant(job.uri, folder, "all").rows == 3
    assert len(ok_rows(job)) == 9
    check_qdrant(folder, job)


def test_qdrant_refuses_other_collections(job: MadeJob, tmp_path: Path) -> None:
    qdrant = pytest.importorskip("qdrant_client")
    from siglip.bulk.ingest.qdrant import to_qdrant

    folder = str(tmp_path / "qdrant")
    client = qdrant.QdrantClient(path=folder)
    vectors_config = qdrant.models.VectorParams(size=DIMENSION, distance="Cosine")
    client.create_collection("all", vectors_config, metadata={"siglip_fingerprint": "1" * 64})
    client.close()
    with pytest.raises(Mismatch, match=f"all: .* found {'1' * 64}"):
        to_qdrant(job.uri, folder, "all")


# ---- commands ----


def test_commands_tell_what_they_did(
    job: MadeJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["to-npy", job.uri, str(tmp_path / "all")]) == 0
    assert capsys.readouterr() == ("", "6 shards with 8 rows\n")
    Path(job.uri, job.paths()[3]).unlink()
    assert main(["to-npy", job.uri, str(tmp_path / "all")]) == 4
    assert capsys.readouterr().err == (
        "5 shards with 4 rows\n1 shards have no result yet: repeat this when the job is done\n"
    )


@pytest.mark.parametrize("command", ["to-npy", "to-lance", "to-qdrant", "to-index"])
def test_commands_say_what_a_repeat_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert "Repeated, it " in " ".join(capsys.readouterr().out.split())


def test_where_nothing_was_planned(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"siglip bulk plan"):
        to_npy(str(tmp_path), str(tmp_path / "all"))
