"""Folders of pictures, kept in an index: found by words or by other pictures."""

from __future__ import annotations

import calendar
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from os import PathLike
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from . import _siglip
from .arrays import F32, SupportsArray, SupportsDLPack, as_floats
from .errors import InvalidArgument, NotFound, SiglipError
from .hub import locate
from .model import Model, load
from .pictures import Picture, is_picture
from .progress import CountBar, wants_bar
from .runtime import Runtime, choose_runtime

if TYPE_CHECKING:
    from typing_extensions import Self

Path: TypeAlias = str | PathLike[str]
Words: TypeAlias = str | SupportsArray | SupportsDLPack
"""A text, or the embedding of one, floats [D]."""
Date: TypeAlias = str | date | datetime
DuplicateKind: TypeAlias = Literal["same-bytes", "same-picture", "similar"]

_WEIGHT_OF_NOT = -0.5


@dataclass(frozen=True)
class Hit:
    """One picture that was found, wherever it is.

    Attributes
    ----------
    id : int
        Of its bytes, in this index; never used twice.
    hash : str
        Of its bytes, 32 hexadecimal digits.
    path : str
        Of its files the first in byte order, those of folders before those of archives, which begin
        with the archive's name. Names that are no UTF-8 are as `os.fsdecode` has them.
    copies : tuple of str
        The others.
    score : float
        The cosine, or that with the combined query.
    standout : float or None
        ``(score - mean) / deviation`` of `SearchResult`.
    probability : float or None
        Of lone words that are not `not_`: the model's own judgement, which is often low.
    format : str
        ``"jpeg"``, ``"png"``, ``"webp"``, ``"gif"``, ``"bmp"``, ``"tiff"``, ``"pnm"``, ``"avif"``
        or ``"heic"``.
    width, height : int
        In pixels, upright.
    taken : datetime or None
        By the camera's clock; it has a time zone where the picture tells one.
    alike : tuple of int
        The ids of pictures that show the same and were folded into this hit, best first.
    archived : bool
        Whether only archives have it, so that there is no file to open.
    """

    id: int
    hash: str
    path: str
    copies: tuple[str, ...]
    score: float
    standout: float | None
    probability: float | None
    format: str
    width: int
    height: int
    taken: datetime | None
    alike: tuple[int, ...]
    archived: bool = False


@dataclass(frozen=True)
class SearchResult(Sequence[Hit]):
    """What was found, best first: a sequence of hits.

    Attributes
    ----------
    total : int
        How many pictures pass the filters.
    mean, deviation : float or None
        Of the query's scores over a sample of the index, whatever the filters. None below 100
        pictures.
    hits : tuple of Hit
    """

    total: int
    mean: float | None
    deviation: float | None
    hits: tuple[Hit, ...]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]


@dataclass(frozen=True)
class UpdateCounts:
    """What became of the files of a folder so far.

    Attributes
    ----------
    unchanged : int
        Not read.
    embedded : int
        Of a content that was new.
    known : int
        Read, but the content was known: copied, moved, touched.
    failed : int
        Cannot be read or decoded.
    failed_earlier : int
        Unchanged, and could not be decoded then.
    changing : int
        Changed while they were read: for the next time.
    missing : int
        No longer there; counted when the folder is done.
    passed_over : int
        No pictures, hidden or excluded; files and folders.
    """

    unchanged: int
    embedded: int
    known: int
    failed: int
    failed_earlier: int
    changing: int
    missing: int
    passed_over: int


@dataclass(frozen=True)
class Failure:
    """A file that cannot be read or decoded."""

    path: str
    error: SiglipError


@dataclass(frozen=True)
class Update(UpdateCounts):
    """What became of the files of a folder.

    Attributes
    ----------
    failures : list of Failure
        Empty where `on_error` was told of them.
    """

    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class DuplicateFile:
    """A file of a group of duplicates, as it was when it was indexed.

    Attributes
    ----------
    path : str
    content : int
        The same for the same bytes; `Hit.id`.
    bytes : int
    mtime_ns : int
        When it was changed, in nanoseconds since 1970; 0 of an archive.
    width, height : int
        In pixels, upright; 0 where it cannot be decoded.
    score : float
        The cosine with the first of its group; 1 for that and its copies.
    archived : bool
        Whether it is of an archive, so that there is no file to open.
    """

    path: str
    content: int
    bytes: int
    mtime_ns: int
    width: int
    height: int
    score: float
    archived: bool = False


