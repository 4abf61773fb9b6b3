"""Planning of an object store, and reading its shards."""

from __future__ import annotations

import io
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_inputs import PICTURES, Read, make_tar

pytest.importorskip("moto")

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

from siglip.bulk import planning  # noqa: E402
from siglip.bulk.job import Job  # noqa: E402
from siglip.bulk.model_folder import PreparedModel  # noqa: E402
from siglip.bulk.open_location import open_location  # noqa: E402
from siglip.bulk.open_samples import open_samples  # noqa: E402
from siglip.bulk.plan_file import read_plan  # noqa: E402
from siglip.bulk.planning import PlanSummary, plan  # noqa: E402
from siglip.bulk.shard import Shard  # noqa: E402
from siglip.errors import InvalidArgument, NotFound  # noqa: E402

FINGERPRINT = '{"instruction_set_class": "avx2", "precision": "int8"}'
DATA = [file.read_bytes() for file in PICTURES[:4]]


OUTPUT = "s3://outputs/job"


class Store:
    """A bucket with a tar, a Parquet file of paths, and pictures, below a prefix."""

    def __init__(self, endpoint: str) -> None:
        self.options = {"endpoint": endpoint, "allow_http": "true"}
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        for bucket in ("inputs", "outputs"):
            self.client.create_bucket(Bucket=bucket)
        for index, data in enumerate(DATA):
            self.put(f"data/pictures/é {index}%.jpg", data)
        self.put("data/a.tar", make_tar([(f"{i}.jpg", data) for i, data in enumerate(DATA)]))
        paths = [f"pictures/é {index}%.jpg" for index in range(4)]
        paths += ["s3://inputs/data/pictures/é 0%.jpg", "s3://other/x.jpg"]
        sink = io.BytesIO()
        pq.write_table(pa.table({"path": paths}), sink)
        self.put("data/b.parquet", sink.getvalue())

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket="inputs", Key=key, Body=data)

    def plan(self, *inputs: str, output: str = OUTPUT) -> PlanSummary:
        options = self.options
        return plan(inputs, output, model="m", input_options=options, output_options=options)

    def shards(self) -> tuple[Job, list[Shard]]:
        location = open_location(OUTPUT, self.options)
        with read_plan(location) as opened:
            return Job.open(location), list(opened)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    prepared = PreparedModel(FINGERPRINT, "avx2", {"16x1": "model/m"}, 128)
    monkeypatch.setattr(planning, "prepare_model", lambda *_: prepared)
    urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"").close()
    return Store(endpoint)


def test_a_prefix(store: Store) -> None:
    store.put("database/other.jpg", b"x")  # the name goes on behind the prefix
    summary = store.plan("s3://inputs/data")
    assert summary.kinds == {"tar": 1, "parquet": 1, "files": 1} and summary.files == 6
    job, shards = store.shards()
    assert [each.uri for each in job.inputs] == ["s3://inputs/data"]
    assert job.inputs[0].options == store.options
    location = open_location(job.inputs[0].uri, job.inputs[0].options, read_only=True)
    tar, parquet, files = (Read(open_samples(shard, job, location)) for shard in shards)
    assert list(tar.pictures.values()) == DATA and tar.damage == []
    assert list(files.pictures.values()) == DATA
    assert list(files.pictures) == [f"pictures/é {index}%.jpg" for index in range(4)]
    assert list(parquet.pictures.values()) == [*DATA, DATA[0]]
    assert list(parquet.errors.values()) == ["input/output error"]
    again = store.plan("s3://inputs/data/")
    assert (again.kept, again.added, again.dropped) == (3, 0, 0)


def test_objects_and_lists(store: Store, tmp_path: Path) -> None:
    listing = tmp_path / "list"
    listing.write_text("s3://inputs/data/pictures/é 1%.jpg\ns3://inputs/data/gone.jpg\n")
    output = str(tmp_path / "output")
    summary = store.plan("s3://inputs/data/a.tar", f"@{listing}")
    job, shards = store.shards()
    assert [each.uri for each in job.inputs] == ["s3://inputs/data"]
    assert [file.path for file in shards[1].files] == ["pictures/é 1%.jpg"]
    assert summary.kinds == {"tar": 1, "files": 1}
    assert len(summary.warnings) == 1 and "gone.jpg" in summary.warnings[0]


def test_what_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        store.plan("s3://inputs/nothing")
    with pytest.raises(InvalidArgument):
        store.plan("s3://inputs/data", output="s3://inputs/data/output")
