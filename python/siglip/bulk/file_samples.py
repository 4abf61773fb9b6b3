"""Pictures that are files or objects of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ..errors import NotFound, SiglipError
from .errors import InputChanged
from .keys import key_of
from .limits import check_size
from .location import Entry, Location
from .read_ahead import read_ahead
from .sample import ReadOptions, Sample, SampleReader
from .shard import Shard
from .tar_headers import read_exactly


class FileSamples(SampleReader):
    """Keys are the paths below the input. Columns of `options.keep` are null.

    Raises
    ------
    InputChanged
        While iterating: for a file that has gone, or is not what it was when the job was planned.
    TransportError
        While iterating.
    """

    def __init__(self, shard: Shard, options: ReadOptions, location: Location) -> None:
        super().__init__()
        self.kept_fields = tuple(pa.field(name, pa.string()) for name in options.keep)
        self._files = shard.files
        self._location = location

    def __iter__(self) -> Iterator[Sample]:
        nothing = (None,) * len(self.kept_fields)
        results = read_ahead(iter(self._files), self._read, lambda file: file.size)
        for row, (key, data, error) in enumerate(results):
            yield Sample(key, row, data, error, nothing)

    def _read(self, file: Entry) -> tuple[str, bytes | None, SiglipError | None]:
        key = key_of(file.path)
        try:
            return (key, *read_picture(self._location, file, key))
        except NotFound as error:
            raise InputChanged(
                f"{key}: was there when the job was planned, and is no more", "plan the job again"
            ) from error


def read_picture(
    location: Location, entry: Entry, key: str
) -> tuple[bytes | None, SiglipError | None]:
    """The contents, or why they must not be decoded, or both.

    Raises
    ------
    NotFound, InputChanged, TransportError
    """
    error = check_size(key, entry.size)
    if entry.size and error is not None:
        return None, error
    with location.open(entry) as stream:
        data = read_exactly(stream, entry.size)
        if len(data) != entry.size or stream.read(1):
            raise InputChanged(
                f"{key}: has not the {entry.size} bytes that it had when it was found",
                "plan the job again",
            )
    return data, error
