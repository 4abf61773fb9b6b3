"""Where inputs and outputs lie: a folder, or a bucket and a prefix in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Entry:
    """A file or an object.

    Attributes
    ----------
    path : str
        Below the location, with "/" between names; bytes that are no UTF-8 as `os.fsdecode` has them.
    size : int
        In bytes.
    version : str
        What changes with the contents: the etag of an object, the time of change of a file in nanoseconds.
    modified : float or None
        When it was made, in seconds since 1970, where a listing tells. Says nothing of the contents.
    """

    path: str
    size: int
    version: str
    modified: float | None = field(default=None, compare=False)


class Location(ABC):
    """A folder, or a bucket and a prefix in it.

    Every method but `list` may be called from several threads. What may pass (time-outs, answers 429 and 5xx,
    connections that break) is tried again up to 5 times with growing pauses; after that, and for refusals that stay,
    `TransportError` names the address and the last reason. Missing objects raise `siglip.errors.NotFound`.

    Attributes
    ----------
    uri : str
        Absolute; of a folder its path, without a slash at its end.
    """

    uri: str

    @property
    def folder(self) -> Path | None:
        """Where it is a folder of this machine: the folder."""
        return None

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Entry]:
        """All files below the folder `prefix`, also of folders in it, in byte order of their paths. Hidden files and
        folders, whose names begin with ".", are passed over. Nothing where there is no such folder."""

    @abstractmethod
    def entry(self, path: str) -> Entry | None:
        """None where there is none."""

    @abstractmethod
    def read(self, path: str) -> bytes: ...

    @abstractmethod
    def open(self, entry: Entry) -> BinaryIO:
        """For reading from front to back or, by seek() and tell(), anywhere; `seekable()` is true. A connection that
        breaks is opened anew where it broke. Raises `InputChanged` when the file is not the one of `entry` (size,
        version), also where that shows only later."""

    @abstractmethod
    def create(self, path: str, body: bytes | memoryview) -> bool:
        """Makes a whole file at once, durably, if there is none: whoever sees it sees all of it. False, and nothing is
        changed, where there is one already."""

    @abstractmethod
    def replace(self, path: str, body: bytes | memoryview) -> None:
        """Makes or replaces a whole file at once, durably."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Also where there is none."""
