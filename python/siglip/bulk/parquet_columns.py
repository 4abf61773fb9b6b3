"""Which columns of a Parquet file are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from ..errors import InvalidArgument
from .sample import ReadOptions

# Columns of these names are pictures where their type allows it. Case does not matter.
_PICTURE_NAMES = (
    "image",
    "img",
    "picture",
    "photo",
    "jpg",
    "jpeg",
    "png",
    "webp",
    "bytes",
    "content",
    "data",
    "image_bytes",
    "image_data",
)
_PATH_NAMES = (
    "image",
    "img",
    "picture",
    "photo",
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "uri",
)

ImageKind = Literal["bytes", "path", "struct"]


@dataclass(frozen=True)
class ParquetColumns:
    """Attributes
    ----------
    image : str
        The column with pictures.
    kind : "bytes", "path" or "struct"
        A struct has "bytes" and may have "path", as Hugging Face's datasets write it.
    key : str or None
    keep : tuple of pyarrow.Field
        As they are in the result.
    """

    image: str
    kind: ImageKind
    key: str | None
    keep: tuple[pa.Field, ...]

    @property
    def names(self) -> list[str]:
        """All, without repetition."""
        names = [
            self.image,
            *([self.key] if self.key else []),
            *(field.name for field in self.keep),
        ]
        return list(dict.fromkeys(names))


def choose_columns(schema: pa.Schema, options: ReadOptions, name: str) -> ParquetColumns:
    """Follows `options`, and else names and types.

    Parameters
    ----------
    name : str
        What errors call the file.

    Raises
    ------
    InvalidArgument
        Where nothing or several columns fit; lists them.
    """
    image = _named_image(schema, options, name) if options.image else _found_image(schema, name)
    kind = _kind_of(schema.field(image).type)
    assert kind is not None
    if options.key is not None:
        _check_there(schema, options.key, "key", name)
        key_type = _plain(schema.field(options.key).type)
        if not (is_text(key_type) or is_bytes(key_type) or pa.types.is_integer(key_type)):
            raise InvalidArgument(
                f"{name}: key: column {options.key!r} is {key_type}, expected strings or integers"
            )
    keep = []
    for each in options.keep:
        _check_there(schema, each, "keep", name)
        field = schema.field(each)
        keep.append(pa.field(each, _kept_type(field.type, each, name)))
    return ParquetColumns(image, kind, options.key, tuple(keep))


def _named_image(schema: pa.Schema, options: ReadOptions, name: str) -> str:
    for each in options.image:
        if schema.names.count(each) == 1:
            if _kind_of(schema.field(each).type) is None:
                raise InvalidArgument(
                    f"{name}: image: column {each!r} is {schema.field(each).type}, expected bytes, "
                    "paths or a struct with bytes"
                )
            return each
    raise InvalidArgument(
        f"{name}: image: none of its columns is called {' or '.join(map(repr, options.image))}; "
        f"it has {_listed(schema)}"
    )


def _found_image(schema: pa.Schema, name: str) -> str:
    kinds = {field.name: _kind_of(field.type) for field in schema}
    contents = [each for each, kind in kinds.items() if kind in ("bytes", "struct")]
    named = [each for each in contents if each.lower() in _PICTURE_NAMES]
    paths = [each for each, kind in kinds.items() if kind == "path" and each.lower() in _PATH_NAMES]
    found = named or contents or paths
    if len(found) == 1 and schema.names.count(found[0]) == 1:
        return str(found[0])
    what = (
        f"several columns may be pictures: {', '.join(found)}"
        if found
        else (f"no column is known to be pictures; it has {_listed(schema)}")
    )
    raise InvalidArgument(f"{name}: {what}", "name the column: siglip bulk plan --image COLUMN")


def _kind_of(type: pa.DataType) -> ImageKind | None:
    type = _plain(type)
    if is_bytes(type):
        return "bytes"
    if is_text(type):
        return "path"
    if pa.types.is_struct(type):
        index = type.get_field_index("bytes")
        if index >= 0 and is_bytes(_plain(type.field(index).type)):
            return "struct"
    return None


def _plain(type: pa.DataType) -> pa.DataType:
    """Of a dictionary or an extension type what it stands for."""
    while True:
        if isinstance(type, pa.BaseExtensionType):
            type = type.storage_type
        elif pa.types.is_dictionary(type):
            type = type.value_type
        else:
            return type


def _kept_type(type: pa.DataType, column: str, name: str) -> pa.DataType:
    type = _plain(type)
    if pa.types.is_nested(type):
        raise InvalidArgument(
            f"{name}: keep: column {column!r} is {type}; only columns of plain values can be kept"
        )
    if pa.types.is_string_view(type):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(type) else type


def is_bytes(type: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_binary_view(type)
    )


def is_text(type: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
    )


def _check_there(schema: pa.Schema, column: str, option: str, name: str) -> None:
    if schema.names.count(column) != 1:
        raise InvalidArgument(
            f"{name}: {option}: has not one column {column!r}; it has {_listed(schema)}"
        )


def _listed(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema) or "none"
