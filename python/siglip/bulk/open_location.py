"""Locations by what people write: paths and addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from ..errors import InvalidArgument, Unsupported
from .local_location import LocalLocation
from .location import Location

OPTIONS = (
    "anonymous",
    "requester_pays",
    "region",
    "endpoint",
    "allow_http",
    "virtual_hosted_style",
)


def open_location(
    uri: str, options: Mapping[str, str] | None = None, *, read_only: bool = False
) -> Location:
    """Asks nothing of a server yet.

    Parameters
    ----------
    uri : str
        A folder, also as file://; a bucket and a prefix as s3://, gs:// or az://; an address as
        http:// or https://; or whatever else fsspec knows. The last two only for reading. Keys of
        S3 and Google are meant literally, without percent-encoding.
    options : mapping
        How a store is reached: anonymous, requester_pays (S3: true; Google: the project that pays),
        region, endpoint, allow_http, virtual_hosted_style. Credentials come from the environment.
    read_only : bool
        That nothing will be written.

    Raises
    ------
    InvalidArgument
        Options that are not known, or not to this kind of location.
    Unsupported
        Unknown schemes, and those that cannot be written.
    """
    options = options or {}
    _check(options, OPTIONS, "an option of locations")
    if not uri:
        raise InvalidArgument("a location: expected a folder or an address, found nothing")
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", uri)
    scheme = found[1].lower() if found else "file"
    if scheme == "file":
        _check(options, (), "an option of folders")
        return LocalLocation(os.path.abspath(_local_path(uri) if found else uri))
    from . import object_stores  # obstore is not needed for folders

    if scheme in object_stores.SCHEMES:
        _check(options, object_stores.SCHEMES[scheme], f"an option of {scheme}://")
        address = scheme + uri[len(scheme) :]
        return object_stores.object_location(scheme, address, options, read_only=read_only)
    if not read_only:
        raise Unsupported(
            f"{uri}: {scheme}:// is for reading only",
            "results go to a folder, " + ", ".join(f"{name}://" for name in ("s3", "gs", "az")),
        )
    from .fsspec_location import FsspecLocation

    _check(options, (), f"an option of {scheme}://")
    return FsspecLocation(uri)


def _check(options: Mapping[str, str], known: tuple[str, ...], what: str) -> None:
    for name in options:
        if name not in known:
            raise InvalidArgument(
                f"{name!r}: is not {what}", "there are " + ", ".join(known) if known else "none"
            )


def _local_path(uri: str) -> str:
    host, slash, path = uri[len("file://") :].partition("/")
    if host not in ("", "localhost"):
        raise InvalidArgument(f"{uri}: names another machine, {host}", "file:///folder is a folder")
    return os.fsdecode(unquote_to_bytes(slash + path))
