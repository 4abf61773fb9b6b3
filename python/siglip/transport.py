"""How requests to the hub are sent: by urllib, so that proxies and certificates are Python's."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any

from .errors import IOFailure

_PIECE = 1 << 20  # bytes read at a time


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The library follows redirects itself, since it must know what to tell whom."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def send(
    url: str,
    headers: dict[str, str],
    head: bool,
    timeout: int,
    sink: Callable[[int, dict[str, str], bytes], bool],
) -> tuple[int, dict[str, str]]:
    """One request.

    Parameters
    ----------
    url : str
    headers : dict
    head : bool
        Ask for the headers of the answer only.
    timeout : int
        Seconds of silence after which the connection is given up.
    sink : callable
        Takes the body of a successful answer piece by piece, each with the status and the headers,
        until it answers False.

    Returns
    -------
    tuple of int and dict
        The status of the answer, and its headers by their names in lower case.

    Raises
    ------
    IOFailure
        For what will not pass by itself: a certificate that is not trusted, a proxy that refuses.
    OSError
        Any other: no answer, or one that breaks off. The same request may succeed later.
    """
    request = urllib.request.Request(url, headers=headers, method="HEAD" if head else "GET")
    # Made anew, because the environment may have changed.
    opener = urllib.request.build_opener(_NoRedirect)
    host = request.host or url
    try:
        with opener.open(request, timeout=timeout) as answer:
            if 200 <= answer.status <= 299 and not head:
                _read(answer, lambda piece: sink(answer.status, _lower(answer.headers), piece))
            return answer.status, _lower(answer.headers)
    except urllib.error.HTTPError as error:  # an answer all the same
        with error:
            return error.code, _lower(error.headers)
    except urllib.error.URLError as error:
        raise _failure(host, error.reason) from error
    except ssl.SSLError as error:
        raise _failure(host, error) from error
    except http.client.HTTPException as error:
        raise ConnectionError(f"{host}: {type(error).__name__}: {error}") from error


def _read(answer: Any, sink: Callable[[bytes], bool]) -> None:
    length = answer.length  # None: not told
    received = 0
    while piece := answer.read1(_PIECE):
        received += len(piece)
        if not sink(piece):
            return
    if length is not None and received < length:
        raise ConnectionError(f"the answer broke off after {received} of {length} bytes")


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _failure(host: str, reason: object) -> OSError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return IOFailure(
            f"{host}: its certificate is not trusted: {reason.verify_message}",
            "SSL_CERT_FILE names a file with certificates to trust",
        )
    if isinstance(reason, OSError) and "Tunnel connection failed" in str(reason):
        return IOFailure(f"{host}: the proxy refused: {reason}")
    return ConnectionError(f"{host}: {reason}")
