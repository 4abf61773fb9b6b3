"""Pictures of a tar, grouped as WebDataset has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from ..errors import InvalidArgument, MalformedFile, SiglipError, Unsupported
from .endings import PICTURE_ENDINGS
from .errors import InputChanged
from .keys import key_of
from .limits import MOST_KEPT_BYTES, check_size
from .location import Location
from .sample import Damage, ReadOptions, Sample, SampleReader
from .shard import Shard
from .tar_headers import Member, TarHeaders, read_exactly

# Damages of one kind that are told one by one; the rest as a number.
_MOST_TOLD = 16


@dataclass(frozen=True)
class _Candidate:
    """A member that may be the picture of its sample. The lowest rank is."""

    rank: int
    data: bytes | None
    error: SiglipError | None


@dataclass
class _Group:
    """The members of one sample."""

    key: str
    picture: _Candidate | None = None
    rivals: int = 0  # members of the same rank as the picture, beside it
    endings: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)


class TarSamples(SampleReader):
    """A member is of the sample that its name says up to the first dot behind the last slash; its ending is the rest,
    in lower case. Members of a sample are adjacent. Without `options.image` all endings are pictures that siglip
    decodes, also behind another dot ("mask.png"); with it the first of them that a sample has. Members of
    `options.keep` become strings, in which bytes that are no UTF-8 are percent-encoded. Files that are hidden, or have
    no ending, are passed over, and so are samples without a picture.

    Raises
    ------
    InputChanged, TransportError
        While iterating.
    """

    def __init__(self, shard: Shard, options: ReadOptions, location: Location) -> None:
        super().__init__()
        assert shard.source is not None
        self.kept_fields = tuple(pa.field(name, pa.string()) for name in options.keep)
        self._options = options
        self._entry = shard.source
        self._stream: BinaryIO = location.open(shard.source)
        self._rows = 0
        self._apart = 0
        # Key -> whether there was a picture.
        self._seen: dict[str, bool] = {}

    def __iter__(self) -> Iterator[Sample]:
        headers = TarHeaders(self._stream, self._entry.size)
        group: _Group | None = None
        for member in headers:
            key, ending = split_name(member.name)
            if not ending:
                continue
            if group is not None and (key != group.key or ending in group.endings):
                yield from self._finish(group)
                group = None
            if group is None:
                group = _Group(key)
            group.endings.add(ending)
            self._read(member, ending, group)
        if group is not None:
            yield from self._finish(group)
        if self._apart > _MOST_TOLD:
            self.damage.append(
                Damage(
                    "end",
                    None,
                    f"{self._apart - _MOST_TOLD} further members are not beside their samples",
                )
            )
        if headers.damage is not None:
            self.damage.append(headers.damage)

    def close(self) -> None:
        self._stream.close()

    def _read(self, member: Member, ending: str, group: _Group) -> None:
        rank = self._rank(ending)
        is_picture = rank is not None
        if group.key in self._seen and not (is_picture and self._seen[group.key]):
            self._tell_apart(member)
        if ending in self._options.keep:
            text = self._read_kept(member)
            if text is not None:
                group.kept[ending] = text
        if rank is None:
            return
        if group.picture is not None and rank >= group.picture.rank:
            group.rivals += rank == group.picture.rank
            return
        data, error = self._read_picture(member, key_of(group.key))
        group.picture = _Candidate(rank, data, error)
        group.rivals = 0

    def _rank(self, ending: str) -> int | None:
        """None: no picture. Endings that are asked for come before those that only end so."""
        last = ending.rpartition(".")[2]
        chosen = self._options.image
        if not chosen:
            return 0 if last in PICTURE_ENDINGS else None
        if ending in chosen:
            return chosen.index(ending)
        return len(chosen) + chosen.index(last) if last in chosen else None

    def _read_picture(self, member: Member, key: str) -> tuple[bytes | None, SiglipError | None]:
        if member.obstacle:
            return None, Unsupported(f"{key}: cannot be read from the tar: {member.obstacle}")
        present = self._entry.size - member.data
        if present < member.size:
            return None, MalformedFile(
                f"{key}: was cut: {max(present, 0)} of {member.size} bytes are there"
            )
        error = check_size(key, member.size)
        if member.size and error is not None:
            return None, error
        return self._read_contents(member), error

    def _read_kept(self, member: Member) -> str | None:
        """None, and a damage, for one that cannot be had."""
        reason = ""
        if member.obstacle:
            reason = member.obstacle
        elif member.size > MOST_KEPT_BYTES:
            reason = f"has {member.size} bytes, more than the {MOST_KEPT_BYTES} that are kept"
        elif member.data + member.size <= self._entry.size:
            return key_of(self._read_contents(member))
        if reason:
            self.damage.append(Damage(f"member {key_of(member.name)}", member.offset, reason))
        return None  # a cut one is the damage of the tar

    def _read_contents(self, member: Member) -> bytes:
        self._stream.seek(member.data)
        data = read_exactly(self._stream, member.size)
        if len(data) != member.size:
            raise InputChanged(
                f"{key_of(self._entry.path)}: ends before the {self._entry.size} bytes it had when "
                "the job was planned",
                "plan the job again",
            )
        return data

    def _tell_apart(self, member: Member) -> None:
        self._apart += 1
        if self._apart <= _MOST_TOLD:
            self.damage.append(
                Damage(
                    f"member {key_of(member.name)}",
                    member.offset,
                    "is not beside the other members of its sample, and was not joined with them",
                )
            )

    def _finish(self, group: _Group) -> Iterator[Sample]:
        picture = group.picture
        had_picture = self._seen.get(group.key, False)
        self._seen[group.key] = had_picture or picture is not None
        if picture is None:
            return
        self.duplicate_keys += had_picture
        key = key_of(group.key)
        data, error = picture.data, picture.error
        if group.rivals:
            data = None
            error = InvalidArgument(
                f"{key}: expected one picture, found {1 + group.rivals}",
                "choose one by its ending: siglip bulk plan --image jpg",
            )
        kept = tuple(group.kept.get(name) for name in self._options.keep)
        yield Sample(key, self._rows, data, error, kept)
        self._rows += 1


def split_name(name: str) -> tuple[str, str]:
    """Key and ending; an empty ending for files that are passed over.

    Parameters
    ----------
    name : str
        Of a member.
    """
    folder, slash, base = name.rpartition("/")
    if any(part.startswith(".") and part not in (".", "..") for part in (*folder.split("/"), base)):
        return name, ""
    stem, _, ending = base.partition(".")
    return folder + slash + stem, ending.lower()
