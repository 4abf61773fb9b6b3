"""A bucket and a prefix in it, by obstore."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError

from ..errors import NotFound
from .errors import BulkWarning, InputChanged, input_changed
from .location import Entry, Location
from .object_errors import ConditionRefused, refuses_condition, status_of, translate
from .piece_reader import read_in_pieces
from .retries import Patience, Transient, interruptible, retried

Result = TypeVar("Result")

MULTIPART_ABOVE = 4 << 30  # bytes: stores take 5 GiB in one request
_PART = 64 << 20
_PARTS_AT_ONCE = 4
_PAGE = 1000  # entries
_CHUNK = 32 << 10  # bytes of an answer handed over at a time: more is lost with a connection
_PROGRESS = 64 << 10  # bytes: an answer cut after fewer counts as a failed try
_LARGE_BODY = 16 << 20  # bytes
_SLOWEST_UPLOAD = 512 << 10  # bytes per second


class ObjectLocation(Location):
    """Parameters
    ----------
    uri : str
        For messages, without a slash at its end.
    make_store : callable
        Takes the seconds until a request without an answer is given up; gives a store of obstore
        that has the prefix. It must not try again itself.
    ordered : bool
        Whether the store lists in byte order of the keys. Else the whole listing is held in memory
        and sorted.
    """

    def __init__(
        self, uri: str, make_store: Callable[[float], Any], *, ordered: bool = True
    ) -> None:
        self.uri = uri
        self._make_store = make_store
        self._ordered = ordered
        self._patience = Patience.from_environment()
        self._store = make_store(self._patience.read)
        self._conditions = True  # until the store refuses them

    def list(self, prefix: str = "") -> Iterator[Entry]:
        entries = self._without_markers(prefix.rstrip("/"))
        if not self._ordered:
            entries = iter(sorted(entries, key=lambda entry: entry.path.encode()))
        return entries

    def entry(self, path: str) -> Entry | None:
        try:
            return _entry(path, self._ask(path, lambda: obstore.head(self._store, path)))
        except NotFound:
            return None

    def read(self, path: str) -> bytes:
        return self._ask(path, lambda: bytes(obstore.get(self._store, path).bytes()))

    def open(self, entry: Entry) -> BinaryIO:
        if entry.size == 0:  # nothing will be asked for that could show a change
            meta = self._ask(entry.path, lambda: obstore.head(self._store, entry.path))
            self._check(entry, meta)
        return read_in_pieces(entry.size, lambda start, end: self._fetch(entry, start, end))

    def create(self, path: str, body: bytes | memoryview) -> bool:
        if self._conditions and len(body) <= MULTIPART_ABOVE:
            try:
                return self._ask(path, lambda: self._create_on_condition(path, body))
            except ConditionRefused as refusal:
                self._conditions = False
                _warn_of_refusal(self.uri, str(refusal))
        if self.entry(path) is not None:
            return False
        self.replace(path, body)
        return True

    def replace(self, path: str, body: bytes | memoryview) -> None:
        self._ask(path, lambda: self._put(path, body, "overwrite"))

    def delete(self, path: str) -> None:
        try:
            self._ask(path, lambda: obstore.delete(self._store, path))
        except NotFound:
            pass

    def _ask(self, path: str, request: Callable[[], Result]) -> Result:
        """Tries a request as often as it deserves; its failures as ours."""
        address = f"{self.uri}/{path}" if path else self.uri

        def attempt() -> Result:
            try:
                return interruptible(request)
            except (Transient, ConditionRefused, InputChanged, StopIteration):
                raise
            except Exception as error:
                raise translate(address, error, self._patience.read) from error

        return retried(address, attempt)

    # Reading

    def _fetch(self, entry: Entry, start: int, end: int) -> bytes:
        received = bytearray()
        while len(received) < end - start:
            self._ask(entry.path, lambda: self._receive(entry, start, end, received))
        del received[end - start :]
        return bytes(received)

    def _receive(self, entry: Entry, start: int, end: int, received: bytearray) -> None:
        """Appends what comes, which may be less than all."""
        before = len(received)
        options: Any = {"range": (start + before, end)}
        if _is_strong(entry.version):
            options["if_match"] = f'"{entry.version}"'
        answer = obstore.get(self._store, entry.path, options=options)
        self._check(entry, answer.meta)
        try:
            for chunk in answer.stream(min_chunk_size=_CHUNK):
                received += chunk
        except Exception:
            # The next request goes on from there, and its tries are counted anew.
            if len(received) - before < _PROGRESS:
                raise
        if len(received) == before:
            raise Transient("the answer was empty")

    def _check(self, entry: Entry, meta: Any) -> None:
        found = _entry(entry.path, meta)
        if found != entry:
            raise input_changed(f"{self.uri}/{entry.path}", entry, found)

    # Writing

    def _create_on_condition(self, path: str, body: bytes | memoryview) -> bool:
        try:
            self._put(path, body, "create")
        except AlreadyExistsError as error:
            # 412 says so; 409 may also mean that something else is under way with this key.
            if status_of(error) == 409 and not self._is_there(path):
                raise Transient("the store reports a conflict") from error
            return False
        except Exception as error:
            if refuses_condition(error):
                raise ConditionRefused(str(error).split("\n", 1)[0]) from error
            raise
        return True

    def _is_there(self, path: str) -> bool:
        try:
            obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def _put(
        self, path: str, body: bytes | memoryview, mode: Literal["create", "overwrite"]
    ) -> None:
        view = memoryview(body).cast("B")
        if len(view) > MULTIPART_ABOVE:
            store = self._store_for(_PART * _PARTS_AT_ONCE)
            obstore.put(
                store,
                path,
                view,
                mode="overwrite",
                use_multipart=True,
                chunk_size=_PART,
                max_concurrency=_PARTS_AT_ONCE,
            )
        else:
            obstore.put(self._store_for(len(view)), path, view, mode=mode, use_multipart=False)

    def _store_for(self, size: int) -> Any:
        """Patient enough to send so many bytes: the time for an answer begins with the
        request, not after its body."""
        if size <= _LARGE_BODY:
            return self._store
        return self._make_store(self._patience.read + size / _SLOWEST_UPLOAD)

    # Listing

    def _without_markers(self, prefix: str) -> Iterator[Entry]:
        """Without the empty objects that some programs put where a folder would be, "a/" for "a".
        obstore drops the slash, so that they are told by their place: before what lies in them, or,
        as "/" comes late, after others."""
        last = ""
        held: Entry | None = None
        for entry in self._all(prefix):
            if held is not None and not entry.path.startswith(held.path + "/"):
                yield held
                last = held.path
            held = None
            if self._ordered and last and entry.path.encode() <= last.encode():
                continue
            if entry.size == 0:
                held = entry
            else:
                yield entry
                last = entry.path
        if held is not None:
            yield held

    def _all(self, prefix: str) -> Iterator[Entry]:
        """As the store has them, without what is hidden."""
        pages: Iterator[Any] | None = None
        last: str | None = None

        def next_page() -> Any:
            nonlocal pages
            try:
                if pages is None:
                    pages = iter(
                        obstore.list(self._store, prefix or None, offset=last, chunk_size=_PAGE)
                    )
                return next(pages, None)
            except BaseException:
                pages = None  # the next try begins after what is known
                raise

        while (page := self._ask(prefix, next_page)) is not None:
            for meta in page:
                last = meta["path"]
                below = last[len(prefix) + 1 :] if prefix else last
                if not any(part.startswith(".") for part in below.split("/")):
                    yield _entry(last, meta)


def _entry(path: str, meta: Any) -> Entry:
    return Entry(path, meta["size"], _version(meta), meta["last_modified"].timestamp())


def _version(meta: Any) -> str:
    etag: str | None = meta.get("e_tag")
    if etag:
        return etag.strip('"')  # Azure quotes it in headers only
    return "modified " + str(meta["last_modified"].isoformat())


def _is_strong(version: str) -> bool:
    """Whether it is an etag that a condition can name: weak ones never match."""
    return not version.startswith(("W/", "modified "))


_warned = False


def _warn_of_refusal(uri: str, reason: str) -> None:
    """Once per process."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"{uri}: the store cannot create on a condition, objects are written whole without one "
            f"({reason})",
            BulkWarning,
            stacklevel=3,
        )
