"""Pictures of row groups of a Parquet file: bytes in a column, or paths."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InvalidArgument, IOFailure, MalformedFile, NotFound, SiglipError
from .file_samples import read_picture
from .keys import key_of
from .limits import check_size
from .location import Entry, Location
from .parquet_columns import choose_columns, is_bytes, is_text
from .read_ahead import read_ahead
from .sample import Damage, KeyCounter, ReadOptions, Sample, SampleReader
from .shard import Shard

# What Arrow raises for files that break the rules; ValueError for names that are no text.
_ARROW_ERRORS = (pa.ArrowException, OSError, ValueError)
# Of what is read from a column chunk at a time.
_BUFFER_BYTES = 1 << 20
# Longer ones no file system, or no object store, has.
_MOST_PATH = 1024
_MOST_NAME = 255
# What a picture is taken for that only its path is known of.
_TYPICAL_BYTES = 4 << 20


class ParquetSamples(SampleReader):
    """Rows keep their position where those before them could not be read. Paths are relative to the folder of the
    file, or absolute and below the input; a file that is not there is its row's error.

    Raises
    ------
    InvalidArgument
        For a file without the columns that `options` name.
    InputChanged, TransportError
        Also while iterating.
    """

    def __init__(self, shard: Shard, options: ReadOptions, location: Location) -> None:
        super().__init__()
        assert shard.source is not None
        self._shard = shard
        self._location = location
        self._folder = posixpath.dirname(shard.source.path)
        self._stream = _Watched(location.open(shard.source))
        self._keys = KeyCounter()
        self._file: pq.ParquetFile | None = None
        self.kept_fields = tuple(pa.field(name, pa.string()) for name in options.keep)
        try:
            self._file = open_parquet(self._stream)
        except MalformedFile as error:
            self._stream.check()
            self.damage.append(Damage("footer", None, error.message))
            return
        name = key_of(shard.source.path)
        self._columns = choose_columns(self._file.schema_arrow, options, name)
        self.kept_fields = self._columns.keep

    def __iter__(self) -> Iterator[Sample]:
        if self._file is None:
            return
        for sample in read_ahead(self._rows(), self._finish, lambda row: row.size):
            if self._columns.key is not None:
                self._keys.add(sample.key)
            yield sample
        self.duplicate_keys = self._keys.duplicates

    def close(self) -> None:
        self._stream.close()

    def _rows(self) -> Iterator[_Row]:
        """All rows that can be read; paths are not followed yet."""
        assert self._file is not None
        first = 0
        for group in self._shard.row_groups:
            expected = self._file.metadata.row_group(group).num_rows
            done = 0
            try:
                for batch in self._batches(group):
                    yield self._row(batch, first + done)
                    done += 1
            except SiglipError:
                raise
            except _ARROW_ERRORS as error:
                self._stream.check()
                self._tell(group, done, expected, _reason(error))
            else:
                if done != expected:
                    self._tell(group, done, expected, "it ends")
            first += expected

    def _batches(self, group: int) -> Iterator[pa.RecordBatch]:
        # Row by row, which costs microseconds: nothing bounds how large a row is, and what
        # stands before a damaged page is read.
        assert self._file is not None
        return iter(
            self._file.iter_batches(
                batch_size=1, row_groups=[group], columns=self._columns.names, use_threads=False
            )
        )

    def _tell(self, group: int, done: int, expected: int, reason: str) -> None:
        where = f"row group {group}"
        self.damage.append(
            Damage(
                where, None, f"{expected - done} of its {expected} rows cannot be read: {reason}"
            )
        )

    def _row(self, batch: pa.RecordBatch, row: int) -> _Row:
        columns = self._columns
        key = f"{self._shard.id}:{row}"
        if columns.key is not None:
            key = _key_of(_scalar(batch, columns.key), key)
        kept = tuple(_kept_value(_scalar(batch, field.name), field.type) for field in columns.keep)
        data, path = self._picture(_scalar(batch, columns.image))
        return _Row(key, row, kept, data, path)

    def _picture(self, value: pa.Scalar) -> tuple[memoryview | None, str | None]:
        """Contents, or a path."""
        if not value.is_valid:
            return None, None
        if self._columns.kind == "path":
            return None, _path_of(value)
        if self._columns.kind == "bytes":
            return _view_of(value), None
        data = _plain_scalar(value["bytes"])
        if data.is_valid:
            return _view_of(data), None
        if value.type.get_field_index("path") < 0:
            return None, None
        path = _plain_scalar(value["path"])
        return None, _path_of(path) if path.is_valid and is_text(path.type) else None

    def _finish(self, row: _Row) -> Sample:
        data: bytes | memoryview | None = row.data
        error: SiglipError | None
        if row.path is not None:
            data, error = self._follow(row.path, row.key)
        elif data is None:
            error = InvalidArgument(f"{row.key}: there is no picture: it is null")
        else:
            error = check_size(row.key, len(data))
            if len(data) and error is not None:
                data = None
        return Sample(row.key, row.row, data, error, row.kept)

    def _follow(self, path: str, key: str) -> tuple[bytes | None, SiglipError | None]:
        try:
            entry = self._entry(path, key)
            return read_picture(self._location, entry, key)
        except NotFound:
            return None, NotFound(f"{key}: there is no file {path}")
        except _Refused as error:
            return None, IOFailure(f"{key}: {error}")

    def _entry(self, path: str, key: str) -> Entry:
        entry = self._location.entry(self._below_input(path))
        if entry is None:
            raise NotFound(f"{key}: there is no file {path}")
        return entry

    def _below_input(self, path: str) -> str:
        longest = max(len(part.encode("utf-8", "surrogateescape")) for part in path.split("/"))
        if len(path) > _MOST_PATH or longest > _MOST_NAME:
            raise _Refused(f"a path of {len(path)} characters is not followed")
        if "\0" in path or ".." in path.split("/"):
            raise _Refused(f"a path with .. or a NUL is not followed: {path!r}")
        root = self._location.uri.rstrip("/") + "/"
        if path.startswith("file://"):
            path = unquote(urlsplit(path).path)
        if path.startswith("/") or "://" in path:
            if not path.startswith(root):
                raise _Refused(f"{path} is not below the input, and is not read")
            below = path[len(root) :]
        else:
            below = posixpath.join(self._folder, path)
        below = posixpath.normpath(below)
        if below == "." or below.startswith("/"):
            raise _Refused(f"{path!r} is no file")
        return below


@dataclass(frozen=True)
class _Row:
    key: str
    row: int
    kept: tuple[Any, ...]
    data: memoryview | None
    path: str | None

    @property
    def size(self) -> int:
        if self.path is not None:
            return _TYPICAL_BYTES
        return 0 if self.data is None else len(self.data)


class _Refused(Exception):
    """A path that is not followed."""


class _Watched:
    """A file that remembers what failed in it: Arrow may make another exception of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._failed: BaseException | None = None

    def check(self) -> None:
        """Raises what failed, if anything."""
        if self._failed is not None:
            raise self._failed

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except BaseException as error:
            self._failed = error
            raise

    def seek(self, place: int, whence: int = 0) -> int:
        try:
            return self._stream.seek(place, whence)
        except BaseException as error:
            self._failed = error
            raise

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def close(self) -> None:
        self._stream.close()


