"""Which files of a folder are what, by the ending of their names."""

from __future__ import annotations

from typing import Literal

#: What siglip decodes, as everywhere in siglip (src/image/image_format.cc).
PICTURE_ENDINGS = (
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "png",
    "apng",
    "webp",
    "gif",
    "bmp",
    "dib",
    "tif",
    "tiff",
    "pbm",
    "pgm",
    "ppm",
    "pnm",
    "avif",
    "avifs",
    "heic",
    "heif",
)

_COMPRESSED_TARS = (
    ".tar.gz",
    ".tgz",
    ".tar.zst",
    ".tar.bz2",
    ".tar.xz",
    ".tar.lz4",
    ".tar.lzma",
)

FileKind = Literal["tar", "parquet", "picture", "compressed tar"]


def kind_of(path: str) -> FileKind | None:
    """None: none of these. Case does not matter."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(_COMPRESSED_TARS):
        return "compressed tar"
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem:
        return None
    if ending == "tar":
        return "tar"
    if ending == "parquet":
        return "parquet"
    return "picture" if ending in PICTURE_ENDINGS else None
