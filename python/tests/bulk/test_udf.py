"""RayEmbed, called as ray.data would, and by it where it is installed."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import siglip
from siglip.bulk.udf import RayEmbed
from siglip.errors import InvalidArgument

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = str(REPOSITORY / "models" / "demo")
PICTURES = sorted((REPOSITORY / "examples" / "images").glob("*.jpg"))[:3]
BODIES = [PICTURES[0].read_bytes(), b"no picture", None, PICTURES[1].read_bytes(), b""]


def check(rows: list[dict[str, Any]]) -> None:
    expected = siglip.load(DEMO).encode_image(PICTURES[:2])
    assert [row["status"] for row in rows] == [
        "ok",
        "unsupported",
        "malformed_file",
        "ok",
        "malformed_file",
    ]
    assert [row["error"] is None for row in rows] == [True, False, False, True, False]
    assert [row["width"] for row in rows] == [320, None, None, 320, None]
    assert [row["height"] for row in rows] == [240, None, None, 240, None]
    np.testing.assert_array_equal(np.float32(rows[0]["embedding"]), expected[0])
    np.testing.assert_array_equal(np.float32(rows[3]["embedding"]), expected[1])
    assert [row["embedding"] is None for row in rows] == [False, True, True, False, True]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_adds_a_column(kind: pa.DataType) -> None:
    table = pa.table({"id": range(5), "jpg": pa.array(BODIES, kind)})
    found = RayEmbed(DEMO, image="jpg", column="vector")(table)
    assert found.column_names == ["id", "jpg", "vector"]
    assert found.select(["id", "jpg"]).equals(table)
    check(found.column("vector").to_pylist())


def test_takes_pictures_of_huggingface_datasets_and_tables_in_pieces() -> None:
    values = [None if body is None else {"bytes": body, "path": None} for body in BODIES]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pieces = [pa.array(values[:1], kind), pa.array([], kind), pa.array(values[1:], kind)]
    table = pa.table({"image": pa.chunked_array(pieces)})
    check(RayEmbed(DEMO, image="image")(table).column("siglip").to_pylist())


def test_refuses_tables_without_pictures() -> None:
    embed = RayEmbed(DEMO)
    with pytest.raises(InvalidArgument, match="expected one of id, text, found 'bytes'"):
        embed(pa.table({"id": [1], "text": ["a"]}))
    with pytest.raises(InvalidArgument, match="expected a column of bytes"):
        embed(pa.table({"bytes": ["a"]}))


def test_an_empty_table_gets_the_column_too() -> None:
    found = RayEmbed(DEMO)(pa.table({"bytes": pa.array([], pa.binary())}))
    assert len(found) == 0
    assert found.schema.field("siglip").type.field("embedding").type.list_size == 128


def test_in_ray_data() -> None:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        table = pa.table({"bytes": pa.array(BODIES, pa.binary())})
        embedded = ray.data.from_arrow(table).map_batches(
            RayEmbed,
            fn_constructor_kwargs={"model": DEMO},
            batch_format="pyarrow",
            num_cpus=1,
            concurrency=1,
        )
        check([row["siglip"] for row in embedded.take_all()])
    finally:
        ray.shutdown()
