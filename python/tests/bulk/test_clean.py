"""What clean removes, and what it lets be."""

import argparse
import os
import time
from pathlib import Path

import pytest
from made_job import MadeJob, make_shard

from siglip.bulk.clean import clean
from siglip.bulk.commands import clean as command
from siglip.bulk.results import list_results


def execute(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(words))


def make_temporary(made: MadeJob, name: str, age: float) -> Path:
    file = Path(made.uri) / "tmp" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"half a result")
    os.utime(file, (time.time() - age, time.time() - age))
    return file


def test_old_temporary_files_go(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    old, hidden = make_temporary(made, "old", 90_000), make_temporary(made, ".old", 90_000)
    new = make_temporary(made, "new", 80_000)

    assert clean(made.output).temporary == ("tmp/.old", "tmp/old")

    assert not old.exists() and not hidden.exists()
    assert new.exists()
    assert clean(made.output, older_than=79_000).temporary == ("tmp/new",)
    assert not new.exists()


def test_files_that_a_process_holds_stay(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    file = make_temporary(made, "held", 90_000)
    with open(file, "rb"):
        assert clean(made.output).temporary == ()
    assert file.exists()

    assert clean(made.output).temporary == ("tmp/held",)


def test_older_generations_go_and_the_highest_stays(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 2)
    first, second = made.add(0), made.add(0, generation=2)
    third, other = made.add(0, generation=3), made.add(1)

    cleaned = clean(made.output)

    assert sorted(cleaned.older) == sorted([first, second])
    assert made.paths() == sorted([third, other])
    assert list_results(made.output, made.job)[0].older == ()


def test_stray_results_and_foreign_files_stay_unless_asked_for(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    kept = made.add(0)
    stray = [made.add(make_shard(7)), made.add(make_shard(7), generation=2)]
    foreign = f"{made.job.data_folder}/notes.txt"
    made.output.replace(foreign, b"")

    assert clean(made.output).paths == ()
    assert len(made.paths()) == 4

    assert sorted(clean(made.output, stray=True).stray) == sorted(stray)
    assert made.paths() == sorted([kept, foreign])


def test_a_dry_run_only_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = MadeJob(tmp_path, 1)
    older = made.add(0)
    made.add(0, generation=2)
    stray = made.add(make_shard(7))
    file = make_temporary(made, "old", 100)
    before = made.paths()
    words = (made.uri, "--older-than", "1m", "--stray")

    assert execute(*words, "--dry-run") == 0

    lines = ["tmp/old", older, stray]
    assert capsys.readouterr().out.splitlines() == [f"would remove {line}" for line in lines]
    assert made.paths() == before and file.exists()

    assert execute(*words) == 0
    assert capsys.readouterr().out.splitlines() == [f"removed {line}" for line in lines]
    assert len(made.paths()) == 1 and not file.exists()


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "1w", "1d2h", "nan"])
def test_times_have_a_unit(tmp_path: Path, text: str) -> None:
    made = MadeJob(tmp_path, 1)
    with pytest.raises(SystemExit) as stopped:
        execute(made.uri, f"--older-than={text}")
    assert stopped.value.code == 2
