"""Classes of transformers that choose by what a checkpoint is."""

from __future__ import annotations

from os import PathLike
from typing import Any, ClassVar

from . import _siglip
from .configuration import config_of
from .errors import NotFound, Unsupported
from .loading import Loading
from .modeling import (
    Siglip2ForImageClassification,
    Siglip2Model,
    Siglip2TextModel,
    Siglip2VisionModel,
    SiglipForImageClassification,
    SiglipModel,
    SiglipTextModel,
    SiglipVisionModel,
)
from .pretrained_model import PreTrainedModel
from .processing import SiglipImageProcessor, SiglipProcessor, SiglipTokenizer

_BASE_MODELS: dict[str, type[PreTrainedModel]] = {
    "siglip": SiglipModel,
    "siglip_text_model": SiglipTextModel,
    "siglip_vision_model": SiglipVisionModel,
    "siglip2": Siglip2Model,
    "siglip2_text_model": Siglip2TextModel,
    "siglip2_vision_model": Siglip2VisionModel,
}
_CLASSIFIERS: dict[str, type[PreTrainedModel]] = {
    "siglip": SiglipForImageClassification,
    "siglip_vision_model": SiglipForImageClassification,
    "siglip2": Siglip2ForImageClassification,
    "siglip2_vision_model": Siglip2ForImageClassification,
}
_WHOLE_MODELS: dict[str, type[PreTrainedModel]] = {
    "siglip": SiglipModel,
    "siglip2": Siglip2Model,
}


class _AutoModel:
    _classes: ClassVar[dict[str, type[PreTrainedModel]]] = {}

    @classmethod
    def from_pretrained(cls, model: str | PathLike[str], **options: Any) -> Any:
        """Loads a checkpoint into the class that is for it; arguments as of
        `SiglipModel.from_pretrained`.

        Raises
        ------
        Unsupported
            Where there is no class for it.
        """
        loading = Loading.read(model, **options)
        kind = cls._kind(loading.source.path)
        if kind not in cls._classes:
            raise Unsupported(
                f"{loading.source.name}: {cls.__name__} has no class for checkpoints of type "
                f"{kind!r}"
            )
        return cls._classes[kind]._load(loading)

    @classmethod
    def _kind(cls, path: str) -> str:
        return config_of(path).model_type


class AutoModel(_AutoModel):
    """`SiglipModel`, `Siglip2Model`, or the tower of a checkpoint that has only one."""

    _classes = _BASE_MODELS

    @classmethod
    def _kind(cls, path: str) -> str:
        """That of config.json, unless the checkpoint lacks one of the towers named there."""
        kind = config_of(path).model_type
        if kind not in _WHOLE_MODELS:
            return kind
        parts = _siglip.find_parts(path)
        if parts["image_tower"] and parts["text_tower"]:
            return kind
        if not parts["image_tower"] and not parts["text_tower"]:
            raise NotFound(f"{path}: expected a tower of SigLIP, found none")
        return f"{kind}_vision_model" if parts["image_tower"] else f"{kind}_text_model"


class AutoModelForImageClassification(_AutoModel):
    """`SiglipForImageClassification` or `Siglip2ForImageClassification`."""

    _classes = _CLASSIFIERS


class AutoModelForZeroShotImageClassification(_AutoModel):
    """`SiglipModel` or `Siglip2Model`."""

    _classes = _WHOLE_MODELS


class AutoImageProcessor:
    """`SiglipImageProcessor` or `Siglip2ImageProcessor`."""

    @classmethod
    def from_pretrained(cls, model: str | PathLike[str], **options: Any) -> SiglipImageProcessor:
        """As `SiglipImageProcessor.from_pretrained`."""
        return SiglipImageProcessor.from_pretrained(model, **options)


class AutoTokenizer:
    """The tokenizer of a checkpoint."""

    @classmethod
    def from_pretrained(cls, model: str | PathLike[str], **options: Any) -> SiglipTokenizer:
        """As `SiglipTokenizer.from_pretrained`."""
        return SiglipTokenizer.from_pretrained(model, **options)


class AutoProcessor:
    """`SiglipProcessor` or `Siglip2Processor`; of a checkpoint without tokenizer the image
    processor alone, as in transformers."""

    @classmethod
    def from_pretrained(cls, model: str | PathLike[str], **options: Any) -> Any:
        """As `SiglipProcessor.from_pretrained`."""
        images = SiglipImageProcessor.from_pretrained(model, **options)
        try:
            return SiglipProcessor._open(images._source)
        except NotFound:
            return images