@dataclass(frozen=True)
class IndexedFolder:
    """A folder of an index, or an archive.

    Attributes
    ----------
    path : str
        Of an archive its name.
    files : int
        That are there.
    missing : int
        And that are not.
    unreadable : int
        That could not be read last time.
    is_archive : bool
        Whether it holds pictures that were embedded elsewhere.
    """

    path: str
    files: int
    missing: int
    unreadable: int
    is_archive: bool = False


@dataclass(frozen=True)
class IndexStatus:
    """What an index holds.

    Attributes
    ----------
    model : str or None
        As it was named when the index was made; None as long as nothing was indexed.
    fingerprint : mapping or None
        Of its embeddings, see `siglip.Model.fingerprint`.
    folders : list of IndexedFolder
        In byte order.
    contents : int
        Distinct pictures with a file that is there.
    undecodable : int
        Of these, how many have no embedding.
    bytes : int
        On the disk.
    """

    model: str | None
    fingerprint: Mapping[str, Any] | None
    folders: list[IndexedFolder]
    contents: int
    undecodable: int
    bytes: int


class Index:
    """Folders of pictures and their embeddings, in one folder of its own, as ``siglip index`` and
    ``siglip search`` use it.

    One process changes an index at a time; any number search it meanwhile. What is committed
    outlives whatever happens. May be shared among threads, is pickled as its path, and can be used
    by children of ``fork()``, each with a connection of its own. Iterating over it yields path and
    embedding, float32 [D] of norm 1, of every file that is there, in byte order of the paths and in
    one committed state.

    Parameters
    ----------
    folder : str or path, optional
        Where the index lies, or is to lie. None: what SIGLIP_INDEX in the environment says, else
        ``~/.local/share/siglip/index``.
    model : str, path or Model, optional
        What embeds. None: the model that the index was made with. A name or path is loaded, when
        it is first needed, with the precision and preprocessing that the index has.
    threads : int, optional
        As of `siglip.load`.
    runtime : Runtime, optional
        Instead of `threads`.

    Raises
    ------
    MalformedFile
        For an index that is damaged.
    Unsupported
        For one of a newer version.

    Examples
    --------
    >>> index = siglip.Index("pictures.index", model="google/siglip2-base-patch16-224")
    >>> index.add("photos").embedded
    4
    >>> [hit.path for hit in index.search("a dog on a beach", top=3)]
    ['/home/me/photos/05.jpg', '/home/me/photos/03.jpg', '/home/me/photos/06.jpg']
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        model: Path | Model | None = None,
        threads: int | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        if folder is None:
            folder = os.environ.get("SIGLIP_INDEX") or _siglip.default_index_folder()
        self.folder = os.path.abspath(os.fsdecode(os.fspath(folder)))
        self._arguments = (self.folder, model, threads, runtime)
        self._runtime = choose_runtime(runtime, threads)
        self._given_model = model
        # Several threads may make these at once; one of each is kept.
        self._model: Model | None = model if isinstance(model, Model) else None
        self._opened: _siglip.Index | None = None
        self._fits: set[tuple[str, bool, bool]] = set()
        self._closed = False
        try:
            self._native  # noqa: B018 (what is wrong with it is told at once)
        except NotFound:
            pass  # to be made

    def __reduce__(self) -> tuple[Any, ...]:
        return (_open_again, self._arguments)

    def __repr__(self) -> str:
        return f"siglip.Index({self.folder!r})"

    # ---- changing it ----

    def add(
        self,
        folder: Path,
        *,
        checksum: bool = False,
        retry: bool = False,
        follow_links: bool = False,
        exclude: Iterable[str] = (),
        progress: Callable[[UpdateCounts], None] | bool | None = None,
        on_error: Callable[[str, SiglipError], None] | None = None,
        on_passed_over: Callable[[str, str], None] | None = None,
    ) -> Update:
        """Brings the index up to date with a folder and all below it, which becomes one of its
        folders. Files that have not changed are not read, and what has the same bytes is embedded
        once, wherever it is.

        Commits what is done every 256 pictures or 2 seconds. Ctrl-C and exceptions of callbacks end
        it within one picture, after what is done was committed; the same call goes on from there.

        Parameters
        ----------
        folder : str or path
        checksum : bool
            Read all files, also those whose size and time of change are the known ones.
        retry : bool
            Try again what could not be decoded.
        follow_links : bool
            Follow symbolic links.
        exclude : iterable of str
            Patterns of the shell for names, or for paths within the folder where they have a slash,
            that are passed over.
        progress : callable or bool, optional
            Called with the `UpdateCounts` so far, by other threads. True: a bar of tqdm. None: the
            same on a terminal, where tqdm is installed.
        on_error : callable, optional
            Called with path and error of each file that cannot be read or decoded, by other
            threads. None: they are in the result.
        on_passed_over : callable, optional
            Called with path and reason of what is passed over, by other threads.

        Returns
        -------
        Update
            Counts, and failures.

        Raises
        ------
        InvalidArgument
            For a new index without `model`, and for a folder inside another of the index's, or
            around one.
        Mismatch
            When the index holds embeddings of another kind.
        NotFound
            Where the folder is missing or empty, but more than 100 files were known there.
        IOFailure
            While another process changes the index.
        """
        model = self.model
        failures: list[Failure] = []

        def note(path: str, error: SiglipError) -> None:
            failures.append(Failure(path, error))

        def change(
            report: Callable[[_siglip.CountFields], None] | None,
        ) -> _siglip.CountFields:
            return _siglip.update_index(
                self.folder,
                model._native,
                _recorded_name(model),
                os.fsdecode(os.fspath(folder)),
                checksum,
                retry,
                follow_links,
                list(exclude),
                report,
                on_error or note,
                on_passed_over,
            )

        if callable(progress):
            tell = progress
            return Update(*change(lambda counts: tell(UpdateCounts(*counts))), failures)
        if not wants_bar(progress):
            return Update(*change(None), failures)
        with closing(CountBar("picture")) as bar:
            # All but what is missing, and what is passed over.
            return Update(*change(lambda counts: bar.show(sum(counts[:6]))), failures)

    def prune(self, older_than: timedelta = timedelta()) -> int:
        """Forgets files that have been missing for at least so long, and embeddings that no file
        has had for as long. Returns how many files."""
        self._native  # noqa: B018 (not to make one)
        return _siglip.prune_index(self.folder, math.ceil(older_than.total_seconds()))

    def remove(self, folder: Path) -> None:
        """Forgets a folder of the index, or an archive, and all that only it has.

        Raises
        ------
        NotFound
            Naming the folders there are.
        """
        self._native  # noqa: B018 (not to make one)
        _siglip.remove_from_index(self.folder, os.fsdecode(os.fspath(folder)))

    # ---- reading it ----

    def search(
        self,
        words: Words | Sequence[Words | tuple[Words, float]] | None = None,
        *,
        image: Picture | Sequence[Picture | tuple[Picture, float]] | None = None,
        not_: Words | Sequence[Words | tuple[Words, float]] | None = None,
        top: int = 20,
        under: Path | None = None,
        after: Date | None = None,
        before: Date | None = None,
        format: str | None = None,
        min_width: int = 0,
        min_score: float | None = None,
        all: bool = False,
    ) -> SearchResult:
        """Finds the pictures that fit best. Exact: hits, scores and order are those of a comparison
        with every picture, with the same bits on every CPU.

        Parameters
        ----------
        words : str, or float array [D], optional
            What to look for, or its embedding. Several are combined with each other and with
            `image` and `not_`; with their weights they are pairs,
            ``[("a dog", 1), ("snow", 0.5)]``.
        image : Picture, or float array [D], optional
            A picture to look for what is like it, or its embedding; several as of `words`.
        not_ : str, or float array [D], optional
            Rather not this; weighs -0.5. Alone it finds first what is least like it.
        top : int
            Most hits.
        under : str or path, optional
            Only pictures in this folder and below it.
        after, before : str, date or datetime, optional
            Only pictures taken then or later, and before that, by the camera's clock: of a datetime
            the time zone does not count. Texts are like ``"2024"``, ``"2024-05"``, ``"2024-05-17"``
            or ``"2024-05-17T09:30:00"``. Pictures that do not tell their time pass neither.
        format : str, optional
            Only pictures of this format, see `Hit`.
        min_width : int
            Only pictures at least so wide, in pixels.
        min_score : float, optional
            Only hits with this score.
        all : bool
            Do not fold pictures that show the same into one hit.

        Returns
        -------
        SearchResult

        Raises
        ------
        NotFound
            For an index that is empty or not there.
        Mismatch
            When the model makes embeddings of another kind, or an array has another D.
        InvalidArgument
            Without words, image and not_, and for arguments out of their range.
        PictureError, SiglipError
            For a picture that cannot be read.
        """
        texts = _weighted(words, 1.0, _is_words, "words")
        images = _weighted(image, 1.0, _is_image, "image")
        texts += _weighted(not_, _WEIGHT_OF_NOT, _is_words, "not_")
        if not texts and not images:
            raise InvalidArgument("words, image and not_: expected at least one of them")
        if top < 1:
            raise InvalidArgument(f"top: expected at least 1, found {top}")
        native = self._native
        self._check_fits(
            native,
            pictures=any(not _is_vector(each) for each, _ in images),
            texts=any(not _is_vector(each) for each, _ in texts),
        )
        parts = [(self._vector(each, True), weight, True) for each, weight in texts]
        parts += [(self._vector(each, False), weight, False) for each, weight in images]
        total, mean, deviation, hits = native.search(
            parts,
            top,
            None if under is None else os.fsdecode(os.fspath(under)),
            _seconds(after),
            _seconds(before),
            format or "",
            min_width,
            min_score,
            not all,
        )
        return SearchResult(total, mean, deviation, tuple(_hit(fields) for fields in hits))

    def duplicates(
        self, kind: DuplicateKind = "same-picture", *, threshold: float | None = None
    ) -> list[list[DuplicateFile]]:
        """Finds what is there more than once. All pairs are compared, exactly.

        Parameters
        ----------
        kind : "same-bytes", "same-picture" or "similar"
            Files with the same bytes; and pictures in another size, quality or format; and whatever
            has a high cosine: cropped, mirrored, or taken a second later.
        threshold : float, optional
            The least cosine with the first of a group. None: 0.96, and 0.90 for "similar". The same
            bytes have none.

        Returns
        -------
        list of list of DuplicateFile
            Groups of two files or more. The first has the most pixels, then the most bytes, and was
            changed earliest; every other one is alike to it: there are no chains.

        Raises
        ------
        InvalidArgument
            For another kind, and a threshold out of range or without a meaning.
        NotFound
            For an index that is empty or not there.
        """
        return [
            [DuplicateFile(*fields) for fields in group]
            for group in self._native.duplicates(kind, threshold)
        ]

    def __iter__(self) -> Iterator[tuple[str, F32]]:
        return self._native.files()

    def status(self) -> IndexStatus:
        """What the index holds.

        Raises
        ------
        NotFound
            For an index that is not there.
        """
        native = self._native
        space = native.space
        folders, contents, undecodable, size = native.status()
        return IndexStatus(
            model=None if space is None else space[0],
            fingerprint=None if space is None else MappingProxyType(json.loads(space[1])),
            folders=[IndexedFolder(*folder) for folder in folders],
            contents=contents,
            undecodable=undecodable,
            bytes=size,
        )

    def verify(self) -> list[str]:
        """Looks at everything that is stored. Returns what is wrong, a line each."""
        return self._native.verify()

    # ---- its parts ----

    @property
    def model(self) -> Model:
        """What embeds; loaded when it is first needed.

        Raises
        ------
        InvalidArgument
            For a new index without one.
        """
        self._check_open()
        if self._model is None:
            self._model = self._load_model()
        return self._model

    def _load_model(self) -> Model:
        try:
            space = self._native.space
        except NotFound:
            space = None
        name = self._given_model
        if name is None and space is not None:
            name = space[0]
        if name is None:
            raise InvalidArgument(f"{self.folder}: a new index needs model=")
        assert not isinstance(name, Model)
        if space is None:
            return load(name, runtime=self._runtime)
        return _load_as(name, json.loads(space[1]), self._runtime)

    def _check_fits(self, native: _siglip.Index, *, pictures: bool, texts: bool) -> None:
        """Once for each kind of embeddings of the index: hashes of weights take a moment."""
        space = native.space
        if space is None or not (pictures or texts):
            return  # searching tells what is wrong
        wanted = (space[1], pictures, texts)
        if wanted not in self._fits:
            native.check_fits(self.model._native, pictures, texts)
            self._fits.add(wanted)

    def _vector(self, part: Any, is_text: bool) -> F32:
        if _is_vector(part):
            return as_floats(part, "words" if is_text else "image")
        if is_text:
            return self.model.encode_text(part, normalize=True)
        return self.model.encode_image(part, normalize=True)

    @property
    def _native(self) -> _siglip.Index:
        self._check_open()
        opened = self._opened
        if opened is None or not opened.is_of_this_process:
            opened = self._opened = _siglip.Index(self.folder, self._runtime.native)
        return opened

    # ---- its end ----

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidArgument(f"{self.folder}: the index is closed")

    def close(self) -> None:
        """Gives files and memory back. Later calls raise InvalidArgument."""
        self._closed = True
        self._opened = None
        self._model = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _open_again(
    folder: str, model: Path | Model | None, threads: int | None, runtime: Runtime | None
) -> Index:
    return Index(folder, model=model, threads=threads, runtime=runtime)


def _load_as(name: Path, fingerprint: dict[str, Any], runtime: Runtime) -> Model:
    """With the options that decide what the embeddings of an index are."""
    is_naflex = _siglip.find_parts(locate(name))["naflex"]
    return load(
        name,
        runtime=runtime,
        precision=fingerprint["precision"],
        preprocess=fingerprint["preprocess"],
        alpha=fingerprint["alpha"],
        fast_decode=fingerprint["fast_decode"],
        max_num_patches=fingerprint["max_num_patches"] if is_naflex else None,
    )


def _recorded_name(model: Model) -> str:
    """What an index calls the model: a name of the hub, or an absolute path."""
    source = model._source
    if os.path.exists(source.name):
        return os.path.abspath(source.name)
    return f"{source.name}@{source.revision}" if source.revision else source.name


def _is_vector(part: object) -> bool:
    return getattr(part, "ndim", None) == 1


def _is_words(value: object) -> bool:
    return isinstance(value, str) or _is_vector(value)


def _is_image(value: object) -> bool:
    return is_picture(value) or _is_vector(value)


def _weighted(
    value: Any, weight: float, is_one: Callable[[object], bool], name: str
) -> list[tuple[Any, float]]:
    """One or several as pairs with their weights."""
    if value is None:
        return []
    if is_one(value):
        return [(value, weight)]
    pairs: list[tuple[Any, float]] = []
    for each in value if isinstance(value, Iterable) else [value]:
        pair = isinstance(each, tuple) and len(each) == 2
        part, part_weight = each if pair else (each, weight)
        if not is_one(part) or not isinstance(part_weight, int | float):
            raise InvalidArgument(
                f"{name}: expected one or several, or pairs of one and its weight, found {each!r}"
            )
        pairs.append((part, float(part_weight)))
    return pairs


def _seconds(moment: Date | None) -> int | None:
    """Since 1970 on the clock that the moment is of, rounded up."""
    if moment is None:
        return None
    if isinstance(moment, str):
        return _siglip.parse_date(moment)
    seconds = calendar.timegm(moment.timetuple())
    return seconds + bool(getattr(moment, "microsecond", 0))


def _hit(fields: tuple[Any, ...]) -> Hit:
    hit = Hit(*fields)
    return replace(
        hit, copies=tuple(hit.copies), taken=_moment(fields[10]), alike=tuple(hit.alike)
    )


def _moment(taken: tuple[int, int | None] | None) -> datetime | None:
    """Of seconds since 1970 on some clock, and its offset from UTC in minutes."""
    if taken is None:
        return None
    seconds, offset = taken
    zone = None if offset is None else timezone(timedelta(minutes=offset))
    return datetime(1970, 1, 1, tzinfo=zone) + timedelta(seconds=seconds)
