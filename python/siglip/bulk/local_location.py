"""A folder of this machine, or of a file system mounted on it."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import InvalidArgument, NotFound
from .errors import BulkWarning, InputChanged, TransportError, input_changed
from .location import Entry, Location
from .rename import rename_without_replacing

TEMPORARY_FOLDER = "tmp"
_BUFFER = 1 << 20  # bytes read at a time
_WRITE = 1 << 30  # bytes written at a time: Linux takes no more than 2 GiB
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_MISSING = (FileNotFoundError, NotADirectoryError)


class LocalLocation(Location):
    """A folder. What is written goes to `<folder>/tmp` first; nothing but whole files ever has its
    final name.

    Parameters
    ----------
    root : path
        Absolute. Need not be there.
    """

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root)
        self.uri = str(self._root)

    @property
    def folder(self) -> Path:
        return self._root

    def list(self, prefix: str = "") -> Iterator[Entry]:
        root = self._file(prefix) if prefix else self.uri
        # Names yet to come, of one folder after the other; bytes, because their order is asked for.
        pending = [_sorted_names(os.fsencode(root), b"")]
        while pending:
            found = next(pending[-1], None)
            if found is None:
                pending.pop()
                continue
            name, folder = found
            full = os.path.join(os.fsencode(root), name)
            if folder:
                pending.append(_sorted_names(full, name + b"/"))
                continue
            status = _status(full)
            if status is not None:
                path = os.fsdecode(name)
                yield _entry(f"{prefix.rstrip('/')}/{path}" if prefix else path, status)

    def entry(self, path: str) -> Entry | None:
        status = _status(self._file(path))
        return None if status is None else _entry(path, status)

    def read(self, path: str) -> bytes:
        file = self._file(path)
        try:
            with open(file, "rb", buffering=0) as opened:
                return opened.readall()
        except _MISSING as error:
            raise NotFound(f"{file}: no such file") from error
        except OSError as error:
            raise _failure(file, error) from error

    def open(self, entry: Entry) -> BinaryIO:
        return io.BufferedReader(_CheckedFile(self._file(entry.path), entry), _BUFFER)

    def create(self, path: str, body: bytes | memoryview) -> bool:
        final = self._file(path)
        if os.path.lexists(final):
            return False
        return self._write(final, body, replace=False)

    def replace(self, path: str, body: bytes | memoryview) -> None:
        self._write(self._file(path), body, replace=True)

    def delete(self, path: str) -> None:
        file = self._file(path)
        try:
            os.unlink(file)
        except _MISSING:
            pass
        except OSError as error:
            raise _failure(file, error) from error

    def _file(self, path: str) -> str:
        parts = path.rstrip("/").split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise InvalidArgument(f"{path!r}: is no path below {self.uri}")
        return os.path.join(self.uri, *parts)

    def _write(self, final: str, body: bytes | memoryview, *, replace: bool) -> bool:
        temporary = os.path.join(
            self.uri, TEMPORARY_FOLDER, f"{os.getpid()}-{secrets.token_hex(12)}"
        )
        try:
            _make_folder(os.path.dirname(temporary))
            _make_folder(os.path.dirname(final))
            try:
                _write_durably(temporary, body)
                if replace:
                    os.rename(temporary, final)
                    made = True
                else:
                    made = _publish(temporary, final)
                # Also where another process was first: it may not have come to this yet.
                _sync_folder(os.path.dirname(final))
            finally:
                _remove(temporary)
        except OSError as error:
            raise _failure(final, error) from error
        return made


class _CheckedFile(io.RawIOBase):
    """A file that must be, and stay, the one that was listed."""

    def __init__(self, path: str, entry: Entry) -> None:
        self._path = path
        self._entry = entry
        self._file: io.FileIO | None = None
        try:
            self._file = io.FileIO(path)
        except _MISSING as error:
            raise NotFound(f"{path}: no such file") from error
        except OSError as error:
            raise _failure(path, error) from error
        try:
            self._check()
        except BaseException:
            self._file.close()
            self._file = None
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._opened.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._opened.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            count = self._opened.readinto(buffer)
        except OSError as error:
            raise _failure(self._path, error) from error
        if not count and len(buffer):
            self._check()
        return count

    def close(self) -> None:
        """Raises InputChanged, too: what was read may be half of one file and half of another."""
        file, self._file = self._file, None
        super().close()
        if file is not None:
            with file:
                self._check_descriptor(file)

    @property
    def _opened(self) -> io.FileIO:
        if self._file is None:
            raise ValueError("I/O operation on closed file")
        return self._file

    def _check(self) -> None:
        self._check_descriptor(self._opened)

    def _check_descriptor(self, file: io.FileIO) -> None:
        try:
            status = os.fstat(file.fileno())
        except OSError as error:
            raise _failure(self._path, error) from error
        if not stat.S_ISREG(status.st_mode):
            raise InputChanged(f"{self._path}: is no file any more")
        found = _entry(self._entry.path, status)
        if found != self._entry:
            raise input_changed(self._path, self._entry, found)


def _sorted_names(folder: bytes, prefix: bytes) -> Iterator[tuple[bytes, bool]]:
    """Of what is in a folder: name with the prefix, whether it is a folder. In byte order
    of the paths of files."""
    names: list[tuple[bytes, bool]] = []
    try:
        with os.scandir(folder) as found:
            for each in found:
                if not each.name.startswith(b"."):
                    names.append((prefix + each.name, each.is_dir(follow_symlinks=False)))
    except _MISSING:
        return
    except OSError as error:
        raise _failure(os.fsdecode(folder), error) from error
    names.sort(key=lambda name: name[0] + b"/" if name[1] else name[0])
    yield from names


def _status(file: bytes | str) -> os.stat_result | None:
    """Of a file, links to files included. None of all else, and where there is nothing."""
    try:
        status = os.stat(file)
    except _MISSING:
        return None
    except OSError as error:
        raise _failure(os.fsdecode(file), error) from error
    return status if stat.S_ISREG(status.st_mode) else None


def _entry(path: str, status: os.stat_result) -> Entry:
    return Entry(path, status.st_size, str(status.st_mtime_ns), status.st_mtime)


def _make_folder(folder: str) -> None:
    """With those above it, each durable in the one around it."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            if not os.path.isdir(each):
                raise
        _sync_folder(os.path.dirname(each))


