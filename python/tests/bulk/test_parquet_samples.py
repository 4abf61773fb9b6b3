"""Parquet into samples: columns of bytes and of paths, keys, kept columns, and damage."""

from __future__ import annotations

import contextlib
import datetime
import io
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_inputs import Folder, Read

from siglip.bulk.errors import InputChanged, TransportError
from siglip.bulk.location import Entry, Location
from siglip.bulk.parquet_samples import ParquetSamples
from siglip.bulk.sample import ReadOptions
from siglip.errors import InvalidArgument


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "input")


def parquet(table: pa.Table | dict[str, Any], rows_of_group: int = 100, **options: Any) -> bytes:
    sink = io.BytesIO()
    whole = table if isinstance(table, pa.Table) else pa.table(table)
    settings = {"compression": "none", "write_page_checksum": True, **options}
    pq.write_table(whole, sink, row_group_size=rows_of_group, **settings)
    return sink.getvalue()


def read(
    folder: Folder,
    data: bytes,
    options: ReadOptions | None = None,
    row_groups: tuple[int, ...] = (0,),
    name: str = "a.parquet",
) -> Read:
    shard = folder.shard("parquet", folder.add(name, data), row_groups)
    found = Read(ParquetSamples(shard, options or ReadOptions(), folder.location))
    # Keys that no column gives are told as ":row".
    for each in found.samples:
        object.__setattr__(each, "key", each.key.removeprefix(shard.id))
    return found


BYTES = [b"one", b"two", None, b""]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(BYTES, pa.binary()),
        pa.array(BYTES, pa.large_binary()),
        pa.array(BYTES, pa.binary_view()),
        pa.array(BYTES, pa.binary()).dictionary_encode(),
        pa.array([None if each is None else {"bytes": each, "path": "x"} for each in BYTES]),
    ],
    ids=lambda column: str(column.type),
)
def test_bytes_of_every_type(folder: Folder, column: pa.Array) -> None:
    found = read(folder, parquet({"image": column, "n": range(4)}))
    assert found.pictures == {":0": b"one", ":1": b"two"}
    assert found.errors == {":2": "invalid argument", ":3": "malformed file"}
    assert [each.row for each in found.samples] == [0, 1, 2, 3]
    assert found.damage == [] and found.duplicate_keys == 0


def test_a_struct_without_bytes_is_its_path(folder: Folder) -> None:
    folder.add("sub/x.jpg", b"X")
    rows = [
        {"bytes": b"A", "path": "a"},
        {"bytes": None, "path": "x.jpg"},
        {"bytes": None, "path": None},
    ]
    found = read(folder, parquet({"image": rows}), name="sub/a.parquet")
    assert found.pictures == {":0": b"A", ":1": b"X"}
    assert found.errors == {":2": "invalid argument"}


def test_pictures_are_bytes_to_others(folder: Folder) -> None:
    shard = folder.shard("parquet", folder.add("a.parquet", parquet({"jpg": [b"\xff"]})), (0,))
    with ParquetSamples(shard, ReadOptions(), folder.location) as reader:
        (sample,) = reader
    view = memoryview(sample.data or b"")
    assert view.format == "B" and view.tolist() == [255]


def test_row_groups_of_a_shard(folder: Folder) -> None:
    data = parquet({"jpg": [b"%d" % n for n in range(50)]}, 10)
    found = read(folder, data, row_groups=(1, 3))
    numbers = [*range(10, 20), *range(30, 40)]
    assert list(found.pictures.values()) == [b"%d" % n for n in numbers]
    assert [each.row for each in found.samples] == list(range(20))


def test_keys(folder: Folder) -> None:
    data = parquet({"jpg": [b"x"] * 4, "id": [7, 8, None, 7], "name": ["a", "é", "a", None]})
    by_number = read(folder, data, ReadOptions(key="id"))
    assert [each.key for each in by_number.samples] == ["7", "8", ":2", "7"]
    assert by_number.duplicate_keys == 1
    by_name = read(folder, data, ReadOptions(key="name"))
    assert [each.key for each in by_name.samples] == ["a", "é", "a", ":3"]
    assert by_name.duplicate_keys == 1


def test_strings_that_are_no_text_are_percent_encoded(folder: Folder) -> None:
    wrong = pa.Array.from_buffers(
        pa.string(), 1, [None, *pa.array([b"caf\xe9"], pa.binary()).buffers()[1:]]
    )
    data = parquet({"jpg": [b"x"], "name": wrong})
    (sample,) = read(folder, data, ReadOptions(key="name", keep=("name",))).samples
    assert sample.key == "caf%E9" and sample.kept == ("caf%E9",)


