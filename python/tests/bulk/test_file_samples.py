"""Files into samples."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from made_inputs import Folder, Read

from siglip.bulk.errors import InputChanged
from siglip.bulk.file_samples import FileSamples
from siglip.bulk.limits import AHEAD_BYTES
from siglip.bulk.location import Entry
from siglip.bulk.read_ahead import read_ahead
from siglip.bulk.sample import ReadOptions


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "input")


def read(folder: Folder, files: list[Entry], options: ReadOptions | None = None) -> Read:
    shard = folder.shard("files", files=files)
    return Read(FileSamples(shard, options or ReadOptions(), folder.location))


def test_files_in_order(folder: Folder) -> None:
    files = [folder.add(f"sub/{n:03d}.jpg", b"%d" % n) for n in range(100)]
    found = read(folder, files, ReadOptions(keep=("json",)))
    assert [(s.key, s.row, s.data, s.kept) for s in found.samples] == [
        (f"sub/{n:03d}.jpg", n, b"%d" % n, (None,)) for n in range(100)
    ]
    assert found.damage == [] and [field.name for field in found.fields] == ["json"]


def test_names_that_are_no_text(folder: Folder) -> None:
    found = read(folder, [folder.add(os.fsdecode(b"caf\xe9.jpg"), b"x")])
    assert found.pictures == {"caf%E9.jpg": b"x"}


def test_empty_and_large_files(folder: Folder) -> None:
    large = folder.add("large.jpg", b"")
    os.truncate(folder.path / "large.jpg", (256 << 20) + 1)  # a hole
    large_entry = folder.location.entry(large.path)
    assert large_entry is not None
    found = read(folder, [folder.add("empty.jpg", b""), large_entry, folder.add("ok.jpg", b"x")])
    assert found.errors == {"empty.jpg": "malformed file", "large.jpg": "limit exceeded"}
    assert found.pictures == {"ok.jpg": b"x"}


@pytest.mark.parametrize("change", ["larger", "touched", "removed"])
def test_files_that_changed(folder: Folder, change: str) -> None:
    files = [folder.add("a.jpg", b"x"), folder.add("b.jpg", b"x")]
    file = folder.path / "b.jpg"
    if change == "larger":
        file.write_bytes(b"xy")
    elif change == "touched":
        os.utime(file, ns=(1, 1))
    else:
        file.unlink()
    with pytest.raises(InputChanged):
        read(folder, files)


def test_reading_ahead_keeps_order_and_bounds() -> None:
    under_way: set[int] = set()
    most = 0
    lock = threading.Lock()
    size = AHEAD_BYTES // 4

    def work(number: int) -> int:
        nonlocal most
        with lock:
            under_way.add(number)
            most = max(most, len(under_way))
        time.sleep(0.002 * (number % 3))
        with lock:
            under_way.remove(number)
        return number

    assert list(read_ahead(iter(range(50)), work, lambda _: size)) == list(range(50))
    assert 2 <= most <= 4


def test_reading_ahead_stops_when_nobody_reads_on() -> None:
    done: list[int] = []
    results = read_ahead(iter(range(1000)), done.append, lambda _: 1)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(done) <= 17
