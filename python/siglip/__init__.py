"""Embeddings of pictures and texts with SigLIP and SigLIP 2, on the CPU, without PyTorch.

Two levels. The easy one:

>>> model = siglip.load("google/siglip2-base-patch16-224")
>>> model.encode_image(["cat.jpg", "dog.jpg"]).shape
(2, 768)

The other has the classes, calls and outputs of transformers: ``from siglip import AutoModel,
AutoProcessor`` instead of ``from transformers``.

Nothing is imported before it is needed: numpy with the first array, torch never, unless a torch
tensor is handed in or asked for. Every call lets other Python threads run, may come from any
thread, and works after ``fork()``.
"""

TYPE_CHECKING = False  # the name that type checkers know; importing typing takes milliseconds

if TYPE_CHECKING:
    from ._siglip import instruction_sets as instruction_sets
    from .auto import AutoImageProcessor as AutoImageProcessor
    from .auto import AutoModel as AutoModel
    from .auto import AutoModelForImageClassification as AutoModelForImageClassification
    from .auto import (
        AutoModelForZeroShotImageClassification as AutoModelForZeroShotImageClassification,
    )
    from .auto import AutoProcessor as AutoProcessor
    from .auto import AutoTokenizer as AutoTokenizer
    from .configuration import AutoConfig as AutoConfig
    from .configuration import Siglip2Config as Siglip2Config
    from .configuration import Siglip2TextConfig as Siglip2TextConfig
    from .configuration import Siglip2VisionConfig as Siglip2VisionConfig
    from .configuration import SiglipConfig as SiglipConfig
    from .configuration import SiglipTextConfig as SiglipTextConfig
    from .configuration import SiglipVisionConfig as SiglipVisionConfig
    from .errors import Cancelled as Cancelled
    from .errors import InternalError as InternalError
    from .errors import InvalidArgument as InvalidArgument
    from .errors import IOFailure as IOFailure
    from .errors import LimitExceeded as LimitExceeded
    from .errors import MalformedFile as MalformedFile
    from .errors import Mismatch as Mismatch
    from .errors import NotFound as NotFound
    from .errors import PictureError as PictureError
    from .errors import SiglipError as SiglipError
    from .errors import SiglipWarning as SiglipWarning
    from .errors import Unsupported as Unsupported
    from .hub import convert as convert
    from .hub import inspect as inspect
    from .hub import pull as pull
    from .hub import resolve as resolve
    from .index import DuplicateFile as DuplicateFile
    from .index import Failure as Failure
    from .index import Hit as Hit
    from .index import Index as Index
    from .index import IndexedFolder as IndexedFolder
    from .index import IndexStatus as IndexStatus
    from .index import SearchResult as SearchResult
    from .index import Update as Update
    from .index import UpdateCounts as UpdateCounts
    from .model import Model as Model
    from .model import Result as Result
    from .model import load as load
    from .modeling import Siglip2ForImageClassification as Siglip2ForImageClassification
    from .modeling import Siglip2Model as Siglip2Model
    from .modeling import Siglip2TextModel as Siglip2TextModel
    from .modeling import Siglip2VisionModel as Siglip2VisionModel
    from .modeling import SiglipForImageClassification as SiglipForImageClassification
    from .modeling import SiglipModel as SiglipModel
    from .modeling import SiglipTextModel as SiglipTextModel
    from .modeling import SiglipVisionModel as SiglipVisionModel
    from .outputs import BaseModelOutputWithPooling as BaseModelOutputWithPooling
    from .outputs import BatchEncoding as BatchEncoding
    from .outputs import BatchFeature as BatchFeature
    from .outputs import ImageClassifierOutput as ImageClassifierOutput
    from .outputs import ModelOutput as ModelOutput
    from .outputs import Siglip2Output as Siglip2Output
    from .outputs import SiglipOutput as SiglipOutput
    from .pipelines import pipeline as pipeline
    from .processing import Siglip2ImageProcessor as Siglip2ImageProcessor
    from .processing import Siglip2Processor as Siglip2Processor
    from .processing import Siglip2Tokenizer as Siglip2Tokenizer
    from .processing import SiglipImageProcessor as SiglipImageProcessor
    from .processing import SiglipProcessor as SiglipProcessor
    from .processing import SiglipTokenizer as SiglipTokenizer
    from .runtime import Runtime as Runtime

    __version__: str

_NAMES_BY_MODULE = {
    "_siglip": ("instruction_sets",),
    "auto": (
        "AutoImageProcessor",
        "AutoModel",
        "AutoModelForImageClassification",
        "AutoModelForZeroShotImageClassification",
        "AutoProcessor",
        "AutoTokenizer",
    ),
    "configuration": (
        "AutoConfig",
        "Siglip2Config",
        "Siglip2TextConfig",
        "Siglip2VisionConfig",
        "SiglipConfig",
        "SiglipTextConfig",
        "SiglipVisionConfig",
    ),
    "errors": (
        "Cancelled",
        "IOFailure",
        "InternalError",
        "InvalidArgument",
        "LimitExceeded",
        "MalformedFile",
        "Mismatch",
        "NotFound",
        "PictureError",
        "SiglipError",
        "SiglipWarning",
        "Unsupported",
    ),
    "hub": ("convert", "inspect", "pull", "resolve"),
    "index": (
        "DuplicateFile",
        "Failure",
        "Hit",
        "Index",
        "IndexStatus",
        "IndexedFolder",
        "SearchResult",
        "Update",
        "UpdateCounts",
    ),
    "model": ("Model", "Result", "load"),
    "modeling": (
        "Siglip2ForImageClassification",
        "Siglip2Model",
        "Siglip2TextModel",
        "Siglip2VisionModel",
        "SiglipForImageClassification",
        "SiglipModel",
        "SiglipTextModel",
        "SiglipVisionModel",
    ),
    "outputs": (
        "BaseModelOutputWithPooling",
        "BatchEncoding",
        "BatchFeature",
        "ImageClassifierOutput",
        "ModelOutput",
        "Siglip2Output",
        "SiglipOutput",
    ),
    "pipelines": ("pipeline",),
    "processing": (
        "Siglip2ImageProcessor",
        "Siglip2Processor",
        "Siglip2Tokenizer",
        "SiglipImageProcessor",
        "SiglipProcessor",
        "SiglipTokenizer",
    ),
    "runtime": ("Runtime",),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = sorted(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    import importlib

    if name == "__version__":
        value: object = importlib.import_module("._siglip", __name__).version()
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module("." + _MODULE_OF[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # so that this function is not asked again
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, "__version__"})
