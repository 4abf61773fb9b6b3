"""A remote file as a file of Python: fetched in pieces that grow, one of them ahead."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from .retries import Background, interruptible

FIRST_PIECE = 256 << 10  # bytes: what looking up one thing costs
LARGEST_PIECE = 8 << 20
GROWTH = 4
_BUFFER = 64 << 10


def read_in_pieces(size: int, fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """A file of `size` bytes that can be read from front to back and anywhere.

    Parameters
    ----------
    fetch : callable
        Takes the first byte and the one past the last; gives exactly these bytes, or raises. Called
        from any thread.
    """
    return io.BufferedReader(_PieceReader(size, fetch), _BUFFER)


class _PieceReader(io.RawIOBase):
    """Holds at most one piece and the one after it. Reading on from the end of a piece makes the
    next one larger; reading elsewhere makes them small again."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._position = 0
        self._start = 0  # of the piece
        self._piece = b""
        self._length = FIRST_PIECE
        self._ahead: Background[bytes] | None = None  # begins where the piece ends

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._position >= self._size or not len(buffer):
            return 0
        if not self._start <= self._position < self._start + len(self._piece):
            self._load(len(buffer))
        offset = self._position - self._start
        part = memoryview(self._piece)[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def close(self) -> None:
        self._piece = b""
        self._ahead = None
        super().close()

    def _load(self, wanted: int) -> None:
        start = self._position
        reads_on = start > 0 and start == self._start + len(self._piece)
        ahead, self._ahead = self._ahead, None
        if reads_on:
            self._length = min(self._length * GROWTH, LARGEST_PIECE)
        else:
            self._length = FIRST_PIECE
        self._piece = b""  # before the next one is there, for the sake of memory
        if reads_on and ahead is not None:
            self._piece = ahead.result()
        else:
            end = min(self._size, start + max(wanted, self._length))
            self._piece = interruptible(lambda: self._fetch(start, end))
        self._start = start
        next_start = start + len(self._piece)
        if reads_on and next_start < self._size:
            next_end = min(self._size, next_start + self._length)
            self._ahead = Background(lambda: self._fetch(next_start, next_end))
