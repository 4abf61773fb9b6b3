"""Jobs and results that no worker made: written here, by pyarrow, column by column."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from siglip.bulk.job import Input, Job
from siglip.bulk.location import Entry, Location
from siglip.bulk.open_location import open_location
from siglip.bulk.plan_file import write_plan
from siglip.bulk.shard import Shard

DIMENSION = 4


def make_shard(number: int, size: int = 1000) -> Shard:
    source = Entry(f"{number:06d}.tar", size, "7")
    return Shard(number, 0, "tar", source, (), (), size, None)


class MadeJob:
    """A job of `shards` tars of 1000 bytes, planned but with no result."""

    def __init__(self, folder: Path, shards: int | Sequence[Shard]) -> None:
        self.shards = (
            [make_shard(each) for each in range(shards)] if isinstance(shards, int) else shards
        )
        self.job = Job(
            fingerprint={
                "embedding": {"precision": "f32", "instruction_set_class": "avx2"},
                "dtype": "float16",
                "schema": 1,
                "read": {"image": [], "key": None, "keep": []},
                "siglip": "1",
                "pyarrow": "25",
            },
            isa="avx2",
            model="made",
            model_options={},
            model_folders={},
            dimension=DIMENSION,
            inputs=(Input(str(folder / "in")),),
        )
        self.uri = str(folder / "out")
        os.makedirs(self.uri)
        self.output: Location = open_location(self.uri)
        self.output.replace("job.json", self.job.to_json().encode())
        self.output.replace("plan.parquet", write_plan(self.shards))

    def add(
        self,
        shard: int | Shard,
        *,
        generation: int = 1,
        statuses: Sequence[str] = ("ok", "ok"),
        modified: float | None = None,
        footer: Mapping[str, Any] | None = None,
        columns: Mapping[str, pa.Array] | None = None,
        stored: bytes | None = None,
    ) -> str:
        """Makes a result; returns its path below the output. `footer` and `columns` replace what would be there;
        `stored` is what stands in the object after its checksums were made."""
        if isinstance(shard, int):
            shard = self.shards[shard]
        body = make_result(self.job, shard, generation, statuses, footer or {}, columns or {})
        path = self.job.data_path(shard, generation)
        self.output.replace(path, body if stored is None else stored)
        if modified is not None:
            os.utime(f"{self.uri}/{path}", (modified, modified))
        return path

    def paths(self) -> list[str]:
        """Of all results, by the file system."""
        data = Path(self.uri) / "data"
        return sorted(str(each.relative_to(self.uri)) for each in data.rglob("*") if each.is_file())


def make_result(
    job: Job,
    shard: Shard,
    generation: int,
    statuses: Sequence[str],
    footer: Mapping[str, Any],
    columns: Mapping[str, pa.Array],
) -> bytes:
    ok = [status == "ok" for status in statuses]
    vectors = np.arange(len(ok) * DIMENSION, dtype="<f2").reshape(-1, DIMENSION) + shard.number
    failed = pa.array([not each for each in ok], pa.bool_())
    embedding = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors.reshape(-1)),
        type=pa.list_(pa.field("element", pa.float16()), DIMENSION),
        mask=failed,
    )
    arrays = {
        "key": pa.array([f"{shard.number}/{row}" for row in range(len(ok))], pa.string()),
        "row": pa.array(range(len(ok)), pa.uint32()),
        "status": pa.array(statuses, pa.string()).cast(pa.dictionary(pa.int8(), pa.string())),
        "error": pa.array([None if each else "it is broken" for each in ok], pa.string()),
        "format": pa.array(["jpeg" if each else None for each in ok], pa.string()),
        "width": pa.array([8 if each else None for each in ok], pa.uint32()),
        "height": pa.array([8 if each else None for each in ok], pa.uint32()),
        "size": pa.array([100] * len(ok), pa.uint64()),
        "sha256": pa.array([bytes(32)] * len(ok), pa.binary(32)),
        "xxh3": pa.array([bytes(16)] * len(ok), pa.binary(16)),
        "embedding": embedding,
        **columns,
    }
    fields = {
        "schema": 1,
        "fingerprint": job.fingerprint,
        "fingerprint_hash": job.fingerprint_hash,
        "shard": shard.number,
        "id": shard.id,
        "input": {
            "kind": "tar",
            "path": f"{shard.number:06d}.tar",
            "size": shard.size,
            "version": "7",
            "row_groups": [],
            "files": 0,
        },
        "generation": generation,
        "rows": len(ok),
        "counts": {status: list(statuses).count(status) for status in sorted(set(statuses))},
        "duplicate_keys": 0,
        "damage": [],
        "instruction_set_class": "avx2",
        "embedding_sha256": hashlib.sha256(vectors[ok].tobytes()).hexdigest(),
        **footer,
    }
    schema = pa.schema(
        [
            pa.field(name, array.type, nullable=name not in ("key", "row", "status"))
            for name, array in arrays.items()
        ],
        metadata={"siglip": json.dumps(fields)},
    )
    sink = pa.BufferOutputStream()
    table = pa.Table.from_arrays(list(arrays.values()), schema=schema)
    pq.write_table(table, sink, compression="none", write_page_checksum=True)
    return bytes(sink.getvalue())
