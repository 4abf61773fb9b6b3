"""Names of foreign files as keys: strings that are UTF-8, whatever bytes the names have."""

from __future__ import annotations


def key_of(name: str | bytes) -> str:
    """Bytes that are no UTF-8 become "%" and two hexadecimal digits.

    Parameters
    ----------
    name : str or bytes
        A str has such bytes as `os.fsdecode` gives them.
    """
    raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    key = ""
    while raw:
        try:
            return key + raw.decode()
        except UnicodeDecodeError as error:
            key += raw[: error.start].decode()
            key += "".join(f"%{byte:02X}" for byte in raw[error.start : error.end])
            raw = raw[error.end :]
    return key
