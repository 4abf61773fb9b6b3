"""What goes wrong: one base class, and under it a class per code of the C++ library, each of which
is also the Python exception one would expect."""

from typing import Any


class SiglipError(Exception):
    """Base of all errors of this package.

    Attributes
    ----------
    code : str
        The kind of failure, as in C++: ``"not found"``, ``"malformed file"``, ...
    message : str
        What failed: the file, tensor or argument, what was expected and what was found.
    hint : str
        What the user can do about it; may be empty.
    """

    code: str = "internal error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:  # KeyError, OSError and others have one of their own
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message, self.hint))


class InvalidArgument(SiglipError, ValueError):
    """A value handed in by the caller is out of its range."""

    code = "invalid argument"


class NotFound(SiglipError, FileNotFoundError):
    """A file, folder, tensor or field that must be there is not."""

    code = "not found"


class IOFailure(SiglipError, OSError):
    """The operating system, or a server, refused to read or write."""

    code = "input/output error"


class MalformedFile(SiglipError, ValueError):
    """Foreign bytes break the rules of their format."""

    code = "malformed file"


class Unsupported(SiglipError, NotImplementedError):
    """Well-formed, but something this package does not do."""

    code = "unsupported"


class Mismatch(SiglipError, ValueError):
    """Two things that must agree do not: shapes, names, dtypes."""

    code = "mismatch"


class LimitExceeded(SiglipError, MemoryError):
    """A limit on pixels, bytes or memory was reached before allocating."""

    code = "limit exceeded"


class Cancelled(SiglipError):
    """The caller asked to stop."""

    code = "cancelled"


class InternalError(SiglipError, RuntimeError):
    """A bug of this library."""

    code = "internal error"


class PictureError(SiglipError, ValueError):
    """One picture of many failed; why is in ``__cause__``.

    Attributes
    ----------
    index : int
        Its position among the pictures, from 0.
    source : object
        What was handed in for it.
    """

    def __init__(
        self, message: str, hint: str = "", *, code: str, index: int, source: object
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.index = index
        self.source = source

    def __reduce__(self) -> tuple[Any, ...]:
        return (_picture_error, (self.message, self.hint, self.code, self.index, self.source))


class SiglipWarning(UserWarning):
    """Something was done as asked that the model was not trained for."""


def _picture_error(message: str, hint: str, code: str, index: int, source: object) -> PictureError:
    return PictureError(message, hint, code=code, index=index, source=source)


_CLASSES: dict[str, type[SiglipError]] = {
    error.code: error
    for error in (
        InvalidArgument,
        NotFound,
        IOFailure,
        MalformedFile,
        Unsupported,
        Mismatch,
        LimitExceeded,
        Cancelled,
        InternalError,
    )
}


def from_code(code: str, message: str, hint: str) -> SiglipError:
    """The error of C++ with this code. One that is not known here has the base class."""
    error_class = _CLASSES.get(code)
    if error_class is not None:
        return error_class(message, hint)
    error = SiglipError(message, hint)
    error.code = code
    return error