def _write_durably(file: str, body: bytes | memoryview) -> None:
    rest = memoryview(body).cast("B")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest[:_WRITE]) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)  # raises, too, where a network file system finds the disk full now


def _publish(temporary: str, final: str) -> bool:
    """Gives the file its name if nothing has it. False where something has."""
    try:
        os.link(temporary, final)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    made = rename_without_replacing(temporary, final)
    if made is not None:
        return made
    # What is left is not exclusive, but whoever looks sees a whole file; claiming the name by an
    # empty file would show halves after a kill. Two processes at the same moment both believe that
    # they made it: of equal bytes.
    warnings.warn(
        f"{os.path.dirname(final)}: this file system has neither links nor exclusive renaming; "
        "two workers on one shard may both write it",
        BulkWarning,
        stacklevel=2,
    )
    if os.path.lexists(final):
        return False
    os.rename(temporary, final)
    return True


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _remove(temporary: str) -> None:
    try:
        os.unlink(temporary)
    except OSError:
        pass  # never made, renamed, or out of reach: where it lies it harms nobody


def _failure(path: str, error: OSError) -> TransportError:
    hints = {
        errno.ENOSPC: "make room and start again: what is finished stays",
        errno.EDQUOT: "raise the quota and start again: what is finished stays",
        errno.EXDEV: f"{TEMPORARY_FOLDER} and the data must lie in one file system",
    }
    return TransportError(f"{path}: {error.strerror or error}", hints.get(error.errno or 0, ""))
