"""What obstore raises, as what it means here."""

from __future__ import annotations

import re

from obstore.exceptions import (
    InvalidPathError,
    NotSupportedError,
    PreconditionError,
)

from ..errors import NotFound, SiglipError, Unsupported
from .errors import PLAN_AGAIN, InputChanged, TransportError
from .retries import Transient

_PASSING = {408, 409, 425, 429}
_PASSING_CODES = ("RequestTimeout", "SlowDown", "BadDigest", "IncompleteBody", "InternalError")
_REFUSING_CODES = ("NotImplemented", "InvalidArgument", "InvalidRequest", "UnsupportedHeader")
_CREDENTIALS = "credentials come from the environment; option anonymous=true sends none"


class ConditionRefused(Exception):
    """The store does not know how to create only what is not there."""


def status_of(error: Exception) -> int | None:
    """Of the answer that the error tells of; None where there was none."""
    found = re.search(r"status code: (\d{3})", _headline(error))
    return int(found[1]) if found else None


def refuses_condition(error: Exception) -> bool:
    """Whether a request with If-None-Match failed because of it."""
    if isinstance(error, (NotSupportedError, NotImplementedError)):
        return True
    status = status_of(error)
    return status == 501 or (
        status == 400 and (_code(error) in _REFUSING_CODES or "If-None-Match" in str(error))
    )


def translate(address: str, error: Exception, seconds: float) -> SiglipError | Transient:
    """Parameters
    ----------
    seconds : float
        After which a request was given up.
    """
    if isinstance(error, FileNotFoundError):
        missing = _code(error) == "NoSuchBucket"
        return NotFound(f"{address}: {'no such bucket' if missing else 'no such object'}")
    if isinstance(error, PreconditionError):
        return InputChanged(
            f"{address}: has changed since it was listed",
            PLAN_AGAIN,
        )
    reason = _reason(error, seconds)
    if isinstance(error, InvalidPathError):
        return Unsupported(f"{address}: {reason}", "rename it, or name a folder without it")
    if isinstance(error, (NotSupportedError, NotImplementedError)):
        return Unsupported(f"{address}: {reason}")
    status = status_of(error)
    if status is None:
        return _without_answer(address, error, reason)
    if status in (401, 403):  # by number: listings have no class of their own for these
        return TransportError(f"{address}: {reason}", _CREDENTIALS)
    if status == 404:
        return NotFound(f"{address}: no such bucket or folder")
    passes = status in _PASSING or (status >= 500 and status != 501)
    if passes or _code(error) in _PASSING_CODES:
        return Transient(reason)
    if "PROPFIND" in _headline(error):
        return Unsupported(f"{address}: this server cannot list", "name files one by one")
    return TransportError(f"{address}: {reason}")


def _without_answer(address: str, error: Exception, reason: str) -> SiglipError | Transient:
    headline, text = _headline(error), str(error)
    if "redirect without LOCATION" in headline:
        return TransportError(f"{address}: lies in another region", "option region=NAME")
    if "non-partial response" in headline:
        return Unsupported(f"{address}: this server cannot send parts of a file")
    if "BadScheme" in text:
        return TransportError(
            f"{address}: is reached without encryption", "option allow_http=true permits it"
        )
    if "InvalidCertificate" in text:
        return TransportError(f"{address}: the certificate of the server is not trusted")
    if isinstance(error, (ValueError, TypeError)) or "builder error" in headline:
        return TransportError(f"{address}: {reason}")
    return Transient(reason)


def _headline(error: Exception) -> str:
    return str(error).split("\n\nDebug source", 1)[0]


def _code(error: Exception) -> str | None:
    """The one of S3 and those like it."""
    found = re.search(r"<Code>(\w+)</Code>", _headline(error))
    return found[1] if found else None


def _reason(error: Exception, seconds: float) -> str:
    """Without what changes from try to try, and without the query, which may hold a signature."""
    status, code = status_of(error), _code(error)
    if status is not None:
        message = re.search(r"<Message>([^<]{1,200})", _headline(error))
        parts = [code, message[1] if message else None]
        return ": ".join([f"answer {status}", *(part for part in parts if part)])
    text = str(error)
    if "kind: Timeout" in text:
        return f"no answer in {seconds:g} s"
    detail = re.search(r'(?:message|error): "([^"]{1,200})"', text)
    if detail:
        return detail[1]
    if "IncompleteMessage" in text or "IncompleteBody" in text:
        return "the connection broke"
    headline = " ".join(_headline(error).split())[:300]
    headline = re.sub(r"\?\S+", "?...", headline)
    return re.sub(r" in [\d.]+[a-zµ]+\b", "", headline)
