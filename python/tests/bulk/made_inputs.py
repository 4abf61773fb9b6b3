"""Inputs that tests make, and what is read of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from siglip.bulk.location import Entry
from siglip.bulk.open_location import open_location
from siglip.bulk.sample import Damage, Sample, SampleReader
from siglip.bulk.shard import Shard, ShardKind

REPOSITORY = Path(__file__).resolve().parents[3]
#: JPEG files.
PICTURES = tuple(sorted((REPOSITORY / "examples" / "images").glob("*.jpg")))

#: Name and contents; of a header that is made by hand, the header.
Member = tuple[str | tarfile.TarInfo, bytes]


def make_tar(members: Sequence[Member], format: int = tarfile.USTAR_FORMAT) -> bytes:
    """A whole tar, written by Python."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=format, errors="surrogateescape") as tar:
        for name, data in members:
            header = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if header.isreg():
                header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return body.getvalue()


def make_parquet(columns: dict[str, list[bytes] | list[str]]) -> bytes:
    """Two rows in each group, one in each page, which has a checksum."""
    body = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        body,
        row_group_size=2,
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
        write_batch_size=1,
        data_page_size=1,
    )
    return body.getvalue()


def flip_byte(data: bytes, picture: bytes, next_picture: bytes) -> bytes:
    """A Parquet file with a byte of a picture flipped, where pages hold it: statistics may, too, before that."""
    damaged = bytearray(data)
    damaged[data.rindex(picture, 0, data.rindex(next_picture)) + 400] ^= 1
    return bytes(damaged)


class Read:
    """What a reader gave."""

    def __init__(self, reader: SampleReader) -> None:
        with reader:
            self.samples: list[Sample] = [
                Sample(
                    each.key,
                    each.row,
                    None if each.data is None else bytes(each.data),
                    each.error,
                    each.kept,
                )
                for each in reader
            ]
        self.fields = reader.kept_fields
        self.damage: list[Damage] = reader.damage
        self.duplicate_keys = reader.duplicate_keys

    @property
    def pictures(self) -> dict[str, bytes]:
        """Key -> contents, of rows without an error."""
        return {each.key: bytes(each.data or b"") for each in self.samples if each.error is None}

    @property
    def errors(self) -> dict[str, str]:
        """Key -> the error's code, of rows with one."""
        return {each.key: each.error.code for each in self.samples if each.error is not None}


class Folder:
    """A folder with inputs."""

    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        self.path = path
        self.location = open_location(str(path), read_only=True)

    def add(self, name: str, data: bytes) -> Entry:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        entry = self.location.entry(name)
        assert entry is not None
        return entry

    def shard(
        self,
        kind: ShardKind,
        source: Entry | None = None,
        row_groups: Sequence[int] = (),
        files: Sequence[Entry] = (),
    ) -> Shard:
        return Shard(0, 0, kind, source, tuple(row_groups), tuple(files), 0, None)
