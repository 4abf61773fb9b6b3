"""The models of transformers under their names: arrays in, arrays out.

They are immutable and safe to share among threads. Torch tensors in give torch tensors out, numpy
arrays give numpy arrays; neither is copied. All outputs are float32, in whatever precision a model
computes.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np

from . import _siglip
from .arrays import F32, I64, Framework, as_floats, as_ids, as_mask, framework_of, give, give_all
from .configuration import (
    Config,
    Siglip2TextConfig,
    Siglip2VisionConfig,
    SiglipTextConfig,
    SiglipVisionConfig,
)
from .errors import InvalidArgument, Mismatch, Unsupported
from .loading import Loading
from .outputs import (
    BaseModelOutputWithPooling,
    ImageClassifierOutput,
    Siglip2Output,
    SiglipOutput,
)
from .pretrained_model import PreTrainedModel, imported_torch


def _give_number(value: float) -> Any:
    framework: Framework = "np" if imported_torch() is None else "pt"
    return give(np.array([value], np.float32), framework)


def _give_output(output: _siglip.TowerOutput, framework: Framework) -> BaseModelOutputWithPooling:
    last, pooled, hidden, attentions = output
    return BaseModelOutputWithPooling(
        last_hidden_state=None if last is None else give(last, framework),
        pooler_output=None if pooled is None else give(pooled, framework),
        hidden_states=give_all(hidden, framework) if hidden else None,
        attentions=give_all(attentions, framework) if attentions else None,
    )


def _or_tuple(output: Any, return_dict: bool | None) -> Any:
    """transformers' argument: False asks for a tuple."""
    return output.to_tuple() if return_dict is False else output


def _check_text_arguments(input_ids: Any, attention_mask: Any, position_ids: Any) -> I64:
    if input_ids is None:
        raise InvalidArgument("input_ids: expected ids [B, T], found None")
    ids = as_ids(input_ids, "input_ids")
    if attention_mask is not None and not as_mask(attention_mask, "attention_mask").all():
        raise Unsupported(
            "attention_mask: padding is never masked, since SigLIP was trained to look at it",
            "leave the mask out",
        )
    if position_ids is not None:
        positions = as_ids(position_ids, "position_ids")
        if not (positions == np.arange(ids.shape[-1])).all():
            raise Unsupported("position_ids: only 0, 1, 2, ... are supported", "leave them out")
    return ids


class _VisionInputs:
    """Of either kind of image tower, checked."""

    def __init__(self, pixel_values: Any, mask: Any = None, shapes: Any = None) -> None:
        if pixel_values is None:
            raise InvalidArgument("pixel_values: expected an array, found None")
        self.framework = framework_of(pixel_values)
        self.pixels: F32 = as_floats(pixel_values, "pixel_values")
        self.mask = None if mask is None else as_mask(mask, "pixel_attention_mask")
        self.shapes = None if shapes is None else as_ids(shapes, "spatial_shapes")


def _check_naflex(shapes: Any) -> None:
    if shapes is None:
        raise InvalidArgument(
            "spatial_shapes: expected rows and columns of patches [B, 2], found None",
            "Siglip2ImageProcessor makes them",
        )


class _Tower(PreTrainedModel):
    """One tower, whose configuration is its own."""

    config_class: ClassVar[type[Config]]
    _native_class: ClassVar[type[_siglip.VisionModel] | type[_siglip.TextModel]]
    _native: _siglip.VisionModel | _siglip.TextModel

    def __init__(self, loading: Loading) -> None:
        super().__init__(loading)
        self._native = self._native_class(
            loading.source.path, loading.runtime.native, loading.precision
        )

    @property
    def precision(self) -> str:
        return self._native.precision

    def _read_config(self) -> Config:
        return self.config_class.from_dict(json.loads(self._native.config_json))


