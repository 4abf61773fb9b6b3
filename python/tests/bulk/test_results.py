"""What is found of a job's results, and what their footers tell."""

import subprocess
import sys
from pathlib import Path

import pytest
from made_job import MadeJob, make_shard

from siglip.bulk.plan_file import read_plan
from siglip.bulk.results import (
    choose_evenly,
    choose_part,
    find_results,
    list_results,
    read_footer,
    read_footers,
)
from siglip.errors import MalformedFile, NotFound


def test_results_are_found_by_their_names(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 3)
    path = made.add(1, modified=1000.5)

    (result,) = list_results(made.output, made.job).values()

    file = Path(made.uri) / path
    assert (result.number, result.id, result.generation) == (1, make_shard(1).id, 1)
    assert (result.path, result.size, result.modified) == (path, file.stat().st_size, 1000.5)
    assert result.older == ()


def test_the_highest_generation_counts(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    paths = {generation: made.add(0, generation=generation) for generation in (2, 1, 10, 9)}

    (result,) = list_results(made.output, made.job).values()

    assert (result.generation, result.path) == (10, paths[10])
    assert sorted(result.older) == sorted([paths[1], paths[2], paths[9]])


def test_results_of_shards_no_longer_planned_are_stray(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 2)
    dropped = make_shard(1, size=999)  # the same number, of an input that has changed since
    made.add(0)
    stray = [made.add(dropped), made.add(make_shard(5000))]

    found = find_results(made.output, made.job, read_plan(made.output))

    assert list(found.results) == [0]
    assert [result.path for result in found.stray] == stray
    assert list_results(made.output, made.job).keys() == {0}


@pytest.mark.parametrize(
    "name",
    [
        "0000/00000000-{id}-g1.parquet",
        "0000/00000000-{id}-g02.parquet",
        "0000/000000000-{id}.parquet",
        "0001/00000000-{id}.parquet",
        "00000/00000000-{id}.parquet",
        "00000000-{id}.parquet",
        "0000/00000000-{id}.parquet.part",
        "0000/00000000-{id}x.parquet",
        "0000/0000000٠-{id}.parquet",
        "0000/notes.txt",
    ],
)
def test_other_names_are_foreign(tmp_path: Path, name: str) -> None:
    made = MadeJob(tmp_path, 1)
    path = f"{made.job.data_folder}/{name.format(id=make_shard(0).id)}"
    made.output.replace(path, b"")

    found = find_results(made.output, made.job, read_plan(made.output))

    assert (found.results, found.stray, found.foreign) == ({}, (), (path,))


def test_footers_are_read(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    damage = [{"where": "end", "offset": 512, "reason": "it is cut"}]
    made.add(0, statuses=["ok", "io", "io"], footer={"damage": damage, "duplicate_keys": 3})
    result = list_results(made.output, made.job)[0]

    footer = read_footer(made.output, result)

    assert (footer.shard, footer.id, footer.rows) == (0, result.id, 3)
    assert (footer.counts, footer.failed) == ({"io": 2, "ok": 1}, 2)
    assert (footer.duplicate_keys, footer.instruction_set_class) == (3, "avx2")
    assert [(each.where, each.offset, each.reason) for each in footer.damage] == [
        ("end", 512, "it is cut")
    ]


def test_the_end_of_an_object_is_enough(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    path = Path(made.uri) / made.add(0, statuses=["ok"] * 40_000)
    body = bytearray(path.read_bytes())
    body[: len(body) // 2] = bytes(len(body) // 2)
    path.write_bytes(body)
    result = list_results(made.output, made.job)[0]

    assert read_footer(made.output, result).rows == 40_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body[:-1],
        lambda body: b"PAR1" + body[-4:],
        lambda body: body[: len(body) // 2] + bytes(len(body) // 2 - 8) + body[-8:],
        lambda body: body.replace(b'"counts"', b'"founts"'),
        lambda body: body.replace(b'"rows": 2', b'"rows": ""'),
    ],
)
def test_what_is_no_result_is_an_error(tmp_path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    made = MadeJob(tmp_path, 2)
    path = Path(made.uri) / made.add(0)
    made.add(1)
    path.write_bytes(spoil(path.read_bytes()))
    results = list_results(made.output, made.job)

    with pytest.raises(MalformedFile, match=path.name):
        read_footer(made.output, results[0])
    (_, bad), (_, good) = read_footers(made.output, results.values())
    assert isinstance(bad, MalformedFile)
    assert good.rows == 2  # type: ignore[union-attr]


def test_a_result_that_has_gone_meanwhile_is_told(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    path = made.add(0)
    results = list_results(made.output, made.job)
    made.output.delete(path)

    ((_, footer),) = read_footers(made.output, results.values())

    assert isinstance(footer, NotFound)


def test_an_even_choice_spreads_over_all() -> None:
    assert choose_evenly(range(10), 20) == range(10)
    assert choose_evenly(range(10), 5) == [0, 2, 4, 6, 8]
    assert choose_evenly(range(3), 1) == [0]
    assert len(set(choose_evenly(range(2001), 2000))) == 2000


def test_a_part_has_at_least_one() -> None:
    assert choose_part(range(10), 1.0) == range(10)
    assert choose_part(range(10), 0.2) == [0, 5]
    assert choose_part(range(10), 0.11) == [0, 5]
    assert choose_part(range(10), 0.001) == [0]
    assert choose_part([], 0.5) == []


def test_a_hundred_thousand_results_are_listed_quickly_and_in_little_memory(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 100_000)
    for thousand in range(100):
        (Path(made.uri) / made.job.data_folder / f"{thousand:04d}").mkdir(parents=True)
    for shard in made.shards:
        (Path(made.uri) / made.job.data_path(shard)).touch()
    program = """if True:
        import sys, time
        from siglip.bulk.job import Job
        from siglip.bulk.open_location import open_location
        from siglip.bulk.results import list_results
        output = open_location(sys.argv[1])
        begin = time.monotonic()
        count = len(list_results(output, Job.open(output)))
        # Not ru_maxrss, which begins with that of the parent.
        status = open("/proc/self/status").read()
        peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
        print(count, time.monotonic() - begin, peak)
    """

    output = subprocess.check_output([sys.executable, "-c", program, made.uri], text=True)

    count, seconds, megabytes = output.split()
    assert int(count) == 100_000
    assert float(seconds) < 20
    assert int(megabytes) < 300
