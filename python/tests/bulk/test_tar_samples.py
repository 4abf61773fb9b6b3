"""Tars into samples: grouping, names, and what cannot be read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_inputs import Folder, Read, make_tar

from siglip.bulk.errors import InputChanged
from siglip.bulk.sample import ReadOptions
from siglip.bulk.tar_samples import TarSamples, split_name


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def read(folder: Folder, tar: bytes, options: ReadOptions | None = None) -> Read:
    shard = folder.shard("tar", folder.add("a.tar", tar))
    return Read(TarSamples(shard, options or ReadOptions(), folder.location))


def special(name: str, type: bytes, target: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type = type
    header.linkname = target
    return header


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The examples of the WebDataset format: the first dot of the last component ends the key.
        ("0001.jpg", ("0001", "jpg")),
        ("images17/image194.left.jpg", ("images17/image194", "left.jpg")),
        ("./a.b/c.JPG", ("./a.b/c", "jpg")),
        ("readme", ("readme", "")),
        ("a/.hidden.jpg", ("a/.hidden.jpg", "")),
        (".git/a.jpg", (".git/a.jpg", "")),
    ],
)
def test_names(name: str, expected: tuple[str, str]) -> None:
    assert split_name(name) == expected


def test_samples_in_order(folder: Folder) -> None:
    tar = make_tar([("b.jpg", b"B"), ("b.json", b"{}"), ("a.cls", b"3"), ("a.PNG", b"A")])
    found = read(folder, tar, ReadOptions(keep=("json", "cls")))
    assert [(s.key, s.row, s.data, s.kept) for s in found.samples] == [
        ("b", 0, b"B", ("{}", None)),
        ("a", 1, b"A", (None, "3")),
    ]
    assert [field.name for field in found.fields] == ["json", "cls"]
    assert found.damage == [] and found.duplicate_keys == 0


def test_kept_bytes_that_are_no_text_are_percent_encoded(folder: Folder) -> None:
    tar = make_tar([("a.jpg", b"A"), ("a.txt", b"caf\xe9 \xc3\xa9")])
    (sample,) = read(folder, tar, ReadOptions(keep=("txt",))).samples
    assert sample.kept == ("caf%E9 é",)


def test_names_that_are_no_text_are_percent_encoded(folder: Folder) -> None:
    tar = make_tar([("caf\udce9.jpg", b"A")], tarfile.PAX_FORMAT)
    assert b"hdrcharset=BINARY" in tar
    assert read(folder, tar).pictures == {"caf%E9": b"A"}


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(folder: Folder, format: int) -> None:
    stem = "folder/" * 40 + "picture-é" + "x" * 150
    tar = make_tar([(stem + ".jpg", b"A"), (stem + ".txt", b"t"), ("b.jpg", b"B")], format)
    found = read(folder, tar, ReadOptions(keep=("txt",)))
    assert [(s.key, s.data, s.kept) for s in found.samples] == [
        (stem, b"A", ("t",)),
        ("b", b"B", (None,)),
    ]
    assert found.damage == []


def test_files_without_pictures_are_passed_over(folder: Folder) -> None:
    tar = make_tar(
        [("readme", b"x"), ("a.txt", b"x"), ("._b.jpg", b"mac"), ("b.jpg", b"B"), ("c.mp3", b"x")]
    )
    found = read(folder, tar)
    assert found.pictures == {"b": b"B"} and found.errors == {} and found.damage == []


def test_folders_and_devices_are_passed_over(folder: Folder) -> None:
    tar = make_tar(
        [
            (special("f.jpg", tarfile.DIRTYPE), b""),
            (special("d.jpg", tarfile.CHRTYPE), b""),
            (special("p.jpg", tarfile.FIFOTYPE), b""),
            ("f.jpg/a.jpg", b"A"),
        ]
    )
    found = read(folder, tar)
    assert found.pictures == {"f.jpg/a": b"A"} and found.errors == {}


def test_links_are_rows(folder: Folder) -> None:
    tar = make_tar(
        [
            ("a.jpg", b"A"),
            (special("b.jpg", tarfile.LNKTYPE, "a.jpg"), b""),
            (special("c.jpg", tarfile.SYMTYPE, "/etc/passwd"), b""),
            (special("d.txt", tarfile.SYMTYPE, "a.txt"), b""),
        ]
    )
    found = read(folder, tar)
    assert found.pictures == {"a": b"A"}
    assert found.errors == {"b": "unsupported", "c": "unsupported"}


def test_empty_pictures(folder: Folder) -> None:
    found = read(folder, make_tar([("a.jpg", b""), ("b.jpg", b"B")]))
    assert found.errors == {"a": "malformed file"} and found.pictures == {"b": b"B"}


def test_two_pictures_in_one_sample(folder: Folder) -> None:
    tar = make_tar([("a.jpg", b"J"), ("a.seg.png", b"S"), ("a.png", b"P"), ("b.png", b"B")])
    plain = read(folder, tar)
    assert plain.errors == {"a": "invalid argument"} and plain.pictures == {"b": b"B"}
    assert plain.samples[0].data is None
    chosen = read(folder, tar, ReadOptions(image=("jpg", "png")))
    assert chosen.pictures == {"a": b"J", "b": b"B"}
    assert read(folder, tar, ReadOptions(image=("png", "jpg"))).pictures == {"a": b"P", "b": b"B"}
    assert read(folder, tar, ReadOptions(image=("seg.png",))).pictures == {"a": b"S"}
    # "png" is a.png, which is called so, before a.seg.png, which only ends so.
    masks = make_tar([("c.1.png", b"1"), ("c.2.png", b"2")])
    assert read(folder, masks, ReadOptions(image=("png",))).errors == {"c": "invalid argument"}


def test_duplicate_keys_are_kept_and_counted(folder: Folder) -> None:
    tar = make_tar([("a.jpg", b"1"), ("a.jpg", b"2"), ("b.jpg", b"B"), ("a.png", b"3")])
    found = read(folder, tar)
    assert [(s.key, s.row, s.data) for s in found.samples] == [
        ("a", 0, b"1"),
        ("a", 1, b"2"),
        ("b", 2, b"B"),
        ("a", 3, b"3"),
    ]
    assert found.duplicate_keys == 2 and found.damage == []


def test_split_samples_are_damage(folder: Folder) -> None:
    tar = make_tar([("a.jpg", b"A"), ("b.jpg", b"B"), ("b.txt", b"b"), ("a.txt", b"a")])
    found = read(folder, tar, ReadOptions(keep=("txt",)))
    assert [(s.key, s.kept) for s in found.samples] == [("a", (None,)), ("b", ("b",))]
    (damage,) = found.damage
    # The fourth member: each before has a block of header and one of data.
    assert damage.where == "member a.txt" and damage.offset == 3 * 1024


def test_pictures_far_from_their_sample_are_damage_too(folder: Folder) -> None:
    found = read(folder, make_tar([("a.txt", b"a"), ("b.jpg", b"B"), ("a.jpg", b"A")]))
    assert found.pictures == {"b": b"B", "a": b"A"}
    assert [damage.where for damage in found.damage] == ["member a.jpg"]


def test_many_split_samples_stay_a_short_list(folder: Folder) -> None:
    names = [f"{number:03d}" for number in range(100)]
    members = [(f"{name}.jpg", b"x") for name in names] + [(f"{name}.txt", b"") for name in names]
    found = read(folder, make_tar(members))
    assert len(found.samples) == 100 and len(found.damage) == 17
    assert found.damage[-1].reason.startswith("84 further members")


def test_large_kept_members_are_damage(folder: Folder) -> None:
    tar = make_tar([("a.jpg", b"A"), ("a.txt", b"x" * ((1 << 20) + 1))])
    found = read(folder, tar, ReadOptions(keep=("txt",)))
    assert found.samples[0].kept == (None,) and found.samples[0].data == b"A"
    assert [damage.where for damage in found.damage] == ["member a.txt"]


def test_pictures_over_the_limit_are_not_read(folder: Folder) -> None:
    size = (256 << 20) + 1
    header = tarfile.TarInfo("a.jpg")
    header.size = size
    with open(folder.path / "a.tar", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.seek(512 + (256 << 20) + 512)  # a hole: takes no room on the disk
        file.write(make_tar([("b.jpg", b"B")]))
    entry = folder.location.entry("a.tar")
    assert entry is not None
    found = Read(TarSamples(folder.shard("tar", entry), ReadOptions(), folder.location))
    assert found.errors == {"a": "limit exceeded"} and found.pictures == {"b": b"B"}


def test_headers_over_the_limit_are_damage(folder: Folder) -> None:
    large = tarfile.TarInfo("b.jpg")
    large.pax_headers = {"comment": "x" * (2 << 20)}
    tar = make_tar([("a.jpg", b"A"), (large, b"B")], tarfile.PAX_FORMAT)
    found = read(folder, tar)
    assert found.pictures == {"a": b"A"}
    assert [(damage.where, damage.offset) for damage in found.damage] == [("header", 1024)]


@pytest.mark.parametrize("size", [-1, -512, -100_000])
def test_negative_sizes_are_damage(folder: Folder, size: int) -> None:
    header = bytearray(make_tar([("b.jpg", b"B")])[:512])
    header[124:136] = (size + (256**12)).to_bytes(12, "big")
    tar = make_tar([("a.jpg", b"A")])[:1024] + with_checksum(header) + bytes(1024)
    found = read(folder, tar)
    assert found.pictures == {"a": b"A"} and len(found.damage) == 1


def test_an_input_that_changed(folder: Folder) -> None:
    entry = folder.add("a.tar", make_tar([("a.jpg", b"A")]))
    folder.add("a.tar", make_tar([("a.jpg", b"A"), ("b.jpg", b"x" * 20_000)]))
    with pytest.raises(InputChanged):
        Read(TarSamples(folder.shard("tar", entry), ReadOptions(), folder.location))


def test_an_input_that_shrinks_meanwhile(folder: Folder) -> None:
    entry = folder.add("a.tar", make_tar([(f"{n}.jpg", bytes(3 << 20)) for n in range(3)]))
    reader = TarSamples(folder.shard("tar", entry), ReadOptions(), folder.location)
    samples = iter(reader)
    next(samples)
    with open(folder.path / "a.tar", "r+b") as file:
        file.truncate(4 << 20)
    with pytest.raises(InputChanged):
        list(samples)


def test_a_stream_that_ends_early(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = make_tar([("a.jpg", b"A" * 5000)])
    entry = folder.add("a.tar", tar)
    monkeypatch.setattr(folder.location, "open", lambda _: io.BytesIO(tar[:2000]))
    with pytest.raises(InputChanged):
        Read(TarSamples(folder.shard("tar", entry), ReadOptions(), folder.location))


def with_checksum(header: bytearray) -> bytes:
    """A header of 512 bytes whose sum is right, as POSIX defines it."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_memory_does_not_grow_with_members(folder: Folder) -> None:
    """Pictures that are passed on are not held."""
    import tracemalloc

    members: Sequence[tuple[str, bytes]] = [(f"{n}.jpg", bytes(1 << 20)) for n in range(40)]
    entry = folder.add("a.tar", make_tar(members))
    del members
    reader = TarSamples(folder.shard("tar", entry), ReadOptions(), folder.location)
    tracemalloc.start()
    with reader:
        count = sum(1 for _ in reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40 and peak < 8 << 20


def test_streams_that_give_less_than_asked_for(folder: Folder) -> None:
    """As a raw stream may."""
    from siglip.bulk.tar_headers import read_exactly

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    assert read_exactly(Slow(bytes(range(100))), 50) == bytes(range(50))
    assert read_exactly(Slow(b"abc"), 50) == b"abc"