def test_kept_columns_have_their_type(folder: Folder) -> None:
    columns = {
        "integer": pa.array([1, None], pa.int16()),
        "real": pa.array([0.5, None], pa.float32()),
        "truth": pa.array([True, None]),
        "text": pa.array(["é", None]),
        "large": pa.array(["x", None], pa.large_string()),
        "raw": pa.array([b"x", None]),
        "word": pa.array(["w", None]).dictionary_encode(),
        "day": pa.array([datetime.date(2026, 11, 28), None]),
        "time": pa.array([1_732_777_777_123_456_789, None], pa.timestamp("ns", "UTC")),
        "price": pa.array(["1.25", None]).cast(pa.decimal128(10, 2)),
        "nothing": pa.array([None, None], pa.int64()),
    }
    data = parquet({"image": [b"x", b"y"], **columns})
    found = read(folder, data, ReadOptions(keep=tuple(columns)))
    assert [field.name for field in found.fields] == list(columns)
    for index, field in enumerate(found.fields):
        column = columns[field.name]
        expected = column.dictionary_decode() if field.name == "word" else column
        values = [each.kept[index] for each in found.samples]
        assert pa.array(values, field.type).equals(expected)


def test_the_column_is_found_by_its_name(folder: Folder) -> None:
    data = parquet({"thumbnail": [b"small"], "Image": [b"large"], "caption": ["x"]})
    assert read(folder, data).pictures == {":0": b"large"}
    chosen = ReadOptions(image=("thumbnail",))
    assert read(folder, data, chosen).pictures == {":0": b"small"}
    with pytest.raises(InvalidArgument):
        read(folder, data, ReadOptions(image=("picture",)))


def test_paths(folder: Folder, tmp_path: Path) -> None:
    folder.add("sub/here.jpg", b"H")
    folder.add("above.jpg", b"A")
    folder.add("sub/empty.jpg", b"")
    (tmp_path / "outside.jpg").write_bytes(b"O")
    paths = [
        "here.jpg",
        "./here.jpg",
        f"{folder.path}/above.jpg",
        f"file://{folder.path}/sub/here.jpg",
        "gone.jpg",
        "empty.jpg",
        None,
        "../above.jpg",
        f"{tmp_path}/outside.jpg",
        f"{folder.path}/../outside.jpg",
        "s3://bucket/x.jpg",
        "a\0b",
        "x" * 300,
        ".",
        "",
        "here.jpg/x",
    ]
    found = read(folder, parquet({"path": paths}), name="sub/a.parquet")
    assert found.pictures == {":0": b"H", ":1": b"H", ":2": b"A", ":3": b"H"}
    assert found.errors == {
        ":4": "not found",
        ":5": "malformed file",
        ":6": "invalid argument",
        **{f":{row}": "input/output error" for row in range(7, 13)},
        **{f":{row}": "not found" for row in range(13, 16)},
    }
    assert [each.row for each in found.samples] == list(range(len(paths)))


def test_pages_that_were_flipped(folder: Folder) -> None:
    pictures = [b"%04d" % n + os.urandom(996) for n in range(300)]
    data = bytearray(
        parquet(
            {"jpg": pictures},
            100,
            use_dictionary=False,
            data_page_size=10_000,
            write_batch_size=1,
        )
    )
    # In the middle of a page: the header of one has its first and last picture, too.
    data[data.index(pictures[155]) + 500] ^= 1
    found = read(folder, bytes(data), row_groups=(0, 1, 2))
    read_rows = [each.row for each in found.samples]
    lost = sorted(set(range(300)) - set(read_rows))
    # What stands before the page, and all of the other row groups. Pages have ten rows or a few more.
    assert 140 <= lost[0] <= 155 and lost == list(range(lost[0], 200))
    assert [each.data for each in found.samples] == [pictures[row] for row in read_rows]
    (damage,) = found.damage
    assert damage.where == "row group 1"
    assert damage.reason.startswith(f"{len(lost)} of its 100 rows cannot be read: ")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100, parquet({"jpg": [b"x"]})[:-6]])
def test_files_without_a_footer(folder: Folder, data: bytes) -> None:
    found = read(folder, data, ReadOptions(keep=("caption",)), row_groups=())
    assert found.samples == [] and [each.where for each in found.damage] == ["footer"]
    assert [field.name for field in found.fields] == ["caption"]


