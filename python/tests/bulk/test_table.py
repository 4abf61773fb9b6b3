"""The object of a shard: its columns, its footer, the same bytes for the same rows."""

import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from siglip.bulk.sample import Sample
from siglip.bulk.table import ShardTable, read_footer, status_of
from siglip.errors import (
    InvalidArgument,
    IOFailure,
    LimitExceeded,
    MalformedFile,
    NotFound,
    SiglipError,
    Unsupported,
)

DIMENSION = 6
CHANCE = np.random.default_rng(5)
VECTORS = CHANCE.standard_normal((5000, DIMENSION)).astype(np.float32)


def make(rows: int = 5, dtype: str = "float16") -> ShardTable:
    table = ShardTable(DIMENSION, dtype, [pa.field("caption", pa.string())])
    for row in range(rows):
        sample = Sample(f"k{row}", row, b"abc", kept=(f"caption {row}",))
        hashes = (bytes([row % 251]) * 32, bytes([row % 251]) * 16)
        if row == 1:
            table.add(sample, hashes, None, MalformedFile("k1: is cut"))
        else:
            table.add(sample, hashes, VECTORS[row], None, ("jpeg", 640, 480))
    return table


def test_rows_come_back_as_they_were():
    body = make().to_parquet({"rows": 5})
    rows = pq.read_table(pa.BufferReader(body)).to_pylist()
    assert [row["key"] for row in rows] == ["k0", "k1", "k2", "k3", "k4"]
    assert [row["status"] for row in rows] == ["ok", "malformed_file", "ok", "ok", "ok"]
    assert rows[1]["error"] == "k1: is cut"
    assert rows[1]["embedding"] is None and rows[1]["format"] is None and rows[1]["width"] is None
    assert rows[1]["size"] == 3 and rows[1]["sha256"] == b"\x01" * 32
    assert (rows[2]["format"], rows[2]["width"], rows[2]["height"]) == ("jpeg", 640, 480)
    assert rows[4]["caption"] == "caption 4"
    for row in (0, 2, 3, 4):
        np.testing.assert_array_equal(
            np.array(rows[row]["embedding"]), VECTORS[row].astype(np.float16).astype(np.float64)
        )


def test_the_same_rows_give_the_same_bytes():
    assert make().to_parquet({"a": 1}) == make().to_parquet({"a": 1})
    assert make().to_parquet({"a": 1}) != make().to_parquet({"a": 2})


def test_how_it_is_stored():
    file = pq.ParquetFile(pa.BufferReader(make(5000).to_parquet({})))
    assert file.metadata.num_row_groups == 2
    assert file.metadata.row_group(0).num_rows == 4096
    columns = {
        file.metadata.row_group(0).column(index).path_in_schema: file.metadata.row_group(0).column(index)
        for index in range(file.metadata.num_columns)
    }
    assert columns["embedding.list.element"].compression == "UNCOMPRESSED"
    assert columns["key"].compression == "ZSTD"
    assert file.schema_arrow.field("embedding").type == pa.list_(
        pa.field("element", pa.float16(), nullable=True), DIMENSION
    )
    assert not file.schema_arrow.field("key").nullable


def test_a_flipped_bit_is_noticed_by_page_checksums():
    body = bytearray(make(100).to_parquet({}))
    stored = VECTORS[50].astype(np.float16).tobytes()
    body[body.index(stored)] ^= 1
    with pytest.raises(OSError, match="[Cc][Rr][Cc]"):
        pq.read_table(io.BytesIO(bytes(body)), page_checksum_verification=True)


def test_the_hash_of_embeddings_is_of_the_rows_that_are_ok():
    table = make()
    stored = np.delete(VECTORS[:5], 1, axis=0).astype("<f2")
    assert table.embedding_hash() == hashlib.sha256(stored.tobytes()).hexdigest()


def test_float32_has_the_bits_of_the_vectors():
    body = make(dtype="float32").to_parquet({})
    column = pq.read_table(pa.BufferReader(body), columns=["embedding"]).column(0).drop_null()
    np.testing.assert_array_equal(
        column.combine_chunks().flatten().to_numpy().reshape(-1, DIMENSION),
        np.delete(VECTORS[:5], 1, axis=0),
    )


def test_what_is_beyond_float16_is_a_failure_and_no_infinity():
    table = ShardTable(DIMENSION, "float16")
    table.add(Sample("big", 0, b"x"), None, np.full(DIMENSION, 70000, np.float32), None)
    assert table.counts == {"internal": 1}
    row = pq.read_table(pa.BufferReader(table.to_parquet({}))).to_pylist()[0]
    assert row["embedding"] is None and "float16" in row["error"]


def test_an_empty_shard_is_an_object_too():
    body = ShardTable(DIMENSION, "float16").to_parquet({"rows": 0})
    assert pq.read_table(pa.BufferReader(body)).num_rows == 0


def test_long_errors_are_cut_within_a_letter():
    table = ShardTable(DIMENSION, "float16")
    table.add(Sample("k", 0, None), None, None, MalformedFile("ä" * 400))
    row = pq.read_table(pa.BufferReader(table.to_parquet({}))).to_pylist()[0]
    assert row["error"] == "ä" * 250


@pytest.mark.parametrize(
    "error, status",
    [
        (InvalidArgument("x"), "invalid_argument"),
        (NotFound("x"), "not_found"),
        (IOFailure("x"), "io"),
        (MalformedFile("x"), "malformed_file"),
        (Unsupported("x"), "unsupported"),
        (LimitExceeded("x"), "limit_exceeded"),
        (SiglipError("x"), "internal"),
    ],
)
def test_status(error, status):
    assert status_of(error) == status


def test_footer():
    footer = {"rows": 5, "damage": [{"where": "end", "offset": 7, "reason": "ä"}]}
    body = make().to_parquet(footer)
    assert read_footer(pa.BufferReader(body), "x") == footer
    assert json.loads(pq.read_metadata(pa.BufferReader(body)).metadata[b"siglip"]) == footer


def test_another_parquet_file_is_no_result():
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1]}), sink)
    with pytest.raises(MalformedFile, match="other.parquet: is no result"):
        read_footer(pa.BufferReader(sink.getvalue()), "other.parquet")
    with pytest.raises(MalformedFile):
        read_footer(io.BytesIO(b"no parquet at all"), "x")
