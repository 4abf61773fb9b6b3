"""The unit of a job: what is read in one go and becomes one Parquet object."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from .location import Entry

ShardKind = Literal["tar", "parquet", "files"]


@dataclass(frozen=True)
class Shard:
    """A row of plan.parquet.

    Attributes
    ----------
    number : int
        Its place in the plan; kept when inputs are added and the job is planned again.
    input : int
        Which of the job's inputs it is of, from 0.
    kind : "tar", "parquet" or "files"
    source : Entry or None
        The tar or the Parquet file, below its input. None of files.
    row_groups : tuple of int
        Of a Parquet file: those that belong to the shard, in order.
    files : tuple of Entry
        Of files: in byte order of their paths, which lie below the input.
    size : int
        Bytes to read, about.
    rows : int or None
        How many pictures there are to meet, where that is known before reading.
    """

    number: int
    input: int
    kind: ShardKind
    source: Entry | None
    row_groups: tuple[int, ...]
    files: tuple[Entry, ...]
    size: int
    rows: int | None

    @property
    def id(self) -> str:
        """16 hexadecimal digits: the first of the SHA-256 of what identifies the input, never of what it is called
        elsewhere or where the job lies."""
        if self.source is not None:
            identity: list[object] = [*_identity(self.source), *self.row_groups]
        else:
            identity = [_identity(file) for file in self.files]
        return hashlib.sha256(json.dumps([self.kind, identity]).encode()).hexdigest()[:16]


def _identity(entry: Entry) -> list[object]:
    return [entry.path.encode("utf-8", "surrogateescape").hex(), entry.size, entry.version]
