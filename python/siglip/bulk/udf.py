"""Embeddings as a column in somebody else's engine.

The engine decides what is done again, what is written and when: none of what a bulk job promises holds (docs/bulk.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import InvalidArgument, MalformedFile
from ..loading import Precision
from ..model import Model, load
from .table import OK, status_of


class RayEmbed:
    """A class for `ray.data.Dataset.map_batches`: tables in, the same tables with one column more out.

    The column is a struct: status ("ok" or what went wrong, such as "malformed_file"), error (text), width, height,
    embedding (D numbers, not normalised; null unless ok). A picture that fails fails only itself.

    Parameters
    ----------
    model : str
        As `siglip.load` takes it.
    precision : str, optional
    image : str
        The column with encoded pictures: binary, or the struct with "bytes" that Hugging Face's datasets have.
    column : str
        What the new one is called.
    threads : int
        As many as num_cpus of the actor.

    Examples
    --------
    >>> pictures = ray.data.read_parquet("s3://bucket/pictures")
    >>> embedded = pictures.map_batches(
    ...     RayEmbed,
    ...     fn_constructor_kwargs={"model": "google/siglip2-base-patch16-224", "precision": "int8"},
    ...     batch_format="pyarrow",
    ...     batch_size=256,
    ...     num_cpus=1,
    ...     concurrency=16,
    ... )
    """

    def __init__(
        self,
        model: str,
        precision: Precision | None = None,
        image: str = "bytes",
        column: str = "siglip",
        threads: int = 1,
    ) -> None:
        self._model: Model = load(model, precision=precision, threads=threads)
        self._image = image
        self._column = column

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Raises InvalidArgument for a table without such a column."""
        if self._image not in batch.column_names:
            raise InvalidArgument(
                f"image: expected one of {', '.join(batch.column_names)}, found {self._image!r}"
            )
        pictures = _binaries(batch.column(self._image), self._image)
        dimension = self._model.dim
        rows = np.zeros((len(batch), dimension), np.float32)
        fields: list[list[Any]] = [[], [], [], []]
        for index, result in enumerate(self._model.stream(pictures, key=_picture)):
            error = result.error
            if error is None:
                assert result.embedding is not None
                rows[index] = result.embedding
            values = (
                OK if error is None else status_of(error),
                None if error is None else error.message,
                result.width or None,
                result.height or None,
            )
            for field, value in zip(fields, values, strict=True):
                field.append(value)
        failed = pa.array([status != OK for status in fields[0]], pa.bool_())
        vectors = pa.FixedSizeListArray.from_arrays(
            pa.array(rows.reshape(-1)), type=pa.list_(pa.float32(), dimension), mask=failed
        )
        types = (pa.string(), pa.string(), pa.uint32(), pa.uint32())
        arrays = [pa.array(field, type) for field, type in zip(fields, types, strict=True)]
        names = ["status", "error", "width", "height", "embedding"]
        return batch.append_column(
            self._column, pa.StructArray.from_arrays([*arrays, vectors], names)
        )


def _binaries(column: pa.ChunkedArray, name: str) -> Iterator[pa.Scalar]:
    if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        position = column.type.get_field_index("bytes")
        chunks = [chunk.flatten()[position] for chunk in column.chunks]  # null where the struct is
        column = pa.chunked_array(chunks, column.type.field(position).type)
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise InvalidArgument(f"image: expected a column of bytes, found {name} of {column.type}")
    return (value for chunk in column.chunks for value in chunk)


def _picture(value: pa.Scalar) -> memoryview:
    if not value.is_valid:
        raise MalformedFile("there is no picture: the value is null")
    return memoryview(value.as_buffer()).cast("B")  # Arrow's own are of signed numbers