def test_a_footer_with_names_that_are_no_text(folder: Folder) -> None:
    data = parquet({"jpg": [b"x"]}, store_schema=False).replace(b"jpg", b"j\xffg")
    found = read(folder, data, row_groups=(0,))
    assert found.samples == [] and [each.where for each in found.damage] == ["footer"]


def test_a_file_without_rows_is_whole(folder: Folder) -> None:
    data = parquet(pa.table({"jpg": pa.array([], pa.binary())}))
    found = read(folder, data, row_groups=())
    assert found.samples == [] and found.damage == []


def test_large_pictures_are_not_handed_on(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siglip.bulk.limits.MOST_PICTURE_BYTES", 2)
    found = read(folder, parquet({"jpg": [b"12", b"123"]}))
    assert found.pictures == {":0": b"12"} and found.errors == {":1": "limit exceeded"}
    assert found.samples[1].data is None


class Breaking(Location):
    """Delegates, until reading fails."""

    def __init__(self, location: Location, error: Exception, after: int) -> None:
        self._location = location
        self._error = error
        self._left = after
        self.uri = location.uri

    def open(self, entry: Entry) -> Any:
        outer = self
        stream = self._location.open(entry)

        class Stream(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return True

            def seek(self, place: int, whence: int = 0) -> int:
                return stream.seek(place, whence)

            def tell(self) -> int:
                return stream.tell()

            def read(self, size: int = -1) -> bytes:
                if outer._left == 0:
                    raise outer._error
                outer._left -= 1
                return stream.read(size)

        return Stream()

    def list(self, prefix: str = "") -> Any:
        return self._location.list(prefix)

    def entry(self, path: str) -> Entry | None:
        return self._location.entry(path)

    def read(self, path: str) -> bytes:
        raise self._error

    create = replace = delete = read  # type: ignore[assignment]


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("error", [TransportError("cut"), InputChanged("changed")])
def test_what_did_not_come_is_no_damage(folder: Folder, after: int, error: Exception) -> None:
    rows = [os.urandom(2_000_000) for _ in range(4)]
    entry = folder.add("a.parquet", parquet({"jpg": rows}, 2, use_dictionary=False))
    location = Breaking(folder.location, error, after)
    shard = folder.shard("parquet", entry, (0, 1))
    with pytest.raises(type(error)):
        Read(ParquetSamples(shard, ReadOptions(), location))


@pytest.mark.parametrize("part", ["footer", "rows"])
def test_what_did_not_come_counts_whatever_arrow_makes_of_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Arrow may have an exception of its own for one that came through it."""
    entry = folder.add("a.parquet", parquet({"jpg": [b"x"]}))
    location = Breaking(folder.location, TransportError("cut"), 0 if part == "footer" else 100)

    def fail(stream: Any) -> Any:
        with contextlib.suppress(TransportError):
            stream.read(1)
        raise pa.ArrowInvalid("something else")

    if part == "footer":
        monkeypatch.setattr("pyarrow.PythonFile", lambda stream, mode: fail(stream))
        with pytest.raises(TransportError):
            ParquetSamples(folder.shard("parquet", entry, (0,)), ReadOptions(), location)
        return
    reader = ParquetSamples(folder.shard("parquet", entry, (0,)), ReadOptions(), location)
    location._left = 0
    monkeypatch.setattr(reader, "_batches", lambda group: fail(reader._stream))
    with pytest.raises(TransportError):
        list(reader)


def test_pictures_that_did_not_come_are_no_rows(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.add("x.jpg", b"X")
    original = folder.location.entry

    def entry(path: str) -> Entry | None:
        if path == "x.jpg":
            raise TransportError("503")
        return original(path)

    monkeypatch.setattr(folder.location, "entry", entry)
    with pytest.raises(TransportError):
        read(folder, parquet({"path": ["x.jpg"]}))


def test_a_row_group_is_not_held_in_memory(folder: Folder) -> None:
    rows = [os.urandom(1 << 20) for _ in range(64)]
    entry = folder.add(
        "a.parquet", parquet({"jpg": rows}, 64, use_dictionary=False, write_batch_size=1)
    )
    del rows
    before = pa.total_allocated_bytes()
    most = 0
    with ParquetSamples(
        folder.shard("parquet", entry, (0,)), ReadOptions(), folder.location
    ) as reader:
        for _ in reader:
            most = max(most, pa.total_allocated_bytes() - before)
    assert 0 < most < 16 << 20
