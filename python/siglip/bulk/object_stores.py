"""Stores of obstore by their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import GCSStore, HTTPStore, S3Store, from_url

from ..errors import InvalidArgument, Unsupported
from .object_location import ObjectLocation
from .retries import Patience

_LONGEST_REQUEST = timedelta(hours=12)  # silence ends a request, not its length
_EXPRESS = "--x-s3"  # ends the names of buckets of S3 that list in no order

_S3 = ("anonymous", "requester_pays", "region", "endpoint", "allow_http", "virtual_hosted_style")
_GCS = ("anonymous", "requester_pays", "endpoint", "allow_http")
_AZURE = ("anonymous", "endpoint", "allow_http")
_HTTP: tuple[str, ...] = ("allow_http",)

#: Scheme -> the options it takes.
SCHEMES: dict[str, tuple[str, ...]] = {
    "s3": _S3,
    "s3a": _S3,
    "gs": _GCS,
    "az": _AZURE,
    "azure": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "adl": _AZURE,
    "http": _HTTP,
    "https": _HTTP,
}


def object_location(
    scheme: str, uri: str, options: Mapping[str, str], *, read_only: bool
) -> ObjectLocation:
    """Parameters
    ----------
    scheme : str
        One of `SCHEMES`.
    options : mapping
        Those that the scheme takes. `requester_pays` is "true" for S3 and the project that pays for
        Google.

    Raises
    ------
    InvalidArgument, Unsupported
    """
    uri = uri.rstrip("/")
    rest = uri[len(scheme) + 3 :]
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise InvalidArgument(f"{uri}: names no bucket")
    configuration: Any = {}
    client: dict[str, Any] = {}
    if "allow_http" in options:
        client["allow_http"] = _flag(options, "allow_http")
    if _flag(options, "anonymous"):
        configuration["skip_signature"] = True
    make: Callable[..., Any]
    if scheme in ("s3", "s3a"):
        make = _s3(bucket, prefix, configuration, options)
    elif scheme == "gs":
        make = _gcs(bucket, prefix, configuration, client, options)
    elif scheme in ("http", "https"):
        if not read_only:
            raise Unsupported(f"{uri}: addresses of the web are for reading only")
        client["allow_http"] = True if scheme == "http" else client.get("allow_http", False)
        make = _http(uri)
    else:
        make = _azure(uri, configuration, options)

    def make_store(seconds: float) -> Any:
        try:
            return make(
                client_options={
                    **client,
                    "connect_timeout": timedelta(seconds=Patience.from_environment().connect),
                    "read_timeout": timedelta(seconds=seconds),
                    "timeout": _LONGEST_REQUEST,
                },
                # One try: ours are counted in one place.
                retry_config={"max_retries": 0},
            )
        except (BaseError, ValueError) as error:
            raise InvalidArgument(f"{uri}: {str(error).splitlines()[0]}") from error

    ordered = scheme in ("s3", "s3a", "gs") and not bucket.endswith(_EXPRESS)
    return ObjectLocation(uri, make_store, ordered=ordered)


def _s3(
    bucket: str, prefix: str, configuration: Any, options: Mapping[str, str]
) -> Callable[..., Any]:
    configuration["bucket"] = bucket
    # Deleting many at once is never needed, and unknown to some servers.
    configuration["disable_bulk_delete"] = True
    for name, key in (("region", "region"), ("endpoint", "endpoint")):
        if name in options:
            configuration[key] = options[name]
    if "virtual_hosted_style" in options:
        configuration["virtual_hosted_style_request"] = _flag(options, "virtual_hosted_style")
    if _flag(options, "requester_pays"):
        configuration["request_payer"] = True
    return lambda **further: S3Store(prefix=prefix or None, config=configuration, **further)


def _gcs(
    bucket: str,
    prefix: str,
    configuration: Any,
    client: dict[str, Any],
    options: Mapping[str, str],
) -> Callable[..., Any]:
    configuration["bucket"] = bucket
    if "endpoint" in options:
        configuration["base_url"] = options["endpoint"]
    if "requester_pays" in options:
        client["default_headers"] = {"x-goog-user-project": options["requester_pays"]}
    return lambda **further: GCSStore(prefix=prefix or None, config=configuration, **further)


def _azure(uri: str, configuration: Any, options: Mapping[str, str]) -> Callable[..., Any]:
    if "endpoint" in options:
        configuration["endpoint"] = options["endpoint"]
    return lambda **further: from_url(uri, config=configuration, **further)


def _http(uri: str) -> Callable[..., Any]:
    return lambda **further: HTTPStore(uri, **further)


def _flag(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "false")
    if value not in ("true", "false"):
        raise InvalidArgument(f"{name}: expected true or false, found {value!r}")
    return value == "true"
