"""Configurations: what config.json says, as attributes under transformers' names."""

from __future__ import annotations

import copy
import json
import os
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import MalformedFile, NotFound, Unsupported
from .hub import check_hub_arguments, inspect, locate

if TYPE_CHECKING:
    from typing_extensions import Self

_COMMON = {
    "architectures": None,
    "dtype": None,
    "id2label": {0: "LABEL_0", 1: "LABEL_1"},
    "problem_type": None,
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
    "transformers_version": None,
}


class Config:
    """Fields as attributes; those that are not known are kept as they are.

    Changing them changes no model.
    """

    model_type: ClassVar[str] = ""
    _defaults: ClassVar[dict[str, Any]] = {}
    _parts: ClassVar[dict[str, type[Config]]] = {}

    architectures: list[str] | None
    id2label: dict[int, str]
    label2id: dict[str, int]
    output_attentions: bool
    output_hidden_states: bool
    problem_type: str | None
    return_dict: bool

    def __init__(self, **fields: Any) -> None:
        fields.pop("model_type", None)
        if "torch_dtype" in fields:  # the name of older files
            fields.setdefault("dtype", fields.pop("torch_dtype"))
        labels = fields.pop("num_labels", None)
        if labels is not None and fields.get("id2label") is None:
            fields["id2label"] = {index: f"LABEL_{index}" for index in range(labels)}
        for name, value in copy.deepcopy({**_COMMON, **self._defaults}).items():
            setattr(self, name, fields.pop(name, value))
        self.id2label = {int(index): label for index, label in self.id2label.items()}
        label2id = fields.pop("label2id", None)
        self.label2id = label2id or {label: index for index, label in self.id2label.items()}
        for name, part in self._parts.items():
            value = fields.pop(name, None)
            if not isinstance(value, Config):
                value = part(**(value or {}))
            setattr(self, name, value)
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def num_labels(self) -> int:
        return len(self.id2label)

    @classmethod
    def from_dict(cls, fields: dict[str, Any], **changes: Any) -> Self:
        """Of a config.json that was read."""
        return cls(**{**fields, **changes})

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str],
        *,
        revision: str | None = None,
        local_files_only: bool = False,
        cache_dir: str | None = None,
        token: str | bool | None = None,
    ) -> Self:
        """Of a checkpoint folder or a model of the hub; a tower's also out of a whole model's.

        Raises
        ------
        SiglipError
            `NotFound`, and `Unsupported` for a checkpoint of another kind.
        """
        check_hub_arguments(cache_dir, token)
        path = locate(model, revision=revision, download=not local_files_only, any_file=True)
        fields = read_config(path)
        if fields["model_type"] == cls.model_type:
            return cls.from_dict(fields)
        for name in ("vision_config", "text_config"):
            part = fields.get(name)
            if isinstance(part, dict) and _class_of_part(fields, name) is cls:
                return cls.from_dict(part)
        raise Unsupported(
            f"{os.fspath(model)}: expected a checkpoint of type {cls.model_type!r}, "
            f"found {fields['model_type']!r}",
            "AutoConfig takes what there is",
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields and ``model_type``, parts as dicts."""
        fields = {
            name: value.to_dict() if isinstance(value, Config) else copy.deepcopy(value)
            for name, value in self.__dict__.items()
        }
        return {**fields, "model_type": self.model_type}

    def to_json_string(self) -> str:
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"


class _EncoderConfig(Config):
    """What the configurations of all towers have in common."""

    _defaults = {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "hidden_act": "gelu_pytorch_tanh",
        "layer_norm_eps": 1e-6,
        "attention_dropout": 0.0,
    }

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    hidden_act: str
    layer_norm_eps: float
    attention_dropout: float


class _VisionTowerConfig(_EncoderConfig):
    """What image towers of either resolution have in common."""

    _defaults = {**_EncoderConfig._defaults, "num_channels": 3, "patch_size": 16, "vision_use_head": True}

    num_channels: int
    patch_size: int
    vision_use_head: bool


class SiglipTextConfig(_EncoderConfig):
    """Of a text tower."""

    model_type = "siglip_text_model"
    _defaults = {
        **_EncoderConfig._defaults,
        "vocab_size": 32000,
        "max_position_embeddings": 64,
        "pad_token_id": 1,
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "projection_size": None,
    }

    vocab_size: int
    max_position_embeddings: int
    pad_token_id: int | None
    bos_token_id: int | None
    eos_token_id: int | None
    projection_size: int

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        if self.projection_size is None:
            self.projection_size = self.hidden_size


class SiglipVisionConfig(_VisionTowerConfig):
    """Of an image tower of fixed resolution."""

    model_type = "siglip_vision_model"
    _defaults = {**_VisionTowerConfig._defaults, "image_size": 224}

    image_size: int


class SiglipConfig(Config):
    """Of both towers."""

    model_type = "siglip"
    _defaults = {"initializer_factor": 1.0}
    _parts = {"text_config": SiglipTextConfig, "vision_config": SiglipVisionConfig}

    initializer_factor: float
    text_config: SiglipTextConfig
    vision_config: SiglipVisionConfig


class Siglip2TextConfig(SiglipTextConfig):
    """Of the text tower of a NaFlex model."""

    model_type = "siglip2_text_model"


class Siglip2VisionConfig(_VisionTowerConfig):
    """Of a NaFlex image tower."""

    model_type = "siglip2_vision_model"
    _defaults = {**_VisionTowerConfig._defaults, "num_patches": 256}

    num_patches: int


class Siglip2Config(Config):
    """Of both towers of a NaFlex model."""

    model_type = "siglip2"
    _defaults = {"initializer_factor": 1.0}
    _parts = {"text_config": Siglip2TextConfig, "vision_config": Siglip2VisionConfig}

    initializer_factor: float
    text_config: Siglip2TextConfig
    vision_config: Siglip2VisionConfig


_CLASSES: dict[str, type[Config]] = {
    config.model_type: config
    for config in (
        SiglipConfig,
        SiglipTextConfig,
        SiglipVisionConfig,
        Siglip2Config,
        Siglip2TextConfig,
        Siglip2VisionConfig,
    )
}


def _class_of_part(fields: dict[str, Any], name: str) -> type[Config] | None:
    own = fields[name].get("model_type")
    if own in _CLASSES:
        return _CLASSES[own]
    whole = _CLASSES.get(fields["model_type"])
    return None if whole is None else whole._parts.get(name)


def read_config(path: str) -> dict[str, Any]:
    """The config.json of transformers that a checkpoint has or, of another project, would have."""
    fields = _read_json(os.path.join(path, "config.json"))
    if fields.get("model_type") in _CLASSES:
        return fields
    found = inspect(path)
    vision, text = found["config"], (found["text"] or {}).get("config")
    if vision is None or text is None:
        tower = vision or text
        if not tower:
            raise NotFound(f"{path}: expected a tower of SigLIP, found none")
        return dict(tower)
    naflex = vision["model_type"] == "siglip2_vision_model"
    fields = {
        "architectures": ["Siglip2Model" if naflex else "SiglipModel"],
        "model_type": "siglip2" if naflex else "siglip",
        "text_config": text,
        "vision_config": vision,
    }
    if found["labels"]:
        fields["id2label"] = dict(enumerate(found["labels"]))
    return fields


def _read_json(file: str) -> dict[str, Any]:
    """{} where there is none."""
    try:
        with open(file, encoding="utf-8") as stream:
            value = json.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise MalformedFile(f"{file}: {error}") from error
    if not isinstance(value, dict):
        raise MalformedFile(f"{file}: expected an object, found {type(value).__name__}")
    return value


def config_of(path: str) -> Config:
    """The configuration of the checkpoint in this folder, whatever it is."""
    fields = read_config(path)
    return _CLASSES[fields["model_type"]].from_dict(fields)


class AutoConfig:
    """The configuration of a checkpoint, whatever it is."""

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str],
        *,
        revision: str | None = None,
        local_files_only: bool = False,
        cache_dir: str | None = None,
        token: str | bool | None = None,
        trust_remote_code: bool = False,
    ) -> Config:
        """As `SiglipConfig.from_pretrained`."""
        check_hub_arguments(cache_dir, token)
        path = locate(model, revision=revision, download=not local_files_only, any_file=True)
        return config_of(path)
