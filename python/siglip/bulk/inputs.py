"""Which files the inputs of a job are."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..errors import InvalidArgument, NotFound, Unsupported
from .endings import FileKind, kind_of
from .job import Input
from .location import Entry, Location
from .open_location import open_location

# Requests under way for files that are named one by one.
_LOOKUPS = 16


@dataclass
class Found:
    """What was found of the inputs of one planning.

    Attributes
    ----------
    inputs : list of Input
        Those that were known, and behind them new ones.
    entries : list of dict
        Of each input what is to be embedded: path -> what it is, by kind.
    passed_over : int
        Files of folders that are neither pictures nor shards.
    compressed : list of str
        Tars that are compressed.
    missing : list of str
        Addresses of lists that name nothing.
    folders, files : list and set of str
        The addresses that were looked for.
    """

    inputs: list[Input]
    entries: list[dict[str, tuple[FileKind, Entry]]]
    passed_over: int = 0
    compressed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    def location(self, input: int) -> Location:
        """Of an input, for reading."""
        there = self.inputs[input]
        return open_location(there.uri, there.options, read_only=True)

    def was_looked_for(self, input: int, path: str) -> bool:
        """Whether a file that is in no entry is not there."""
        uri = _join(self.inputs[input].uri, path)
        return uri in self.files or any(_is_below(uri, folder) for folder in self.folders)


def find_files(
    words: Sequence[str], known: Sequence[Input], options: Mapping[str, str], output: str
) -> Found:
    """Lists inputs. Each file is found once, whatever names it; below a known input it belongs to that.

    Parameters
    ----------
    words : sequence of str
        Folders, files, addresses of either; "@FILE": a list of them, one per line.
    known : sequence of Input
        Of an earlier planning.
    options : mapping
        How locations are reached, see `open_location`.
    output : str
        Where the job lies, which must not be an input.

    Raises
    ------
    NotFound
        For a folder, file or list that is not there; lines of lists are only counted.
    InvalidArgument
        Where the output is among the inputs.
    Unsupported
        For compressed tars that are named.
    TransportError
    """
    return _Finder(known, options, output).find(words)


class _Finder:
    def __init__(self, known: Sequence[Input], options: Mapping[str, str], output: str) -> None:
        self._options = dict(options)
        self._output = output
        self._found = Found(list(known), [{} for _ in known])
        self._locations: dict[str, Location] = {}

    def find(self, words: Sequence[str]) -> Found:
        folders: list[str] = []
        files: list[str] = []
        listed: list[str] = []
        for word in words:
            if word.startswith("@") and len(word) > 1:
                self._read_list(word[1:], folders, listed)
                continue
            uri = self._absolute(word)
            if self._is_folder(uri, word):
                folders.append(uri)
            elif self._lookup(uri) is not None:
                files.append(uri)
            elif "://" not in uri or not self._has_any(uri):
                raise NotFound(f"{word}: no such file or folder")
            else:
                folders.append(uri)
        for folder in folders:
            self._check_output(folder)
            self._add_input(folder)
        for file in files:
            self._add_input(_parent(file))
        # One input for all of a list that no other has, not one for each folder.
        for base in _common_folders([uri for uri in listed if self._input_of(uri) is None]):
            self._add_input(base)
        for folder in folders:
            self._list(folder)
        named = files + listed
        for uri, entry in zip(named, self._lookups(named), strict=True):
            self._add_named(uri, entry)
        if self._options and not any(_is_remote(input.uri) for input in self._found.inputs):
            raise InvalidArgument(
                f"options of inputs: {', '.join(self._options)}: all inputs are folders, which have none"
            )
        return self._found

    def _read_list(self, name: str, folders: list[str], files: list[str]) -> None:
        uri = self._absolute(name)
        try:
            text = self._location(_parent(uri)).read(posixpath.basename(uri))
        except NotFound as error:
            raise NotFound(f"@{name}: no such list") from error
        for line in os.fsdecode(text).split("\n"):
            word = line.removesuffix("\r")
            if word:
                uri = self._absolute(word)
                (folders if self._is_folder(uri, word) else files).append(uri)

    def _add_named(self, uri: str, entry: Entry | None) -> None:
        self._found.files.add(uri)
        if entry is None:
            self._found.missing.append(uri)
            return
        kind = kind_of(uri) or "picture"
        if kind == "compressed tar":
            raise Unsupported(f"{uri}: compressed tars are not read", "unpack it to a .tar")
        self._add(uri, kind, entry)

    def _list(self, folder: str) -> None:
        self._found.folders.append(folder)
        input = self._input_of(folder)
        assert input is not None
        root = self._found.inputs[input].uri
        prefix = "" if folder == root else folder[len(root.rstrip("/")) + 1 :]
        for entry in self._location(root).list(prefix):
            uri = _join(root, entry.path)
            kind = kind_of(entry.path)
            if kind is None:
                self._found.passed_over += 1
            elif kind == "compressed tar":
                self._found.compressed.append(uri)
            else:
                self._add(uri, kind, entry)

    def _add(self, uri: str, kind: FileKind, entry: Entry) -> None:
        input = self._input_of(uri)
        assert input is not None
        path = uri[len(self._found.inputs[input].uri.rstrip("/")) + 1 :]
        self._found.entries[input][path] = kind, replace(entry, path=path)

    def _lookups(self, uris: Sequence[str]) -> list[Entry | None]:
        with ThreadPoolExecutor(_LOOKUPS) as pool:
            return list(pool.map(self._lookup, uris))

    def _lookup(self, uri: str) -> Entry | None:
        input = self._input_of(uri)
        root = _parent(uri) if input is None else self._found.inputs[input].uri
        path = uri[len(root.rstrip("/")) + 1 :]
        return self._location(root).entry(path) if path else None

    def _is_folder(self, uri: str, word: str) -> bool:
        if "://" not in uri:
            return os.path.isdir(uri)
        return word.endswith("/") or uri.count("/") < 3

    def _has_any(self, uri: str) -> bool:
        return next(iter(self._location(uri).list()), None) is not None

    def _check_output(self, folder: str) -> None:
        if _is_below(self._output, folder) or _is_below(folder, self._output):
            raise InvalidArgument(
                f"{folder}: is an input, and the output {self._output} lies in it or around it",
                "choose an output beside the inputs",
            )

    def _add_input(self, uri: str) -> None:
        input = self._input_of(uri)
        if input is None:
            self._found.inputs.append(Input(uri, self._options_of(uri)))
            self._found.entries.append({})
        else:
            known = self._found.inputs[input].uri
            self._found.inputs[input] = Input(known, self._options_of(known))

    def _input_of(self, uri: str) -> int | None:
        """The innermost that has it."""
        best = None
        for index, input in enumerate(self._found.inputs):
            if _is_below(uri, input.uri) and (
                best is None or len(input.uri) > len(self._found.inputs[best].uri)
            ):
                best = index
        return best

    def _location(self, uri: str) -> Location:
        if uri not in self._locations:
            options = self._options_of(uri)
            self._locations[uri] = open_location(uri, options, read_only=True)
        return self._locations[uri]

    def _options_of(self, uri: str) -> dict[str, str]:
        """Folders need none: they may be inputs, or have lists, beside object stores."""
        return self._options if _is_remote(uri) else {}

    def _absolute(self, word: str) -> str:
        return self._location(word).uri


def _is_remote(uri: str) -> bool:
    return "://" in uri and not uri.lower().startswith("file://")


def _is_below(uri: str, folder: str) -> bool:
    """Or the same."""
    return uri == folder or uri.startswith(folder.rstrip("/") + "/")


def _join(uri: str, path: str) -> str:
    return f"{uri.rstrip('/')}/{path}"


def _parent(uri: str) -> str:
    return uri.rpartition("/")[0] or "/"


def _common_folders(uris: Sequence[str]) -> list[str]:
    """One for each scheme and host."""
    common: dict[str, str] = {}
    for uri in uris:
        scheme, separator, rest = uri.rpartition("://")
        host = scheme + separator + (rest.partition("/")[0] if separator else "")
        folder = _parent(uri)
        if host not in common:
            common[host] = folder
        while not _is_below(folder, common[host]):
            common[host] = _parent(common[host])
    return list(common.values())