class _VisionTower(_Tower):
    """An image tower of either resolution."""

    _native_class = _siglip.VisionModel
    _native: _siglip.VisionModel

    def _count_parameters(self, found: dict[str, Any]) -> int:
        return int(found["vision_parameters"])

    def _compute(
        self,
        inputs: _VisionInputs,
        interpolate_pos_encoding: bool,
        output_hidden_states: bool | None,
        output_attentions: bool | None,
    ) -> BaseModelOutputWithPooling:
        output = self._native(
            inputs.pixels,
            inputs.mask,
            inputs.shapes,
            interpolate_pos_encoding,
            bool(output_hidden_states),
            bool(output_attentions),
        )
        return _give_output(output, inputs.framework)


class SiglipVisionModel(_VisionTower):
    """The image tower of a checkpoint of fixed resolution."""

    config_class = SiglipVisionConfig
    _naflex = False

    def __call__(
        self,
        pixel_values: Any,
        interpolate_pos_encoding: bool = False,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """Pixels -> tokens and embeddings.

        Parameters
        ----------
        pixel_values : array [B, C, H, W], floating point
            As `SiglipImageProcessor` makes them.
        interpolate_pos_encoding : bool
            Resize the table of positions, for pictures of other than the model's size.

        Raises
        ------
        Mismatch
            For other shapes or dtypes.
        """
        inputs = _VisionInputs(pixel_values)
        output = self._compute(
            inputs, interpolate_pos_encoding, output_hidden_states, output_attentions
        )
        return _or_tuple(output, return_dict)  # type: ignore[no-any-return]

    forward = __call__


class Siglip2VisionModel(_VisionTower):
    """A NaFlex image tower."""

    config_class = Siglip2VisionConfig
    _naflex = True

    def __call__(
        self,
        pixel_values: Any,
        pixel_attention_mask: Any = None,
        spatial_shapes: Any = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """Patches -> tokens and embeddings.

        Parameters
        ----------
        pixel_values : array [B, patches, patch_size * patch_size * C], floating point
        pixel_attention_mask : array [B, patches], optional
            1 for a patch, 0 for padding; follows from the shapes.
        spatial_shapes : array [B, 2]
            Rows and columns of patches.
        """
        _check_naflex(spatial_shapes)
        inputs = _VisionInputs(pixel_values, pixel_attention_mask, spatial_shapes)
        output = self._compute(inputs, False, output_hidden_states, output_attentions)
        return _or_tuple(output, return_dict)  # type: ignore[no-any-return]

    forward = __call__


class SiglipTextModel(_Tower):
    """The text tower of a checkpoint."""

    config_class = SiglipTextConfig
    main_input_name = "input_ids"
    _native_class = _siglip.TextModel
    _native: _siglip.TextModel

    def _count_parameters(self, found: dict[str, Any]) -> int:
        return int(found["text"]["parameters"])

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        position_ids: Any = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """Ids -> tokens and embeddings.

        Parameters
        ----------
        input_ids : array [B, T], integers
            Padded to the length the model was trained with, as `SiglipTokenizer` makes them.
        attention_mask : array [B, T], optional
            Must mask nothing: SigLIP was trained to look at padding.

        Raises
        ------
        Mismatch
            For another shape or dtype.
        InvalidArgument
            For an id outside the vocabulary.
        Unsupported
            For a mask with zeros, and positions other than 0, 1, 2, ...
        """
        ids = _check_text_arguments(input_ids, attention_mask, position_ids)
        output = self._native(ids, True, bool(output_hidden_states), bool(output_attentions))
        given = _give_output(output, framework_of(input_ids))
        return _or_tuple(given, return_dict)  # type: ignore[no-any-return]

    forward = __call__


class Siglip2TextModel(SiglipTextModel):
    """The text tower of a NaFlex checkpoint."""

    config_class = Siglip2TextConfig


class _ImageTextModel(PreTrainedModel):
    """Both towers."""

    _output_class: ClassVar[type[SiglipOutput]] = SiglipOutput

    vision_model: _VisionTower
    text_model: SiglipTextModel

    def __init__(self, loading: Loading) -> None:
        super().__init__(loading)
        self._logits = _siglip.Logits(loading.source.path)

    @property
    def precision(self) -> str:
        return self.vision_model.precision

    @property
    def logit_scale(self) -> Any:
        """[1]: a logarithm; of torch where it is imported."""
        return _give_number(self._logits.logit_scale)

    @property
    def logit_bias(self) -> Any:
        """[1]; of torch where it is imported."""
        return _give_number(self._logits.logit_bias)

    def _count_parameters(self, found: dict[str, Any]) -> int:
        return int(found["vision_parameters"]) + int(found["text"]["parameters"]) + 2

    def get_text_features(
        self,
        input_ids: Any,
        attention_mask: Any = None,
        position_ids: Any = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """As `SiglipTextModel`. Embeddings are ``pooler_output``, not normalised."""
        return self.text_model(
            input_ids,
            attention_mask,
            position_ids,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
            return_dict=return_dict,
        )

    def _compare(
        self,
        text: BaseModelOutputWithPooling,
        vision: BaseModelOutputWithPooling,
        framework: Framework,
        return_loss: bool | None,
        return_dict: bool | None,
    ) -> SiglipOutput:
        if vision.pooler_output is None:
            raise Mismatch(f"{self.name_or_path}: the image tower has no pooling head")
        images = as_floats(vision.pooler_output, "pooler_output")
        texts = as_floats(text.pooler_output, "pooler_output")
        per_image = self._logits(images, texts)
        loss = np.array(_siglip.siglip_loss(per_image), np.float32) if return_loss else None
        output = self._output_class(
            loss=None if loss is None else give(loss, framework),
            logits_per_image=give(per_image, framework),
            logits_per_text=give(per_image.T, framework),
            text_embeds=give(_siglip.normalize_rows(texts), framework),
            image_embeds=give(_siglip.normalize_rows(images), framework),
            text_model_output=text,
            vision_model_output=vision,
        )
        return _or_tuple(output, return_dict)  # type: ignore[no-any-return]


class SiglipModel(_ImageTextModel):
    """Both towers of a checkpoint of fixed resolution, and what compares their embeddings."""

    _naflex = False

    vision_model: SiglipVisionModel

    def __init__(self, loading: Loading) -> None:
        super().__init__(loading)
        self.vision_model = SiglipVisionModel(loading)
        self.text_model = SiglipTextModel(loading)

    def get_image_features(
        self,
        pixel_values: Any,
        interpolate_pos_encoding: bool = False,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """As `SiglipVisionModel`. Embeddings are ``pooler_output``, not normalised."""
        return self.vision_model(
            pixel_values,
            interpolate_pos_encoding,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
            return_dict=return_dict,
        )

    def __call__(
        self,
        input_ids: Any = None,
        pixel_values: Any = None,
        attention_mask: Any = None,
        position_ids: Any = None,
        return_loss: bool | None = None,
        interpolate_pos_encoding: bool = False,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> SiglipOutput:
        """Compares every picture with every text.

        Parameters
        ----------
        input_ids : array [texts, T]
        pixel_values : array [images, C, H, W]
        return_loss : bool, optional
            The loss of training; pictures and texts then belong together pair by pair.

        Returns
        -------
        SiglipOutput
            ``sigmoid(logits_per_image)`` are probabilities [images, texts].

        Raises
        ------
        SiglipError
            As the towers do.
        """
        framework = framework_of(pixel_values, input_ids)
        vision = self.get_image_features(
            pixel_values,
            interpolate_pos_encoding,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        text = self.get_text_features(
            input_ids,
            attention_mask,
            position_ids,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        return self._compare(text, vision, framework, return_loss, return_dict)

    forward = __call__


class Siglip2Model(_ImageTextModel):
    """Both towers of a NaFlex checkpoint, and what compares their embeddings."""

    _naflex = True
    _output_class = Siglip2Output

    vision_model: Siglip2VisionModel

    def __init__(self, loading: Loading) -> None:
        super().__init__(loading)
        self.vision_model = Siglip2VisionModel(loading)
        self.text_model = Siglip2TextModel(loading)

    def get_image_features(
        self,
        pixel_values: Any = None,
        pixel_attention_mask: Any = None,
        spatial_shapes: Any = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """As `Siglip2VisionModel`. Embeddings are ``pooler_output``, not normalised."""
        return self.vision_model(
            pixel_values,
            pixel_attention_mask,
            spatial_shapes,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
            return_dict=return_dict,
        )

    def __call__(
        self,
        input_ids: Any = None,
        pixel_values: Any = None,
        pixel_attention_mask: Any = None,
        spatial_shapes: Any = None,
        attention_mask: Any = None,
        position_ids: Any = None,
        return_loss: bool | None = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> SiglipOutput:
        """Compares every picture with every text; see `SiglipModel` and `Siglip2VisionModel`."""
        framework = framework_of(pixel_values, input_ids)
        vision = self.get_image_features(
            pixel_values,
            pixel_attention_mask,
            spatial_shapes,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        text = self.get_text_features(
            input_ids,
            attention_mask,
            position_ids,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        return self._compare(text, vision, framework, return_loss, return_dict)

    forward = __call__


class _ImageClassifier(PreTrainedModel):
    """An image tower with a classifier."""

    def __init__(self, loading: Loading) -> None:
        super().__init__(loading)
        self._native = _siglip.ImageClassificationModel(
            loading.source.path, loading.runtime.native, loading.precision
        )

    @property
    def precision(self) -> str:
        return self._native.vision_model.precision

    @property
    def labels(self) -> list[str]:
        """By index of the logit."""
        return self._native.labels

    @property
    def num_labels(self) -> int:
        return len(self.labels)

    def _count_parameters(self, found: dict[str, Any]) -> int:
        classifier = self.num_labels * (int(found["config"]["hidden_size"]) + 1)
        return int(found["vision_parameters"]) + classifier

    def _classify(
        self,
        inputs: _VisionInputs,
        labels: Any,
        interpolate_pos_encoding: bool,
        output_hidden_states: bool | None,
        output_attentions: bool | None,
        return_dict: bool | None,
    ) -> ImageClassifierOutput:
        if labels is not None:
            raise Unsupported("labels: siglip computes no loss of classifiers", "leave them out")
        logits, (_, _, hidden, attentions) = self._native(
            inputs.pixels,
            inputs.mask,
            inputs.shapes,
            interpolate_pos_encoding,
            bool(output_hidden_states),
            bool(output_attentions),
        )
        output = ImageClassifierOutput(
            logits=give(logits, inputs.framework),
            hidden_states=give_all(hidden, inputs.framework) if hidden else None,
            attentions=give_all(attentions, inputs.framework) if attentions else None,
        )
        return _or_tuple(output, return_dict)  # type: ignore[no-any-return]


class SiglipForImageClassification(_ImageClassifier):
    """A classifier fine-tuned on a checkpoint of fixed resolution."""

    _naflex = False

    def __call__(
        self,
        pixel_values: Any = None,
        labels: Any = None,
        interpolate_pos_encoding: bool = False,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> ImageClassifierOutput:
        """Pixels [B, C, H, W] -> logits [B, labels]; ``labels`` must be None."""
        return self._classify(
            _VisionInputs(pixel_values),
            labels,
            interpolate_pos_encoding,
            output_hidden_states,
            output_attentions,
            return_dict,
        )

    forward = __call__


class Siglip2ForImageClassification(_ImageClassifier):
    """A classifier fine-tuned on a NaFlex checkpoint."""

    _naflex = True

    def __call__(
        self,
        pixel_values: Any = None,
        pixel_attention_mask: Any = None,
        spatial_shapes: Any = None,
        labels: Any = None,
        *,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> ImageClassifierOutput:
        """Patches as `Siglip2VisionModel` takes them -> logits [B, labels]."""
        _check_naflex(spatial_shapes)
        return self._classify(
            _VisionInputs(pixel_values, pixel_attention_mask, spatial_shapes),
            labels,
            False,
            output_hidden_states,
            output_attentions,
            return_dict,
        )

    forward = __call__
