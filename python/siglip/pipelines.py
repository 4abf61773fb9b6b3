"""``pipeline(task, model)`` as transformers has it, for the tasks of SigLIP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from .arrays import Framework, check_framework, give
from .auto import AutoImageProcessor, AutoModelForImageClassification
from .errors import InvalidArgument
from .loading import Precision, check_without_effect, choose_precision
from .model import Model, load
from .outputs import check_device
from .pictures import Picture, is_picture, iterate_pictures
from .runtime import Runtime

_TASKS = ("image-classification", "image-feature-extraction", "zero-shot-image-classification")
_PICTURES_AT_ONCE = 16  # of a classifier, which bounds memory


class ZeroShotImageClassificationPipeline:
    """Pictures and labels in words -> how probable each label is."""

    task = "zero-shot-image-classification"

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(
        self,
        image: Picture | Iterable[Picture] | None = None,
        candidate_labels: Sequence[str] | str | None = None,
        *,
        hypothesis_template: str = "This is a photo of {}.",
        images: Picture | Iterable[Picture] | None = None,
        batch_size: int | None = None,
    ) -> list[Any]:
        """Classifies pictures.

        Parameters
        ----------
        image : Picture or iterable of Picture
            Also called `images`.
        candidate_labels : sequence of str
            Or one string with commas between them.
        hypothesis_template : str
            With ``{}`` where the label goes.
        batch_size : int, optional
            Without effect.

        Returns
        -------
        list
            Of one picture ``[{"score": ..., "label": ...}, ...]``, the most probable first; of many
            a list of such lists. Scores are sigmoids: they need not add up to one.
        """
        image = images if image is None else image
        if image is None:
            raise InvalidArgument("image: expected a picture, found None")
        if candidate_labels is None:
            raise InvalidArgument("candidate_labels: expected labels, found None")
        if isinstance(candidate_labels, str):
            candidate_labels = [label.strip() for label in candidate_labels.split(",")]
        found = self.model.classify(image, candidate_labels, template=hypothesis_template)
        scores = [
            [{"score": each["score"], "label": each["label"]} for each in labels]
            for labels in found
        ]
        return scores[0] if is_picture(image) else scores


class ImageFeatureExtractionPipeline:
    """Pictures -> the vectors of their patches, or embeddings."""

    task = "image-feature-extraction"

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(
        self,
        images: Picture | Iterable[Picture],
        *,
        pool: bool | None = None,
        return_tensors: Framework | bool | None = None,
        batch_size: int | None = None,
    ) -> Any:
        """Embeds pictures.

        Parameters
        ----------
        images : Picture or iterable of Picture
        pool : bool, optional
            The embedding of a picture instead of the vectors of its patches.
        return_tensors : "np" or "pt" or bool, optional
            Arrays instead of nested lists; True is "np".
        batch_size : int, optional
            Without effect.

        Returns
        -------
        list or array
            Of one picture [1, N, D], or [1, D] with `pool`; of many a list of such.
        """
        framework = check_framework("np" if return_tensors is True else return_tensors or None)
        rows = self.model.encode_image(
            iterate_pictures(images), tokens=not pool, show_progress=False
        )
        features = [self._shaped(row[np.newaxis], framework) for row in rows]
        return features[0] if is_picture(images) else features

    @staticmethod
    def _shaped(row: NDArray[np.float32], framework: Framework | None) -> Any:
        return row.tolist() if framework is None else give(row, framework)


class ImageClassificationPipeline:
    """Pictures -> the labels that a classifier was trained for."""

    task = "image-classification"

    def __init__(self, model: Any, image_processor: Any) -> None:
        self.model = model
        self.image_processor = image_processor

    def __call__(
        self,
        inputs: Picture | Iterable[Picture] | None = None,
        *,
        top_k: int | None = 5,
        function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None,
        images: Picture | Iterable[Picture] | None = None,
        batch_size: int | None = None,
    ) -> list[Any]:
        """Classifies pictures.

        Parameters
        ----------
        inputs : Picture or iterable of Picture
            Also called `images`.
        top_k : int, optional
            Only the best so many; None: all.
        function_to_apply : "sigmoid", "softmax" or "none", optional
            What makes scores of logits. None: by ``problem_type`` of config.json, else softmax, of
            a single label sigmoid.
        batch_size : int, optional
            Without effect.

        Returns
        -------
        list
            Of one picture ``[{"label": ..., "score": ...}, ...]``, best first; of many a list of
            such lists.
        """
        inputs = images if inputs is None else inputs
        if inputs is None:
            raise InvalidArgument("inputs: expected a picture, found None")
        function = self._function(function_to_apply)
        pictures = list(iterate_pictures(inputs))
        found: list[list[dict[str, Any]]] = []
        for begin in range(0, len(pictures), _PICTURES_AT_ONCE):
            part = pictures[begin : begin + _PICTURES_AT_ONCE]
            batch = self.image_processor(part, return_tensors="np")
            found += [self._scored(row, function, top_k) for row in self.model(**batch).logits]
        return found[0] if is_picture(inputs) else found

    def _function(self, asked: str | None) -> str:
        if asked is None:
            problem = self.model.config.problem_type
            if problem == "regression":
                return "none"
            if problem == "multi_label_classification" or self.model.num_labels == 1:
                return "sigmoid"
            return "softmax"
        if asked not in ("sigmoid", "softmax", "none"):
            raise InvalidArgument(
                f'function_to_apply: expected "sigmoid", "softmax" or "none", found {asked!r}'
            )
        return asked

    def _scored(
        self, logits: NDArray[np.float32], function: str, top_k: int | None
    ) -> list[dict[str, Any]]:
        values: NDArray[Any] = logits
        if function == "softmax":
            weights = np.exp(logits - logits.max())
            values = weights / weights.sum()
        elif function == "sigmoid":
            values = 1 / (1 + np.exp(-logits))
        scores = [
            {"label": label, "score": float(value)}
            for label, value in zip(self.model.labels, values, strict=True)
        ]
        scores.sort(key=lambda each: -float(each["score"]))
        return scores[:top_k]


@overload
def pipeline(
    task: Literal["zero-shot-image-classification"],
    model: str | PathLike[str] | Model,
    **options: Any,
) -> ZeroShotImageClassificationPipeline: ...
@overload
def pipeline(
    task: Literal["image-feature-extraction"],
    model: str | PathLike[str] | Model,
    **options: Any,
) -> ImageFeatureExtractionPipeline: ...
@overload
def pipeline(
    task: Literal["image-classification"], model: str | PathLike[str], **options: Any
) -> ImageClassificationPipeline: ...
def pipeline(
    task: str,
    model: Any,
    *,
    device: Any = None,
    dtype: Any = None,
    torch_dtype: Any = None,
    revision: str | None = None,
    precision: Precision | None = None,
    threads: int | None = None,
    runtime: Runtime | None = None,
    **options: Any,
) -> Any:
    """A function for one task.

    Parameters
    ----------
    task : "zero-shot-image-classification", "image-feature-extraction" or "image-classification", optional
    model : str, path or Model
        A checkpoint, of "image-classification" one with a classifier.
    device : optional
        The CPU, by any name.
    dtype, **options
        As of `SiglipModel.from_pretrained`.
    revision, precision, threads, runtime
        As of `siglip.load`.

    Raises
    ------
    InvalidArgument
        For another task.
    SiglipError
        As loading a model does.
    """
    check_device(device)
    if task not in _TASKS:
        raise InvalidArgument(f"task: expected one of {', '.join(_TASKS)}, found {task!r}")
    check_without_effect(options, "pipeline")
    choices: dict[str, Any] = {
        "revision": revision,
        "precision": choose_precision(precision, torch_dtype if dtype is None else dtype),
        "threads": threads,
        "runtime": runtime,
    }
    if task == "image-classification":
        classifier = AutoModelForImageClassification.from_pretrained(model, **choices)
        processor = AutoImageProcessor.from_pretrained(model, revision=revision)
        return ImageClassificationPipeline(classifier, processor)
    loaded = model if isinstance(model, Model) else load(model, **choices)
    if task == "image-feature-extraction":
        return ImageFeatureExtractionPipeline(loaded)
    return ZeroShotImageClassificationPipeline(loaded)
