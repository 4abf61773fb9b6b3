"""``load_image`` of transformers, which scripts import from here."""

import os
from os import PathLike
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgument, MalformedFile, NotFound
from .pictures import check_no_url, is_pil_image

if TYPE_CHECKING:
    from PIL.Image import Image


def load_image(image: "str | PathLike[str] | Image", timeout: float | None = None) -> "Image":
    """Opens a picture with PIL, which must be installed.

    Parameters
    ----------
    image : str, path or PIL.Image
        URLs are refused.
    timeout : float, optional
        Without effect.

    Returns
    -------
    PIL.Image
        RGB, upright as EXIF says.

    Raises
    ------
    NotFound
        For a file that is not there.
    MalformedFile
        For one that PIL cannot read.
    Unsupported
        For a URL.
    InvalidArgument
        For anything else.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    opened: Any = image
    if isinstance(image, str | PathLike):
        path = os.fspath(image)
        check_no_url(path)
        try:
            opened = Image.open(path)
        except FileNotFoundError as error:
            raise NotFound(f"{path}: no such file") from error
        except UnidentifiedImageError as error:
            raise MalformedFile(f"{path}: {error}") from error
    elif not is_pil_image(image):
        raise InvalidArgument(
            f"image: expected a path or a PIL.Image, found {type(image).__name__}"
        )
    return ImageOps.exif_transpose(opened).convert("RGB")
