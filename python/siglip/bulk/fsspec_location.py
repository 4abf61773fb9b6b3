"""Whatever else fsspec reaches: for reading only, since it writes over what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, BinaryIO, NoReturn, TypeVar

from ..errors import NotFound, SiglipError, Unsupported
from .errors import TransportError, input_changed
from .location import Entry, Location
from .piece_reader import read_in_pieces
from .retries import Patience, Transient, interruptible, retried

Result = TypeVar("Result")

# What file systems call what changes with the contents; the first that is there counts.
_VERSIONS = (
    "ETag", "etag", "md5Hash", "md5", "checksum", "sha256", "blob_id", "mtime", "LastModified",
    "last_modified", "modified", "updated", "created",
)  # fmt: skip


class FsspecLocation(Location):
    """Parameters
    ----------
    uri : str
        As fsspec has it; how it is reached stands in fsspec's own configuration.

    Raises
    ------
    Unsupported
        Unknown to fsspec, or a package is missing.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        try:
            import fsspec
        except ImportError as error:
            raise Unsupported(f"{uri}: needs fsspec", "pip install fsspec") from error
        try:
            self._system, root = fsspec.core.url_to_fs(uri)
        except (ImportError, ValueError) as error:
            raise Unsupported(f"{uri}: {error}") from error
        self._root = root.rstrip("/")

    def list(self, prefix: str = "") -> Iterator[Entry]:
        folder = self._path(prefix.rstrip("/"))

        def find() -> Any:
            self._system.invalidate_cache(folder)
            return self._system.find(folder, detail=True)

        try:
            found: dict[str, dict[str, Any]] = self._ask(prefix, find)
        except NotFound:
            return
        base = folder.strip("/")
        paths = {path: _below(base, path) for path in found}
        for path in sorted(
            paths, key=lambda each: (paths[each] or "").encode("utf-8", "surrogateescape")
        ):
            below = paths[path]
            if below is None or any(part.startswith(".") for part in below.split("/")):
                continue
            yield _entry(f"{prefix.rstrip('/')}/{below}" if prefix else below, found[path])

    def entry(self, path: str) -> Entry | None:
        try:
            information = self._information(path)
        except NotFound:
            return None
        return _entry(path, information) if information.get("type") == "file" else None

    def read(self, path: str) -> bytes:
        return bytes(self._ask(path, lambda: self._system.cat_file(self._path(path))))

    def open(self, entry: Entry) -> BinaryIO:
        self._check(entry)
        return read_in_pieces(entry.size, lambda start, end: self._fetch(entry, start, end))

    def create(self, path: str, body: bytes | memoryview) -> bool:
        self._refuse()

    def replace(self, path: str, body: bytes | memoryview) -> None:
        self._refuse()

    def delete(self, path: str) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Unsupported(
            f"{self.uri}: is for reading only", "write to a folder, s3://, gs:// or az://"
        )

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _information(self, path: str) -> dict[str, Any]:
        def ask() -> Any:
            full = self._path(path)
            self._system.invalidate_cache(full)
            return self._system.info(full)

        information: dict[str, Any] = self._ask(path, ask)
        return information

    def _check(self, entry: Entry) -> None:
        found = _entry(entry.path, self._information(entry.path))
        if found != entry:
            raise input_changed(f"{self.uri}/{entry.path}", entry, found)

    def _fetch(self, entry: Entry, start: int, end: int) -> bytes:
        path = self._path(entry.path)
        piece = bytes(
            self._ask(entry.path, lambda: self._receive(path, start, end)),
        )
        if end == entry.size:  # there is no condition that a request could carry
            self._check(entry)
        return piece

    def _receive(self, path: str, start: int, end: int) -> bytes:
        piece: bytes = self._system.cat_file(path, start=start, end=end)
        if len(piece) != end - start:
            raise Transient(f"expected {end - start} bytes, found {len(piece)}")
        return piece

    def _ask(self, path: str, request: Callable[[], Result]) -> Result:
        address = f"{self.uri}/{path}" if path else self.uri

        def attempt() -> Result:
            try:
                return interruptible(request, Patience.from_environment().read)
            except (SiglipError, Transient):
                raise
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NotFound(f"{address}: no such file") from error
            except PermissionError as error:
                raise TransportError(f"{address}: {error}") from error
            except NotImplementedError as error:
                raise Unsupported(f"{address}: {error or 'cannot do this'}") from error
            except Exception as error:
                raise Transient(f"{type(error).__name__}: {error}") from error

        return retried(address, attempt)


def _below(base: str, path: str) -> str | None:
    """None of the folder itself."""
    path = path.strip("/")
    if not base:
        return path or None
    return path[len(base) + 1 :] if path.startswith(base + "/") else None


def _entry(path: str, information: dict[str, Any]) -> Entry:
    size = information.get("size")
    if not isinstance(size, int):
        raise Unsupported(f"{path}: its size is not known")
    return Entry(path, size, _version(information))


def _version(information: dict[str, Any]) -> str:
    for name in _VERSIONS:
        value = information.get(name)
        if value is not None:
            # Listings and single files may tell one time in two ways.
            return str(value.timestamp() if isinstance(value, datetime) else value)
    return ""
