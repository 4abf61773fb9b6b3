"""Renaming that fails where the new name is taken, which Python does not offer."""

from __future__ import annotations

import ctypes
import errno
import os

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_NOT_HERE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


def rename_without_replacing(old: str, new: str) -> bool | None:
    """Atomically, by Linux's renameat2.

    Returns
    -------
    bool or None
        False where the new name is taken. None where the file system, or the C library, cannot do
        it.

    Raises
    ------
    OSError
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # a C library before glibc 2.28
        return None
    if renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    if code in _NOT_HERE:
        return None
    raise OSError(code, os.strerror(code), old, None, new)
