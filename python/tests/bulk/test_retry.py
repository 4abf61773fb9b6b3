"""Shards that are embedded anew, and that their former results go only after the new ones are there."""

import argparse
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from real_job import PICTURES, RealJob

from siglip.bulk import retry as retry_module
from siglip.bulk.commands import retry as command
from siglip.bulk.results import list_results
from siglip.bulk.retry import retry
from siglip.bulk.status import read_status
from siglip.bulk.verify import verify
from siglip.errors import InvalidArgument


def execute(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(words))


@pytest.fixture
def real(tmp_path: Path) -> RealJob:
    """A good shard, one with a bad picture, one that looks as if its input could not be read in full."""
    good, bad = {"a.jpg": PICTURES[0]}, {"b.jpg": b"no picture", "c.jpg": PICTURES[1]}
    real = RealJob(tmp_path, [good, bad, {"d.jpg": PICTURES[2]}])
    for number in range(3):
        real.embed(number)
    table = pq.read_table(real.file(2))
    footer = json.loads(table.schema.metadata[b"siglip"])
    footer["damage"] = [{"where": "end", "offset": 512, "reason": "it is cut"}]
    pq.write_table(table.replace_schema_metadata({"siglip": json.dumps(footer)}), real.file(2))
    return real


def names(real: RealJob, *generations: int) -> list[str]:
    return [real.file(number, each).name for number, each in enumerate(generations)]


def test_damaged_shards_get_a_new_generation(real: RealJob) -> None:
    before = real.file(0).stat().st_mtime_ns
    assert [each.shard for each in read_status(real.output).damaged] == [2]

    summary = retry(real.uri, damaged=True, workers=1)

    assert (summary.shards, summary.done, summary.exit_status) == (1, 1, 0)
    assert real.results() == names(real, 1, 1, 2)
    assert real.file(0).stat().st_mtime_ns == before
    status = read_status(real.output)
    assert (status.damaged, status.missing, status.older) == ((), 0, ())
    assert all(each.problems == () for each in verify(real.output))


def test_shards_are_chosen_by_status_and_generations_count_up(real: RealJob) -> None:
    assert execute(real.uri, "--status", "not_found,io", "-q") == 0
    assert real.results() == names(real, 1, 1, 1)
    failed = pq.read_table(real.file(1))["status"].to_pylist()[0]

    assert execute(real.uri, "--status", f"io,{failed}", "-q") == 3
    assert real.results() == names(real, 1, 2, 1)

    assert execute(real.uri, "--damaged", "--status", failed, "--workers", "1", "-q") == 3
    assert real.results() == names(real, 1, 3, 2)
    vectors = pq.read_table(real.file(1, 3))["embedding"].to_pylist()
    assert vectors[0] is None and vectors[1] is not None


def test_a_result_that_cannot_be_read_is_damaged(real: RealJob) -> None:
    os.truncate(real.file(0), 100)

    assert retry(real.uri, damaged=True, workers=1).done == 2

    assert real.results() == names(real, 2, 1, 2)


def test_a_killed_retry_is_finished_by_the_next(
    real: RealJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(self: object, path: str) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(real.output), "delete", kill)
        with pytest.raises(Killed):
            retry(real.uri, damaged=True, workers=1)
    former = [*names(real, 1, 1, 1), real.file(2, 2).name]
    assert real.results() == sorted(former)
    status = read_status(real.output)
    assert (len(status.older), status.damaged, status.rows) == (1, (), 4)
    assert list_results(real.output, real.job)[2].generation == 2

    assert retry(real.uri, damaged=True, workers=1).shards == 0

    assert real.results() == names(real, 1, 1, 2)


def test_the_former_result_stays_where_no_new_one_comes(real: RealJob) -> None:
    (real.input / "2.tar").write_bytes(b"something else")

    summary = retry(real.uri, damaged=True, workers=1)

    assert (summary.exit_status, list(summary.failed)) == (1, [2])
    assert real.results() == names(real, 1, 1, 1)


def test_the_former_result_goes_last(real: RealJob, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    delete = type(real.output).delete

    def watch(self: object, path: str) -> None:
        seen.append(real.results())
        delete(self, path)  # type: ignore[arg-type]

    monkeypatch.setattr(type(real.output), "delete", watch)
    retry(real.uri, damaged=True, workers=1)

    assert seen == [sorted([*names(real, 1, 1, 1), real.file(2, 2).name])]


def test_something_must_be_chosen(real: RealJob) -> None:
    with pytest.raises(InvalidArgument, match="nothing is chosen"):
        retry_module.retry(real.uri)
