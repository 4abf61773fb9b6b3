"""Twenty shards that are damaged, or look so: every readable picture is there, every other one is named."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_inputs import PICTURES, Folder, Read, flip_byte, make_parquet, make_tar

from siglip.bulk.parquet_samples import ParquetSamples
from siglip.bulk.sample import ReadOptions
from siglip.bulk.tar_samples import TarSamples

BLOCK = 512
NAMES = ["a", "b", "c", "d"]
DATA = {name: file.read_bytes() for name, file in zip(NAMES, PICTURES, strict=False)}
MEMBERS = [
    ("a.jpg", DATA["a"]),
    ("a.json", b"{}"),
    ("b.jpg", DATA["b"]),
    ("c.jpg", DATA["c"]),
    ("d.jpg", DATA["d"]),
]


def blocks(size: int) -> int:
    return (size + BLOCK - 1) // BLOCK * BLOCK


def header_of(name: str) -> int:
    """Where the header of a member is, from the definition of the format."""
    place = 0
    for each, data in MEMBERS:
        if each == name:
            return place
        place += BLOCK + blocks(len(data))
    return place


TAR = make_tar(MEMBERS)
END = header_of("")
DATA_OF_C = header_of("c.jpg") + BLOCK
END_OF_C = DATA_OF_C + len(DATA["c"])


@dataclass(frozen=True)
class Faulty:
    """A tar, what can be read of it, which keys have an error, and where the damage is."""

    tar: bytes
    whole: list[str]
    errors: dict[str, str]
    where: str | None
    offset: int | None = None
    duplicates: int = 0


def cut(at: int, whole: str, where: str, *, cut_key: str | None = None) -> Faulty:
    errors = {} if cut_key is None else {cut_key: "malformed file"}
    offset = at
    if where == "header":
        offset = at // BLOCK * BLOCK
    return Faulty(TAR[:at], list(whole), errors, where, offset)


def bad_checksum() -> Faulty:
    tar = bytearray(TAR)
    tar[header_of("c.jpg") + 10] ^= 1
    return Faulty(bytes(tar), ["a", "b"], {}, "header", header_of("c.jpg"))


def lying_size() -> Faulty:
    """A header that is right in itself."""
    place = header_of("c.jpg")
    header = tarfile.TarInfo.frombuf(TAR[place : place + BLOCK], "utf-8", "strict")
    header.size = 100_000_000
    tar = TAR[:place] + header.tobuf(tarfile.USTAR_FORMAT) + TAR[place + BLOCK :]
    return Faulty(tar, ["a", "b"], {"c": "malformed file"}, "member c.jpg", len(TAR))


def sparse() -> Faulty:
    """As GNU tar writes a file with holes: the map in the header (old GNU format)."""
    header = tarfile.TarInfo("s.jpg")
    header.type = tarfile.GNUTYPE_SPARSE
    header.size = BLOCK  # of data in the tar
    raw = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    raw[386:398] = b"%011o\0" % 4096  # the data stand there in the file
    raw[398:410] = b"%011o\0" % BLOCK
    raw[483:495] = b"%011o\0" % (4096 + BLOCK)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    tar = TAR[: header_of("c.jpg")] + bytes(raw) + b"x" * BLOCK + TAR[header_of("c.jpg") :]
    return Faulty(tar, NAMES, {"s": "unsupported"}, None)


LONG = "folder/" * 40 + "n" * 120

TARS: dict[str, Callable[[], Faulty]] = {
    "cut in the first header": lambda: Faulty(TAR[:100], [], {}, "header", 0),
    "cut behind the first header": lambda: cut(BLOCK, "", "member a.jpg", cut_key="a"),
    "cut in the first picture": lambda: cut(BLOCK + 100, "", "member a.jpg", cut_key="a"),
    "cut before the last byte of a picture": lambda: cut(
        END_OF_C - 1, "ab", "member c.jpg", cut_key="c"
    ),
    "cut behind the last byte of a picture": lambda: cut(END_OF_C, "abc", "end"),
    "cut in the padding": lambda: cut(END_OF_C + 1, "abc", "end"),
    "cut in a header": lambda: cut(header_of("b.jpg") + 300, "a", "header"),
    "cut between two members": lambda: cut(header_of("d.jpg"), "abc", "end"),
    "cut in another member of a sample": lambda: cut(
        header_of("a.json") + BLOCK + 1, "a", "member a.json"
    ),
    "cut before the end marker": lambda: cut(END, "abcd", "end"),
    "cut in the first block of the end marker": lambda: cut(END + 100, "abcd", "header"),
    "cut between the blocks of the end marker": lambda: cut(END + BLOCK, "abcd", "end"),
    "zeros without an end": lambda: Faulty(
        TAR[: header_of("c.jpg")] + bytes(200_000), ["a", "b"], {}, "end", header_of("c.jpg")
    ),
    "bad checksum": bad_checksum,
    "lying size": lying_size,
    "duplicate key": lambda: Faulty(
        make_tar([*MEMBERS, ("b.jpg", DATA["b"])]), [*NAMES, "b"], {}, None, duplicates=1
    ),
    "split sample": lambda: Faulty(
        make_tar([*MEMBERS, ("b.json", b"{}")]), NAMES, {}, "member b.json", END
    ),
    "GNU long names": lambda: Faulty(
        make_tar([(LONG + ".jpg", DATA["a"]), *MEMBERS[2:]], tarfile.GNU_FORMAT),
        [LONG, "b", "c", "d"],
        {},
        None,
    ),
    "PAX": lambda: Faulty(
        make_tar([(LONG + "é.jpg", DATA["a"]), *MEMBERS[2:]], tarfile.PAX_FORMAT),
        [LONG + "é", "b", "c", "d"],
        {},
        None,
    ),
    "sparse": sparse,
    "empty": lambda: Faulty(b"", [], {}, "end", 0),
    "an end marker only": lambda: Faulty(make_tar([]), [], {}, None),
    "no tar": lambda: Faulty(DATA["a"], [], {}, "header", 0),
    "data behind the end": lambda: Faulty(TAR + TAR, NAMES, {}, "end", len(TAR)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "input")


@pytest.mark.parametrize("name", TARS)
def test_tars(folder: Folder, name: str) -> None:
    faulty = TARS[name]()
    shard = folder.shard("tar", folder.add("a.tar", faulty.tar))
    found = Read(TarSamples(shard, ReadOptions(), folder.location))
    assert [each.key for each in found.samples if each.error is None] == faulty.whole
    for key, data in found.pictures.items():
        original = "a" if key.startswith(LONG) else key
        assert data == DATA[original]
    assert found.errors == faulty.errors
    assert [each.row for each in found.samples] == list(range(len(found.samples)))
    told = [(each.where, each.offset) for each in found.damage]
    assert told == ([] if faulty.where is None else [(faulty.where, faulty.offset)])
    assert found.duplicate_keys == faulty.duplicates
    for reason in [each.reason for each in found.damage]:
        assert reason and str(folder.path) not in reason


def test_a_tar_cut_anywhere(folder: Folder) -> None:
    """Whatever the place: what is whole is read, what is cut is named, and the tar is damaged."""
    for at in range(0, END + 2 * BLOCK, 331):
        shard = folder.shard("tar", folder.add("a.tar", TAR[:at]))
        found = Read(TarSamples(shard, ReadOptions(), folder.location))
        headers = {name: header_of(f"{name}.jpg") for name in NAMES}
        ends = {name: place + BLOCK + len(DATA[name]) for name, place in headers.items()}
        assert list(found.pictures) == [name for name in NAMES if ends[name] <= at]
        assert list(found.errors) == [
            name for name in NAMES if headers[name] + BLOCK <= at < ends[name]
        ]
        assert len(found.damage) == 1


def parquet() -> bytes:
    return make_parquet({"jpg": list(DATA.values()), "key": list(DATA)})


def test_parquet_with_a_flipped_byte(folder: Folder) -> None:
    data = flip_byte(parquet(), DATA["b"], DATA["c"])
    shard = folder.shard("parquet", folder.add("a.parquet", data), (0, 1))
    found = Read(ParquetSamples(shard, ReadOptions(key="key"), folder.location))
    assert found.pictures == {name: DATA[name] for name in "acd"}
    assert [(each.key, each.row) for each in found.samples] == [("a", 0), ("c", 2), ("d", 3)]
    (damage,) = found.damage
    assert damage.where == "row group 0" and damage.reason.startswith("1 of its 2 rows")


def test_parquet_without_a_footer(folder: Folder) -> None:
    data = parquet()
    for at in (len(data) - 1, len(data) - 8, len(data) // 2, 4, 0):
        shard = folder.shard("parquet", folder.add("a.parquet", data[:at]))
        found = Read(ParquetSamples(shard, ReadOptions(key="key"), folder.location))
        assert found.samples == [] and [each.where for each in found.damage] == ["footer"]
