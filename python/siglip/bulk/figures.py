"""Numbers as people read them; as the native command line writes them."""

from __future__ import annotations

import math


def format_bytes(count: float) -> str:
    """ "371.6 MB": three digits or more, powers of 1000."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        # 999,950 and more would round to "1000.0".
        if count < 999.95 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} B" if unit == "B" else f"{count:,.1f} {unit}"


def format_duration(seconds: float) -> str:
    """ "1:02:03", or "2:03" below an hour; rounded up."""
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_rate(bytes_per_second: float) -> str:
    return f"{format_bytes(bytes_per_second)}/s"
