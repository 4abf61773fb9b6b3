"""Walks through the headers of a tar, with Python's reader of them, which alone would be silent about damage."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from ..errors import SiglipError
from .keys import key_of
from .sample import Damage

BLOCK = 512
_RECORD = 10_240
# What the headers of one member may need: long names, sparse maps. Python reads them into memory.
_MOST_HEADER_BYTES = 1 << 20
_PIECE = 1 << 20


@dataclass(frozen=True)
class Member:
    """Attributes
    ----------
    name : str
        Bytes that are no UTF-8 as `os.fsdecode` has them.
    offset : int
        Of its first header.
    data : int
        Of its contents.
    size : int
        Of its contents, as the header says: the tar may end before.
    obstacle : str
        Why its contents cannot be had: "a link", ...; empty for a plain file.
    """

    name: str
    offset: int
    data: int
    size: int
    obstacle: str


class TarHeaders:
    """The members of a tar that are files or links, in their order, up to its end or the first damage.

    Parameters
    ----------
    stream : binary file
        May be moved between two members.
    size : int
        Of the tar.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        #: None: the tar is whole, as far as was iterated.
        self.damage: Damage | None = None

    def __iter__(self) -> Iterator[Member]:
        limited = _Limited(self._stream)
        archive = _Archive(fileobj=cast(Any, limited), encoding="utf-8")
        place = 0
        while True:
            limited.allow(_MOST_HEADER_BYTES)
            self._stream.seek(place)
            archive.offset = place
            try:
                header = tarfile.TarInfo.fromtarfile(archive)
            except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
                self.damage = self._damage_of_end(place)
                return
            except SiglipError:
                raise
            except (
                tarfile.TarError,
                ArithmeticError,
                LookupError,
                RecursionError,
                ValueError,
            ) as error:
                self.damage = self._damage_of_header(place, error)
                return
            name = f"member {key_of(header.name)}"
            if header.size < 0 or archive.offset < header.offset_data:
                self.damage = Damage(name, place, f"its header says a size of {header.size} bytes")
                return
            after = archive.offset
            if not header.isdir() and not header.isdev():
                yield Member(
                    header.name, place, header.offset_data, header.size, _obstacle_of(header)
                )
            data = 0 if after == header.offset_data else header.size
            if header.issparse():
                data = after - header.offset_data
            if header.offset_data + data > self._size:
                self.damage = Damage(
                    name,
                    self._size,
                    f"the tar ends within it: {self._size - header.offset_data} of {data} bytes "
                    "are there",
                )
                return
            if after > self._size:
                self.damage = Damage("end", self._size, "the tar ends within a block of 512 bytes")
                return
            place = after

    def _damage_of_header(self, place: int, error: Exception) -> Damage:
        if self._size == 0:
            return Damage("end", 0, "the file is empty")
        if place == self._size:
            return Damage("end", place, "the end marker is missing: the tar was cut")
        if self._size - place < BLOCK:
            return Damage("header", place, "the tar ends within it")
        what = "the file is no tar" if place == 0 else "it is damaged, what follows cannot be read"
        return Damage("header", place, f"{what}: {error or type(error).__name__}")

    def _damage_of_end(self, place: int) -> Damage | None:
        """What is wrong with the blocks of zeros at an end."""
        self._stream.seek(place)
        at = place
        while at < self._size:
            piece = self._stream.read(min(_PIECE, self._size - at))
            if not piece:
                break
            data = len(piece) - len(piece.lstrip(b"\0"))
            if data < len(piece):
                at += data
                if at - place < 2 * BLOCK:
                    return Damage("header", place, "zeros stand there, what follows cannot be read")
                return Damage("end", at, "data follow the end marker; they were not read")
            at += len(piece)
            if at - place > _RECORD + 2 * BLOCK:
                return Damage(
                    "end",
                    place,
                    "more zeros follow than a record has: what was there may not have been written",
                )
        if at - place < 2 * BLOCK:
            return Damage("end", at, "the end marker is cut")
        return None


class _Archive(tarfile.TarFile):
    """Hands out header by header. Its constructor reads nothing."""

    def next(self) -> tarfile.TarInfo | None:
        return None


class _Limited:
    """A file of which no more than was allowed is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0

    def allow(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self._left:
            raise tarfile.ReadError(f"headers of more than {_MOST_HEADER_BYTES} bytes")
        self._left -= size
        return read_exactly(self._stream, size)

    def seek(self, place: int) -> int:
        return self._stream.seek(place)

    def tell(self) -> int:
        return self._stream.tell()


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Less only where the file ends."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    pieces = [data]
    left = size - len(data)
    while left and (data := stream.read(left)):
        pieces.append(data)
        left -= len(data)
    return b"".join(pieces)


def _obstacle_of(header: tarfile.TarInfo) -> str:
    if header.islnk() or header.issym():
        return "it is a link to another member"
    if header.issparse():
        return "it is a sparse file"
    if header.isreg():
        return ""
    return f"it is of type {header.type!r}"