def open_parquet(stream: Any) -> pq.ParquetFile:
    """A Parquet file that is read in pieces, and whose pages are checked where they have sums.

    Raises
    ------
    MalformedFile
        For a file without a footer that can be read.
    """
    try:
        return pq.ParquetFile(
            pa.PythonFile(stream, mode="r"),
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,
        )
    except SiglipError:
        raise
    except _ARROW_ERRORS as error:
        raise MalformedFile(f"cannot be read: {_reason(error)}") from error


def _scalar(batch: pa.RecordBatch, column: str) -> pa.Scalar:
    return _plain_scalar(batch.column(batch.schema.get_field_index(column))[0])


def _plain_scalar(value: pa.Scalar) -> pa.Scalar:
    """Of a dictionary or an extension type what it stands for."""
    while isinstance(value, pa.DictionaryScalar | pa.ExtensionScalar):
        value = value.value
    return value


def _view_of(value: pa.Scalar) -> memoryview:
    """Not copied. Arrow's buffers are of signed numbers, which nobody else takes for bytes."""
    return memoryview(value.as_buffer()).cast("B")


def _bytes_of(value: pa.Scalar) -> bytes:
    return bytes(value.as_buffer())


def _path_of(value: pa.Scalar) -> str:
    return _bytes_of(value).decode("utf-8", "surrogateescape")


def _kept_value(value: pa.Scalar, type: pa.DataType) -> Any:
    """What `pyarrow.array` makes the same value of."""
    if not value.is_valid:
        return None
    if is_text(value.type):  # nobody checked that it is UTF-8
        return key_of(_bytes_of(value))
    if pa.types.is_temporal(type) and not pa.types.is_interval(type):
        return value.value  # a datetime has no nanoseconds
    return value.as_py()


def _key_of(value: pa.Scalar, otherwise: str) -> str:
    if not value.is_valid:
        return otherwise
    if is_text(value.type) or is_bytes(value.type):
        return key_of(_bytes_of(value))
    return str(value.as_py())


def _reason(error: BaseException) -> str:
    """The first line of what Arrow says, without addresses in memory or code."""
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
