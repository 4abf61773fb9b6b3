"""Whatever a user has for a picture, as the library takes it. Imports neither PIL nor torch."""

import os
from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from .arrays import SupportsArray, SupportsDLPack, to_numpy
from .errors import InvalidArgument, MalformedFile, Mismatch, Unsupported

if TYPE_CHECKING:
    from . import _siglip

Picture: TypeAlias = (
    str | PathLike[str] | bytes | bytearray | memoryview | SupportsArray | SupportsDLPack
)
"""A path; the bytes of a picture file; a PIL.Image; pixels, uint8 [H, W], [H, W, 1, 3 or 4] or
[3, H, W]. URLs are refused."""

ChannelOrder: TypeAlias = Literal["channels_first", "channels_last"]

_URL_SCHEMES = ("http://", "https://", "ftp://", "s3://", "gs://", "data:")
# Of PIL's modes those whose bytes are pixels as they are, and those with an alpha channel.
_PLAIN_MODES = ("L", "RGB", "RGBA")
_ALPHA_MODES = ("LA", "La", "PA", "RGBa")


def is_pil_image(value: object) -> bool:
    return any(
        base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(value).__mro__
    )


def is_picture(value: object) -> "TypeGuard[Picture]":
    """Whether it is one picture, not several: arrays of four axes are several."""
    if isinstance(value, str | PathLike | bytes | bytearray | memoryview) or is_pil_image(value):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "OU" and value.ndim < 4
    if hasattr(value, "__dlpack__") or hasattr(value, "__array_interface__"):
        return len(cast(Any, value).shape) < 4
    return False


def iterate_pictures(images: "Picture | Iterable[Picture]") -> Iterable[Any]:
    """One or many as an iterable.

    Raises
    ------
    InvalidArgument
        For what is neither.
    """
    if is_picture(images):
        return [images]
    if not isinstance(images, Iterable):
        raise _no_picture(images)
    return images


def list_of_paths(pictures: Iterable[Any]) -> list[str] | None:
    """The paths, where that is all there is; None for anything else, URLs among them."""
    if not isinstance(pictures, list | tuple):
        return None
    paths: list[str] = []
    for picture in pictures:
        if not isinstance(picture, str | PathLike):
            return None
        path = os.fsdecode(os.fspath(picture))
        if _is_url(path):
            return None
        paths.append(path)
    return paths


def to_native(
    picture: object, name: str = "", channel_order: ChannelOrder | None = None
) -> "_siglip.Picture":
    """One picture for the library. What is in a file is looked at later.

    Parameters
    ----------
    picture : Picture
        See `Picture`. EXIF orientation of a PIL.Image is not applied, as in transformers; that of
        a file is.
    name : str
        What errors call it; of a file, its path.
    channel_order : "channels_first" or "channels_last", optional
        Of pixels. None: told by the shape.

    Raises
    ------
    InvalidArgument
        For what is no picture.
    Mismatch
        For pixels of another shape or dtype.
    Unsupported
        For URLs, modes of PIL that have no colours, memory of a GPU.
    MalformedFile
        For a PIL.Image whose file cannot be decoded.
    """
    from . import _siglip

    if isinstance(picture, str | PathLike):
        path = os.fsdecode(os.fspath(picture))
        check_no_url(path)
        return _siglip.Picture.file(path)
    if isinstance(picture, bytes | bytearray | memoryview):
        return _siglip.Picture.bytes(picture, name)
    if is_pil_image(picture):
        return _siglip.Picture.pixels(_pixels_of_pil(picture, name), name)
    if hasattr(picture, "__dlpack__") or hasattr(picture, "__array_interface__"):
        pixels = _pixels_of_array(to_numpy(picture, name or "picture"), name, channel_order)
        return _siglip.Picture.pixels(pixels, name)
    raise _no_picture(picture)


def check_no_url(path: str) -> None:
    """Raises Unsupported for a URL."""
    if _is_url(path):
        raise Unsupported(
            f"{path}: expected a file, found a URL",
            "siglip downloads no pictures; hand in the bytes of what you downloaded",
        )


def _is_url(path: str) -> bool:
    return path.lower().startswith(_URL_SCHEMES)


def _no_picture(value: object) -> InvalidArgument:
    return InvalidArgument(
        "pictures: expected a path, the bytes of a picture file, a PIL.Image or an array of uint8, "
        f"found {type(value).__name__}"
    )


def _pixels_of_pil(image: Any, name: str) -> NDArray[np.uint8]:
    """[H, W] or [H, W, 3 or 4]."""
    try:
        mode: str = image.mode
        if mode == "La":  # which Pillow converts to nothing else
            image = image.convert("LA")
        if mode in _ALPHA_MODES or (mode != "RGBA" and "transparency" in image.info):
            image = image.convert("RGBA")
        elif mode not in _PLAIN_MODES:
            image = image.convert("RGB")
        return _with_whole_pixels(np.asarray(image, np.uint8))
    except (OSError, SyntaxError) as error:  # of files that PIL reads only now
        raise MalformedFile(f"{name or 'picture'}: {error}") from error
    except ValueError as error:  # of modes that PIL converts to no other
        raise Unsupported(f"{name or 'picture'}: mode {image.mode!r} of PIL: {error}") from error


def _pixels_of_array(
    array: NDArray[Any], name: str, channel_order: ChannelOrder | None
) -> NDArray[np.uint8]:
    """[H, W] or [H, W, 1, 3 or 4]."""
    what = name or "picture"
    if array.dtype != np.uint8:
        hint = ""
        if array.dtype.kind == "f":
            hint = "pixels are bytes from 0 to 255; tensors of prepared pixels go to the models"
        raise Mismatch(f"{what}: expected pixels of uint8, found {array.dtype}", hint)
    if array.ndim == 2:
        return _with_whole_pixels(array)
    if array.ndim == 3:
        last = array.shape[2] in (1, 3, 4)
        first = array.shape[0] in (1, 3)
        if channel_order != "channels_first" and last:
            return _with_whole_pixels(array)
        if channel_order != "channels_last" and first:
            return _with_whole_pixels(np.moveaxis(array, 0, 2))
    raise Mismatch(
        f"{what}: expected pixels of shape [H, W], [H, W, 1, 3 or 4] or [3, H, W], "
        f"found {list(array.shape)}"
    )


def _with_whole_pixels(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same pixels without gaps within a row, rows from top to bottom; copied where need be."""
    pixel = 1 if array.ndim == 2 else array.shape[2]
    whole = array.strides[1:] == ((1,) if array.ndim == 2 else (pixel, 1))
    if whole and array.strides[0] >= array.shape[1] * pixel:
        return array
    return np.ascontiguousarray(array)
