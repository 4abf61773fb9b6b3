"""The rows of one shard, and the Parquet object that they become: the same rows give the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import MalformedFile, SiglipError
from .job import Dtype, canonical_json
from .sample import Sample

OK = "ok"
FOOTER_KEY = b"siglip"
ROW_GROUP = 4096
_MOST_ERROR_BYTES = 500
_STATUS_OF_CODE = {"input/output error": "io", "internal error": "internal"}


def status_of(error: SiglipError) -> str:
    """What the column `status` says of it: "malformed_file"."""
    return _STATUS_OF_CODE.get(error.code, error.code.replace(" ", "_"))


def make_schema(dimension: int, dtype: Dtype, kept: Sequence[pa.Field] = ()) -> pa.Schema:
    """A row per picture met, see docs/bulk.md."""
    value = pa.float16() if dtype == "float16" else pa.float32()
    return pa.schema(
        [
            pa.field("key", pa.string(), nullable=False),
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("status", pa.dictionary(pa.int8(), pa.string()), nullable=False),
            pa.field("error", pa.string()),
            pa.field("format", pa.string()),
            pa.field("width", pa.uint32()),
            pa.field("height", pa.uint32()),
            pa.field("size", pa.uint64()),
            pa.field("sha256", pa.binary(32)),
            pa.field("xxh3", pa.binary(16)),
            # Lance refuses a child that cannot be null.
            pa.field("embedding", pa.list_(pa.field("element", value, nullable=True), dimension)),
            *kept,
        ]
    )


class ShardTable:
    """Collects rows in the order of the input.

    Memory: the embeddings as they are stored, and some hundred bytes a row.
    """

    def __init__(self, dimension: int, dtype: Dtype, kept: Sequence[pa.Field] = ()) -> None:
        self._schema = make_schema(dimension, dtype, kept)
        self._dtype = np.dtype(dtype)
        self._columns: list[list[Any]] = [[] for field in self._schema if field.name != "embedding"]
        self._embeddings: list[NDArray[Any] | None] = []
        self.counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._embeddings)

    def add(
        self,
        sample: Sample,
        hashes: tuple[bytes, bytes] | None,
        embedding: NDArray[np.float32] | None,
        error: SiglipError | None,
        details: tuple[str, int, int] = ("", 0, 0),
    ) -> None:
        """Adds a row.

        Parameters
        ----------
        hashes : (SHA-256, XXH3), or None
            Of the encoded picture; None where it could not be read.
        embedding : float32 [D], or None
            None with an error only.
        details : (str, int, int)
            Format, width, height; empty and 0 where not known.
        """
        stored: NDArray[Any] | None = None
        if error is None:
            assert embedding is not None
            with np.errstate(over="ignore"):
                stored = embedding.astype(self._dtype)
            if not np.isfinite(stored).all():
                stored = None
                error = SiglipError(f"{sample.key}: a number of the embedding is beyond float16")
        status = OK if error is None else status_of(error)
        self.counts[status] = self.counts.get(status, 0) + 1
        self._embeddings.append(stored)
        format, width, height = details
        values = (
            sample.key,
            sample.row,
            status,
            None if error is None else _cut(error.message),
            format or None,
            width or None,
            height or None,
            None if sample.data is None else len(sample.data),
            *(hashes or (None, None)),
            *sample.kept,
        )
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def embedding_hash(self) -> str:
        """SHA-256, in hexadecimal, of the stored numbers of all rows that are ok, little-endian, in their order."""
        digest = hashlib.sha256()
        for stored in self._embeddings:
            if stored is not None:
                digest.update(stored.astype(self._dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def to_parquet(self, footer: Mapping[str, Any]) -> memoryview:
        """The whole object. `footer` becomes the metadata "siglip"."""
        embedding = self._embedding_column()
        arrays: list[pa.Array] = []
        columns = iter(self._columns)
        for field in self._schema:
            if field.name == "embedding":
                arrays.append(embedding)
            elif pa.types.is_dictionary(field.type):
                # Sorted, so that the bytes do not depend on which came first.
                arrays.append(_dictionary(next(columns), sorted(self.counts)))
            else:
                arrays.append(pa.array(next(columns), field.type))
        metadata = {FOOTER_KEY: canonical_json(footer).encode()}
        schema = self._schema.with_metadata(metadata)
        table = pa.Table.from_arrays(arrays, schema=schema)
        names = [column.path for column in _leaf_columns(schema)]
        stored = [name for name in names if name.startswith("embedding.")]
        sink = pa.BufferOutputStream()
        # Every setting that decides bytes is said, whatever the defaults will be.
        with pq.ParquetWriter(
            sink,
            schema,
            version="2.6",
            data_page_version="1.0",
            compression={name: "NONE" if name in stored else "ZSTD" for name in names},
            compression_level={name: 3 for name in names if name not in stored},
            use_dictionary=["status", "format"],
            write_statistics=[name for name in names if name not in stored],
            data_page_size=1 << 20,
            write_batch_size=1024,
            store_schema=True,
            write_page_index=False,
            write_page_checksum=True,
        ) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP)
        return memoryview(sink.getvalue())

    def _embedding_column(self) -> pa.Array:
        field = self._schema.field("embedding")
        dimension = field.type.list_size
        rows = np.zeros((len(self._embeddings), dimension), self._dtype)
        missing = np.zeros(len(self._embeddings), bool)
        for index, stored in enumerate(self._embeddings):
            if stored is None:
                missing[index] = True
            else:
                rows[index] = stored
        values = pa.array(rows.reshape(-1), field.type.value_type)
        return pa.FixedSizeListArray.from_arrays(values, type=field.type, mask=pa.array(missing))


def _dictionary(values: list[str], words: list[str]) -> pa.Array:
    number = {word: index for index, word in enumerate(words)}
    indices = pa.array([number[value] for value in values], pa.int8())
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _leaf_columns(schema: pa.Schema) -> list[Any]:
    sink = pa.BufferOutputStream()
    pq.write_metadata(schema, sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [parquet.column(index) for index in range(len(parquet.names))]


def _cut(message: str) -> str:
    encoded = message.encode("utf-8", "backslashreplace")
    return encoded[:_MOST_ERROR_BYTES].decode("utf-8", "ignore")


def read_footer(source: Any, name: str) -> dict[str, Any]:
    """The metadata "siglip" of an object that `ShardTable.to_parquet` made.

    Parameters
    ----------
    source : file object or pyarrow.Buffer
        Of which only the end is read.
    name : str
        What errors call it.

    Raises
    ------
    MalformedFile
        For any other object.
    """
    try:
        metadata = pq.read_metadata(source).metadata or {}
        footer: dict[str, Any] = json.loads(metadata[FOOTER_KEY])
        return footer
    except SiglipError:  # of the stream: also an OSError or a ValueError
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise MalformedFile(f"{name}: is no result of a bulk job: {error}") from error
