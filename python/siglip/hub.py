"""Models by their name on the Hugging Face hub, and what can be done with a checkpoint besides
loading it."""

import json
import os
import re
from collections.abc import Callable
from os import PathLike
from typing import Any, Literal

from . import _siglip
from .errors import NotFound, Unsupported

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@.+)?")


def pull(
    name: str,
    *,
    revision: str | None = None,
    progress: Callable[[int, int], None] | bool = False,
) -> str:
    """Downloads what the cache of the Hugging Face hub lacks of a model.

    The variables HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and
    HF_HUB_DOWNLOAD_TIMEOUT mean what they mean to huggingface_hub; proxies are those of the
    environment. A download that was interrupted goes on where it ended.

    Parameters
    ----------
    name : str
        ``"organisation/name"``, with or without ``"@revision"``.
    revision : str, optional
        A branch, tag or commit; None: the one in the name, else ``"main"``.
    progress : callable or bool
        Called with bytes present and bytes in all. True: a bar of tqdm.

    Returns
    -------
    str
        The folder.

    Raises
    ------
    SiglipError
        `NotFound`, `IOFailure` and others.
    """
    from .transport import send

    if progress is False:
        return _siglip.pull_model(name, revision or "", None, send)
    if progress is not True:
        tell = progress

        def report(file: str, total: int, present: int, received: int) -> None:
            tell(present + received, total)

        return _siglip.pull_model(name, revision or "", report, send)

    from .progress import ByteBar

    with ByteBar(name) as bar:
        return _siglip.pull_model(name, revision or "", bar, send)


def resolve(model: str | PathLike[str], *, revision: str | None = None) -> str:
    """The folder of a model: a path that exists as it is, a name of the hub out of the cache.
    Nothing is downloaded.

    Raises
    ------
    NotFound
        For what is neither, and for models that the cache lacks or has only in part.
    """
    return _siglip.resolve_model(os.fspath(model), revision or "")


def locate(
    model: str | PathLike[str],
    *,
    revision: str | None = None,
    download: bool = True,
    any_file: bool = False,
) -> str:
    """The folder of a model, downloaded where the cache lacks it and `download` allows.

    `any_file`: it need not have weights.
    """
    name = os.fspath(model)
    try:
        return _siglip.resolve_model(name, revision or "", any_file)
    except NotFound:
        if not download or _offline() or os.path.exists(name) or not _NAME.fullmatch(name):
            raise
    return pull(name, revision=revision)


def _offline() -> bool:
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def inspect(model: str | PathLike[str], *, revision: str | None = None) -> dict[str, Any]:
    """What a checkpoint holds and what it costs to run, without loading it.

    Returns
    -------
    dict
        What ``siglip inspect --json`` prints.
    """
    return _as_object(_siglip.inspect(resolve(model, revision=revision)))


def convert(
    model: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    precision: Literal["f32", "bf16", "int8", "auto"] | None = None,
    replace: bool = False,
) -> None:
    """Writes a checkpoint anew.

    Parameters
    ----------
    model : str or path
        Any checkpoint that `siglip.load` takes.
    folder : str or path
        Made if need be. Its files appear together, whole or not at all.
    precision : "f32", "bf16", "int8" or "auto", optional
        Packs the weights as they are held for computing on this machine: loading then maps the
        file. None: as a checkpoint of transformers, in float32.
    replace : bool
        Whether files that are there may be replaced.
    """
    from .runtime import shared_runtime

    path = resolve(model)
    if precision is None:
        _siglip.convert_to_transformers(path, os.fspath(folder), replace)
    else:
        runtime = shared_runtime().native
        _siglip.pack_checkpoint(path, os.fspath(folder), precision, runtime, replace)


def check_hub_arguments(cache_dir: object, token: object) -> None:
    """Arguments of transformers that the library takes from the environment."""
    if cache_dir is not None:
        raise Unsupported("cache_dir is no argument here", "set HF_HUB_CACHE instead")
    if isinstance(token, str):
        raise Unsupported("token is no argument here", "set HF_TOKEN instead")


def _as_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    assert isinstance(value, dict)
    return value
