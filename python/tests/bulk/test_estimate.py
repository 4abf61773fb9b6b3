"""The model of cost, against numbers worked out by hand; and that what is measured is this job."""

import json
import math
from pathlib import Path

import pytest
from real_job import PICTURES, RealJob

from siglip.bulk.estimate import estimate, format_estimate
from siglip.bulk.job import Job
from siglip.bulk.picture_sample import sample_pictures
from siglip.bulk.plan_file import read_plan
from siglip.bulk.prediction import (
    Fleet,
    Speed,
    Work,
    best_shard_seconds,
    make_table,
    predict,
)
from siglip.bulk.status import read_status
from siglip.errors import InvalidArgument, SiglipError


def test_time_and_cost_of_a_thousand_million_small_pictures() -> None:
    # 49.3 ms + 2.9 ms per megapixel * 0.3072: 64 cores do 1,275 pictures a second.
    work = Work(1e9, 100_000, 0.3072, 38_000, 2 * 768 + 96)
    speed = Speed(0.0493, 0.0029, shard_seconds=2)

    found = predict(work, speed, Fleet(50, 64, 1.25e9), price=0.04)

    assert found.picture_seconds == pytest.approx(0.05019, rel=1e-3)
    # A shard takes 501.9 s: 2 / 501.9 + 501.9 / 172,800.
    assert found.overhead == pytest.approx(0.00689, rel=1e-3)
    # 1e9 * 0.05019 / 3600 * 1.00689, and 3,200 workers need 32 rounds for 31.25 shards each.
    assert found.core_hours == pytest.approx((14_038, 28_076), rel=1e-3)
    assert found.hours == pytest.approx(14_038 / 3200 * 32 / 31.25, rel=1e-3)
    assert found.cost == pytest.approx((561.5, 1123), rel=1e-3)
    assert (found.bytes_in, found.bytes_out) == (38e12, 1.632e12)
    assert found.bound == "cores"
    assert found.network_per_machine == pytest.approx(38e12 / 50 / (found.hours * 3600))


def test_the_network_may_be_the_bound() -> None:
    # 12 megapixels, 2 MB, at 10 Gbit/s: 625 pictures a second, whatever 64 cores could do.
    work = Work(1e9, 100_000, 12, 2e6, 1632)

    found = predict(work, Speed(0.0493, 0.003), Fleet(50, 64, 1.25e9))

    assert found.bound == "network"
    assert found.pictures_per_second == pytest.approx(50 * 625 / 1.0079 * 31.25 / 32, rel=1e-3)
    assert found.cost is None
    assert predict(work, Speed(0.0493, 0.003), Fleet(50, 64)).bound == "cores"


@pytest.mark.parametrize(
    "shard_seconds, between, best, overhead",
    [(2, 86_400, 588, 0.0068), (10, 86_400, 1315, 0.0152), (2, 14_400, 240, 0.0167)],
)
def test_the_overhead_of_shards_has_a_least(
    shard_seconds: float, between: float, best: float, overhead: float
) -> None:
    speed = Speed(0.05, 0, shard_seconds)
    fleet = Fleet(1, 1, None, between)
    assert best_shard_seconds(speed, fleet) == pytest.approx(best, rel=2e-3)

    found = [
        predict(Work(20 * seconds * 100, 100, 1, 1, 1), speed, fleet).overhead
        for seconds in (0.7 * best, best, 1.4 * best)
    ]

    assert found[1] == pytest.approx(overhead, rel=0.01)
    assert found[1] == min(found)


def test_few_shards_leave_workers_idle() -> None:
    speed = Speed(1, 0, shard_seconds=0, start_seconds=7)
    fleet = Fleet(2, 2, None, math.inf)
    # 5 shards of 100 s on 4 workers: two rounds.
    found = predict(Work(500, 5, 1, 1, 1), speed, fleet)
    assert found.hours * 3600 == pytest.approx(207)
    assert found.core_hours[0] * 3600 == pytest.approx(500 + 4 * 7)


