"""What a shard is read into: one sample for every picture met."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pyarrow as pa

from ..errors import SiglipError


@dataclass(frozen=True)
class ReadOptions:
    """What of the inputs is read.

    Attributes
    ----------
    image : tuple of str
        Of tars: the endings that are pictures, without dots, in lower case; empty: all that siglip decodes. Of Parquet:
        the column with pictures; empty: found by its name and type.
    key : str or None
        Of Parquet: the column with keys. None: "<shard id>:<row>".
    keep : tuple of str
        Further columns of Parquet, or members of tars by their ending, that become columns of the result.
    """

    image: tuple[str, ...] = ()
    key: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A picture met.

    Attributes
    ----------
    key : str
        Of a tar: folder and name up to the first dot; of Parquet: the column `key`, else "<shard id>:<row>"; of
        files: the path below the input. Bytes that are no UTF-8 are percent-encoded.
    row : int
        Its position in the shard, from 0.
    data : buffer or None
        The encoded picture. None where it could not be read.
    error : SiglipError or None
        Why there is no data, or why it must not be decoded: a picture that was cut, two pictures in one sample. Names
        the key, no path of this machine.
    kept : tuple
        The values of `SampleReader.kept_fields`.
    """

    key: str
    row: int
    data: bytes | memoryview | None
    error: SiglipError | None = None
    kept: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Damage:
    """A part of a shard that could not be read.

    Attributes
    ----------
    where : str
        "member 0012.jpg", "row group 3", "end".
    offset : int or None
        In bytes, where known.
    reason : str
        No path of this machine, no time.
    """

    where: str
    offset: int | None
    reason: str


class SampleReader(ABC):
    """Reads one shard from front to back in bounded memory. A context manager; iterated over once, by one thread.

    Raises `TransportError` and `InputChanged`: then there is no result. Everything else that is wrong with the input
    is a sample with an error or a damage.
    """

    #: Known before iterating.
    kept_fields: tuple[pa.Field, ...] = ()

    def __init__(self) -> None:
        #: Known after iterating.
        self.damage: list[Damage] = []
        self.duplicate_keys = 0

    @abstractmethod
    def __iter__(self) -> Iterator[Sample]: ...

    def close(self) -> None: ...

    def __enter__(self) -> SampleReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass
class KeyCounter:
    """Counts keys that came before."""

    seen: set[str] = field(default_factory=set)
    duplicates: int = 0

    def add(self, key: str) -> None:
        if key in self.seen:
            self.duplicates += 1
        self.seen.add(key)
