"""How much of an input is held in memory."""

from __future__ import annotations

from ..errors import LimitExceeded, MalformedFile, SiglipError

#: Of an encoded picture, as everywhere in siglip (`siglip::DecodeLimits`).
MOST_PICTURE_BYTES = 256 << 20
#: Of a member of a tar that becomes a column.
MOST_KEPT_BYTES = 1 << 20
#: Of pictures that are fetched ahead.
AHEAD_BYTES = 32 << 20
AHEAD_COUNT = 16


def check_size(key: str, size: int) -> SiglipError | None:
    """What is wrong with an encoded picture of this size, if anything."""
    if size > MOST_PICTURE_BYTES:
        return LimitExceeded(f"{key}: has {size} bytes, more than {MOST_PICTURE_BYTES}")
    return MalformedFile(f"{key}: is empty") if size == 0 else None
