"""What verify finds in results, and that it finds nothing in good ones."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_inputs import flip_byte, make_parquet
from made_job import DIMENSION, MadeJob
from real_job import DEMO, PICTURES, RealJob

from siglip.bulk.commands import verify as command
from siglip.bulk.planning import plan
from siglip.bulk.verify import choose_rows, verify
from siglip.bulk.worker import ShardEmbedder


def execute(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(words))


def embedding(rows: list[list[float | None] | None]) -> pa.Array:
    type = pa.list_(pa.field("element", pa.float16()), DIMENSION)
    as_half = [None if row is None else [_half(value) for value in row] for row in rows]
    return pa.array(as_half, type)


def _half(value: float | None) -> np.float16 | None:
    return None if value is None else np.float16(value)


def dictionary(values: list[str]) -> pa.Array:
    return pa.array(values).cast(pa.dictionary(pa.int8(), pa.string()))


def problems_of(made: MadeJob) -> list[str]:
    (checked,) = verify(made.output)
    return list(checked.problems)


def test_good_results_have_no_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = MadeJob(tmp_path, 3)
    made.add(0, statuses=["ok", "io", "ok", "malformed_file"])
    made.add(1, statuses=[])
    made.add(2, statuses=["ok"] * 5000, generation=3)

    assert [checked.problems for checked in verify(made.output)] == [(), (), ()]
    assert execute(made.uri) == 0
    assert capsys.readouterr().out == "3 results read, 0 bad\n"


# What is wrong: what the object says of itself, or columns; and what must be named. Two rows, both ok.
WRONG: dict[str, tuple[dict[str, Any], dict[str, pa.Array], str]] = {
    "fingerprint": ({"fingerprint_hash": "0" * 64}, {}, "fingerprint_hash: expected"),
    "fingerprint part": ({"fingerprint": {}}, {}, "fingerprint: expected"),
    "class": ({"instruction_set_class": "avx512"}, {}, "instruction_set_class: expected avx2"),
    "schema": ({"schema": 2}, {}, "schema: expected 1"),
    "shard": ({"shard": 4}, {}, "shard: expected 0"),
    "id": ({"id": "0" * 16}, {}, "id: expected"),
    "generation": ({"generation": 2}, {}, "generation: expected 1"),
    "rows": ({"rows": 3, "counts": {"ok": 3}}, {}, "rows: its footer says 3, found 2"),
    "sum of counts": ({"counts": {"ok": 1}}, {}, "rows: expected 1"),
    "counts": ({"counts": {"io": 1, "ok": 1}}, {}, "counts: its footer says"),
    "hash": ({"embedding_sha256": "0" * 64}, {}, "embedding_sha256: its footer says"),
    "type of a column": ({}, {"width": pa.array([8, 8], pa.int64())}, "column 5: expected"),
    "dimension": (
        {},
        {"embedding": pa.array([[0] * 3] * 2, pa.list_(pa.field("element", pa.float16()), 3))},
        "column 10: expected",
    ),
    "null where ok": (
        {},
        {"embedding": embedding([[0, 1, 2, 3], None])},
        "row 1: ok, but without embedding",
    ),
    "null within": ({}, {"embedding": embedding([[0, 1, 2, 3], [4, None, 6, 7]])}, "is null"),
    "not finite": ({}, {"embedding": embedding([[0, 1, 2, 3], [4, 5, np.inf, 7]])}, "not finite"),
    "no number": ({}, {"embedding": embedding([[0, 1, np.nan, 3], [4, 5, 6, 7]])}, "not finite"),
    "embedded where failed": (
        {"counts": {"io": 1, "ok": 1}},
        {"status": dictionary(["ok", "io"]), "error": pa.array([None, "it is broken"])},
        "row 1: failed, but embedded",
    ),
    "error where ok": ({}, {"error": pa.array(["it is broken", None])}, "row 0: ok, but with"),
    "order": ({}, {"row": pa.array([1, 0], pa.uint32())}, "row 0: row is not its position"),
    "width": ({}, {"width": pa.array([8, None], pa.uint32())}, "row 1: ok, but width is null"),
    "another number": (
        {},
        {"embedding": embedding([[0, 1, 2, 3], [4, 5, 6, 8]])},
        "embedding_sha256: its footer says",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    footer, columns, named = WRONG[what]
    made = MadeJob(tmp_path, 1)
    path = made.add(0, footer=footer, columns=columns)

    assert any(named in problem for problem in problems_of(made)), problems_of(made)
    assert execute(made.uri) == 1
    assert f"bad: {path}: " in capsys.readouterr().out


def test_the_hash_is_over_ok_rows_only(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    vectors = np.array([[0, 1, 2, 3], [8, 9, 10, 11]], "<f2")
    digest = hashlib.sha256(vectors.tobytes()).hexdigest()
    made.add(0, statuses=["ok", "io", "ok"], footer={"embedding_sha256": digest})

    assert problems_of(made) == []


@pytest.mark.parametrize("at", [0.2, 0.4, 0.6, 0.8])
def test_a_flipped_bit_is_found(tmp_path: Path, at: float) -> None:
    made = MadeJob(tmp_path, 1)
    file = Path(made.uri) / made.add(0, statuses=["ok"] * 3000)
    body = bytearray(file.read_bytes())
    body[int(len(body) * at)] ^= 1
    file.write_bytes(body)

    assert len(problems_of(made)) > 0


def test_a_flipped_bit_of_a_kept_column_is_found(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    file = Path(made.uri) / made.add(0, columns={"caption": pa.array(["needle", "hay"])})
    assert problems_of(made) == []
    body = file.read_bytes()
    assert body.count(b"needle") >= 1
    position = body.index(b"needle")
    file.write_bytes(body[:position] + b"n" + b"o" + body[position + 2 :])

    assert "cannot be read" in problems_of(made)[0]


def test_cut_results_are_bad_and_others_are_still_read(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 2)
    file = Path(made.uri) / made.add(0)
    file.write_bytes(file.read_bytes()[:-9])
    made.add(1)

    bad, good = verify(made.output)

    assert file.name in bad.problems[0]
    assert good.problems == ()


def test_a_sample_reads_a_part(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 10)
    for number in range(10):
        made.add(number)

    assert [each.result.number for each in verify(made.output, sample=0.2)] == [0, 5]


def test_rows_to_compute_again_are_spread_over_all() -> None:
    assert list(choose_rows([3, 0, 4], 1.0)) == [[0, 1, 2], [], [0, 1, 2, 3]]
    assert list(choose_rows([4, 4, 4], 0.25)) == [[0], [0], [0]]
    assert list(choose_rows([1000, 1000], 0.001)) == [[0], [0]]
    assert list(choose_rows([1000, 1000], 0.0001)) == [[0], []]
    assert sum(map(len, choose_rows([7] * 1000, 0.1))) == 700


@pytest.fixture
def real(tmp_path: Path) -> RealJob:
    first = {"a.jpg": PICTURES[0], "b.jpg": b"no picture", "c.jpg": PICTURES[1]}
    real = RealJob(tmp_path, [first, {"d.jpg": PICTURES[2]}])
    assert (real.embed(0).failed, real.embed(1).failed) == (1, 0)
    return real


def change(file: Path, **columns: pa.Array) -> None:
    """Rewrites a result, with a hash that fits."""
    table = pq.read_table(file)
    for name, array in columns.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(name), array)
    numbers = table["embedding"].combine_chunks().flatten().to_numpy()
    metadata = dict(table.schema.metadata)
    digest = hashlib.sha256(numbers.tobytes()).hexdigest().encode()
    old = metadata[b"siglip"]
    begin = old.index(b'"embedding_sha256":"') + 20
    metadata[b"siglip"] = old[:begin] + digest + old[begin + 64 :]
    pq.write_table(table.replace_schema_metadata(metadata), file, write_page_checksum=True)


def test_results_of_workers_are_good(real: RealJob, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(real.uri, "--reembed", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "2 results read, 0 bad",
        "4 rows computed again, in 0 results something differs",
    ]


def test_another_embedding_than_of_the_picture_is_found(
    real: RealJob, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pq.read_table(real.file(0))["embedding"].to_pylist()
    rows[2][5] = np.nextafter(np.float16(rows[2][5]), np.float16(9))
    rows = [row and [np.float16(value) for value in row] for row in rows]
    change(
        real.file(0),
        embedding=pa.array(rows, pq.read_schema(real.file(0)).field("embedding").type),
    )
    assert execute(real.uri) == 0

    assert execute(real.uri, "--reembed", "1") == 1

    out = capsys.readouterr().out
    assert "row 2 (c): another embedding than is computed here" in out
    assert "4 rows computed again, in 1 results something differs" in out


def test_another_input_is_told(real: RealJob, capsys: pytest.CaptureFixture[str]) -> None:
    (real.input / "1.tar").write_bytes(b"something else")

    assert execute(real.uri, "--reembed", "1") == 1

    assert f"{real.file(1).name}: cannot be computed again" in capsys.readouterr().out


def test_pictures_that_kill_are_not_touched(
    real: RealJob, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        real.file(0),
        error=pa.array([None, "b: the process died (signal 11)", None]),
    )
    from siglip.bulk import reembed

    seen: list[str] = []
    picture = reembed._siglip.Picture

    class Spy:
        @staticmethod
        def bytes(data: bytes, name: str) -> object:
            seen.append(name)
            return picture.bytes(data, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reembed._siglip, "Picture", Spy)
        assert execute(real.uri, "--reembed", "1") == 0
    assert seen == ["a", "c", "d"]


def test_rows_behind_a_damage_keep_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    data = make_parquet({"image": PICTURES[:4]})
    (tmp_path / "in" / "a.parquet").write_bytes(flip_byte(data, PICTURES[1], PICTURES[2]))
    output = tmp_path / "out"
    plan([str(tmp_path / "in")], str(output), model=str(DEMO), precision="f32")
    assert ShardEmbedder(str(output)).embed(0).damaged
    (result,) = (output / "data").rglob("*.parquet")
    assert pq.read_table(result)["row"].to_pylist() == [0, 2, 3]

    assert execute(str(output), "--reembed", "1") == 0, capsys.readouterr().out
    assert "3 rows computed again" in capsys.readouterr().out


def test_rows_behind_a_damage_ascend(tmp_path: Path) -> None:
    made = MadeJob(tmp_path, 1)
    damage = [{"where": "row group 0", "offset": None, "reason": "is broken"}]
    made.add(0, footer={"damage": damage}, columns={"row": pa.array([3, 3], pa.uint32())})
    assert problems_of(made) == ["row 1: row does not ascend"]
