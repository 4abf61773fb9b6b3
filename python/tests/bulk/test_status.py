"""How far a job is, and how that is told."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_job import MadeJob, make_shard

from siglip.bulk import status as status_module
from siglip.bulk.commands import status as command
from siglip.bulk.plan_file import write_plan
from siglip.bulk.status import StatusReader, format_status, read_status, recent_rate


def execute(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(words))


def test_shards_and_bytes_are_counted(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, [make_shard(0, 100), make_shard(1, 50), make_shard(2, 7)])
    made.add(0)
    made.add(2)

    status = read_status(made.output)

    assert (status.shards, status.done, status.missing) == (3, 2, 1)
    assert (status.bytes, status.bytes_done) == (157, 107)
    assert status.exit_status == 4


def test_the_exit_status_tells_complete_jobs_from_others(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 2)
    made.add(0)
    made.add(1)
    assert execute(made.uri) == 0

    made.add(1, statuses=["ok", "malformed_file"])
    assert execute(made.uri) == 3

    made.add(1, footer={"damage": [{"where": "end", "offset": None, "reason": "it is cut"}]})
    assert execute(made.uri) == 3

    os.truncate(f"{made.uri}/{made.add(1)}", 100)
    assert execute(made.uri) == 3

    made.output.delete(made.add(1))
    assert execute(made.uri) == 4


def test_what_footers_tell_is_summed(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 3)
    made.add(0, statuses=["ok", "ok", "io"], footer={"duplicate_keys": 1})
    made.add(1, statuses=["io", "not_found"], footer={"instruction_set_class": "avx512"})
    damage = [{"where": "member 7.jpg", "offset": 3, "reason": "it is cut"}]
    path = made.add(2, footer={"damage": damage, "duplicate_keys": 4})

    status = read_status(made.output)

    assert (status.rows, status.counts) == (7, {"io": 2, "not_found": 1, "ok": 4})
    assert status.classes == {"avx2": 2, "avx512": 1}
    assert status.duplicate_keys == 5
    assert [(each.shard, each.path, each.damage) for each in status.damaged] == [
        (2, path, ("member 7.jpg: it is cut",))
    ]


def test_what_is_no_result_of_the_plan_is_told_apart(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    older = made.add(0)
    made.add(0, generation=2, statuses=["ok"])
    stray = made.add(make_shard(0, 77))
    foreign = f"{made.job.data_folder}/notes.txt"
    made.output.replace(foreign, b"")
    made.output.replace("tmp/a", bytes(10))
    made.output.replace("tmp/b", bytes(5))

    status = read_status(made.output)

    assert (status.older, status.stray, status.foreign) == ((older,), (stray,), (foreign,))
    assert (status.leftovers, status.leftover_bytes) == (2, 15)
    assert (status.rows, status.exit_status) == (1, 0)


def test_of_many_results_an_even_choice_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_module, "MOST_FOOTERS", 4)
    made = MadeJob(tmp_path, 20)
    for number in range(20):
        made.add(number, statuses=["ok" if number < 10 else "io"])

    chosen, deep = read_status(made.output), read_status(made.output, deep=True)

    assert (chosen.footers, chosen.results) == (4, 20)
    assert chosen.counts == {"io": 2, "ok": 2}
    assert "4 of 20 results, evenly chosen" in format_status(chosen, 120)
    assert (deep.footers, deep.counts) == (20, {"io": 10, "ok": 10})
    assert "evenly" not in format_status(deep, 120)


def test_the_rate_is_that_of_the_last_quarter_of_an_hour() -> None:
    now = 1e9
    # 5 bytes a second for the last 20 minutes, 100 times as many before.
    steady = [(now - seconds, 50) for seconds in range(0, 1200, 10)]
    before = [(now - seconds, 5000) for seconds in range(1200, 9000, 10)]
    assert recent_rate(steady + before, now) == pytest.approx(5)
    # Begun 40 seconds ago: the first marks the begin.
    assert recent_rate([(now - 40, 999), (now - 20, 100), (now, 100)], now) == pytest.approx(5)
    # Nothing since: it gets slower.
    assert recent_rate([(now - 40, 999), (now - 30, 200)], now) == pytest.approx(5)


def test_there_is_no_rate_of_what_has_stopped_or_just_begun() -> None:
    now = 1e9
    assert recent_rate([], now) is None
    assert recent_rate([(now - 10, 5)], now) is None
    assert recent_rate([(now - 2000, 5), (now - 1000, 5), (now - 901, 5)], now) is None
    assert recent_rate([(now, 5), (now, 5)], now) is None


def test_clocks_of_stores_may_be_ahead() -> None:
    assert recent_rate([(1100.0, 999), (1120.0, 100)], 1000.0) == pytest.approx(5)


def test_time_left_goes_by_bytes(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, [make_shard(0, 10), make_shard(1, 1000), make_shard(2, 50_000)])
    now = time.time()
    made.add(0, modified=now - 100)
    made.add(1, modified=now - 50)

    status = read_status(made.output)

    assert status.bytes_per_second == pytest.approx(10, rel=0.05)
    assert status.seconds_left == pytest.approx(5000, rel=0.05)
    made.add(2)
    assert read_status(made.output).seconds_left is None


def test_predicted_stands_beside_actual(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 2)
    predicted = {"bytes_per_second": 2e6, "hours": 1.5}
    made.output.replace("estimate.json", json.dumps({"predicted": predicted}).encode())
    made.add(0, modified=1_000_000)
    made.add(1, modified=1_003_600)

    status = read_status(made.output)

    assert status.prediction is not None
    assert (status.prediction.bytes_per_second, status.prediction.hours) == (2e6, 1.5)
    assert status.prediction.hours_so_far == pytest.approx(1)
    text = format_status(status, 80)
    assert "predicted  2.0 MB/s, 1:30:00 in all" in text
    assert "actual     1:00:00 from first to last result" in text


@pytest.mark.parametrize("width", [40, 120])
def test_lines_fit_the_terminal(tmp_path: Path, width: int) -> None:
    made = MadeJob(tmp_path, 30)
    for number in range(20):
        damage = [{"where": "member " + "x" * 100, "offset": 3, "reason": "it is cut " * 5}]
        made.add(number, statuses=["ok", "io", "not_found"], footer={"damage": damage})
        made.add(number, generation=2, statuses=["ok", "limit_exceeded"], footer={"damage": damage})
    made.add(make_shard(99))
    made.output.replace("tmp/a", bytes(10))

    lines = format_status(read_status(made.output), width).splitlines()

    assert max(map(len, lines)) <= width
    labels = [line.split()[0] for line in lines if line[0] != " "]
    assert labels == [
        *("shards", "input", "rate", "left", "rows", "failed", "classes", "damaged", "older"),
        *("stray", "temporary"),
    ]
    assert all(line[:11] == " " * 11 for line in lines if line[0] == " ")
    assert any("and 16 more" in line for line in lines)


def test_programs_get_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = MadeJob(tmp_path, 2)
    made.add(0, statuses=["ok", "io"])

    assert execute(made.uri, "--json") == 4

    told = json.loads(capsys.readouterr().out)
    assert (told["shards"], told["missing"], told["counts"]) == (2, 1, {"io": 1, "ok": 1})
    assert told["prediction"] is None


def test_a_reader_follows_the_job_and_opens_each_result_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MadeJob(tmp_path, 3)
    made.add(0)
    reader = StatusReader(made.output)
    assert reader.read().done == 1
    opened: list[str] = []
    read_footers = status_module.read_footers
    monkeypatch.setattr(
        status_module,
        "read_footers",
        lambda output, results: (
            opened.extend(each.path for each in results) or read_footers(output, results)
        ),
    )
    path = made.add(1, statuses=["io"])

    status = reader.read()

    assert (status.done, status.counts) == (2, {"io": 1, "ok": 2})
    assert opened == [path]


def test_a_reader_sees_what_is_planned_meanwhile(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    made.add(0)
    reader = StatusReader(made.output)
    assert (reader.read().shards, reader.read().exit_status) == (1, 0)

    made.output.replace("plan.parquet", write_plan([make_shard(0), make_shard(1)]))

    assert (reader.read().shards, reader.read().exit_status) == (2, 4)


def test_watching_ends_when_it_is_interrupted(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    command_line = [sys.executable, "-m", "siglip.bulk", "status", made.uri, "--watch"]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"shards     0 of 1 done, 1 missing\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_watching_ends_with_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = MadeJob(tmp_path, 1)
    monkeypatch.setattr(time, "sleep", lambda seconds: made.add(0))

    assert execute(made.uri, "--watch") == 0

    assert capsys.readouterr().out.count("shards     ") == 2