def test_the_table_of_the_documentation() -> None:
    table = make_table(
        Speed(0.0493, 0.0029),
        megapixels=0.3072,
        bytes_in=38_000,
        dimension=768,
        cores=64,
        gigabits=10,
        price=0.04,
    )

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [row[0] for row in rows[2:]] == ["10^6", "10^9", "10^10"]
    assert len({len(row) for row in rows}) == 1
    thousand_million = dict(zip(rows[0], rows[3], strict=True))
    assert thousand_million["machines"] == "50"
    assert thousand_million["hours"] == "4.5"
    assert thousand_million["shards"] == "100,000"
    assert (thousand_million["read"], thousand_million["written"]) == ("38 TB", "1.6 TB")
    assert thousand_million["price"] == "$561.52 to $1,123.04"


@pytest.fixture
def real(tmp_path: Path) -> RealJob:
    """12 tars of 40 pictures."""
    return RealJob(
        tmp_path,
        [
            {f"{row:03d}.jpg": PICTURES[(number + row) % 20] for row in range(40)}
            for number in range(12)
        ],
    )


def test_the_sample_is_even_and_always_the_same(real: RealJob) -> None:
    job = Job.open(real.output)
    with read_plan(real.output) as plan:
        sample, again = sample_pictures(job, plan), sample_pictures(job, plan)

    # 8 of 12 shards, 32 pictures of each, in turn.
    chosen = [0, 1, 3, 4, 6, 7, 9, 10]
    assert len(sample.pictures) == 256
    assert list(sample.pictures[:8]) == [PICTURES[number % 20] for number in chosen]
    assert list(sample.pictures[8:10]) == [PICTURES[1], PICTURES[2]]
    assert again.pictures == sample.pictures
    assert sample.pictures_in_all == pytest.approx(480, rel=0.1)
    size = sum(shard.size for shard in real.shards)
    assert sample.bytes_per_picture == pytest.approx(size / 480, rel=0.1)
    assert sample.bytes_per_second > 0 and sample.open_seconds > 0
    assert 0 < sample.read_seconds < 0.1


def test_an_estimate_is_measured_told_and_kept(real: RealJob) -> None:
    returned = estimate(real.uri, machines=3, cores=5, price=0.5, seconds=0.5)
    told = json.loads(real.output.read("estimate.json"))

    measured, predicted = told["measured"], told["predicted"]
    assert (told["fleet"]["machines"], told["fleet"]["cores"]) == (3, 5)
    assert 0 < measured["model_seconds"] <= predicted["picture_seconds"] < 1
    # All pictures of the repository are 320 x 240.
    assert measured["megapixels"] == pytest.approx(0.0768)
    assert measured["start_seconds"] > 0.05
    assert predicted["shards"] == 12
    assert predicted["cost"][0] == pytest.approx(0.5 * predicted["core_hours"][0])
    assert json.loads(json.dumps(returned)) == told
    out = format_estimate(returned)
    assert "measured   256 pictures" in out and "on 3 machines of 5 cores" in out
    status = read_status(real.output)
    assert status.prediction is not None
    assert status.prediction.hours == predicted["hours"]
    assert real.results() == [] and not any((Path(real.uri) / "tmp").iterdir())


def test_pictures_that_fail_take_part(tmp_path: Path) -> None:
    real = RealJob(tmp_path, [{"a.jpg": b"no picture", "b.jpg": PICTURES[0]}])
    told = estimate(real.uri, seconds=0.2)
    # On each core one of the two, or both in turn.
    assert 0 <= told["measured"]["megapixels"] <= 0.0768
    assert told["predicted"]["pictures"] == pytest.approx(2, rel=0.2)


def test_without_pictures_there_is_no_estimate(tmp_path: Path) -> None:
    real = RealJob(tmp_path, [{"a.txt": b"no picture"}])
    with pytest.raises(InvalidArgument, match="no picture could be read"):
        estimate(real.uri)


def test_what_processes_complain_of_is_told(real: RealJob) -> None:
    text = real.output.read("job.json").replace(b'"isa": "', b'"isa": "no-')
    real.output.replace("job.json", text)
    with pytest.raises(SiglipError, match="no-"):
        estimate(real.uri, seconds=0.2)


@pytest.mark.parametrize("name", ["machines", "cores"])
def test_counts_are_checked(real: RealJob, name: str) -> None:
    with pytest.raises(InvalidArgument, match=name):
        estimate(real.uri, **{name: 0})  # type: ignore[arg-type]
