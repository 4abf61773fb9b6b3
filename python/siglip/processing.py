"""Processors and tokenizers of transformers under their names: pictures and texts to what models
are fed."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import _siglip
from .arrays import I64, Framework, check_framework, give, to_numpy
from .errors import InvalidArgument, Mismatch, SiglipWarning, Unsupported
from .hub import check_hub_arguments
from .loading import Source, check_without_effect
from .outputs import BatchEncoding, BatchFeature
from .pictures import ChannelOrder, Picture, iterate_pictures, to_native

if TYPE_CHECKING:
    from typing_extensions import Self

_PREPROCESSING_FILES = ("preprocessor_config.json", "processor_config.json")
_TOKENIZER_FILES = (
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
# More ids than any text may have (the library's limit).
_NO_LIMIT = 65536


class _Pretrained:
    """What processors and tokenizers share."""

    _files: ClassVar[tuple[str, ...]] = ()

    _source: Source

    @classmethod
    def from_pretrained(
        cls,
        model: str | PathLike[str],
        *,
        revision: str | None = None,
        local_files_only: bool = False,
        cache_dir: str | None = None,
        token: str | bool | None = None,
        **options: Any,
    ) -> Self:
        """Reads the files of a folder or a model of the hub; the kind is that of the checkpoint.

        Parameters
        ----------
        model : str or path
        revision : str, optional
            A branch, tag or commit of the hub.
        local_files_only : bool
            Download nothing.
        **options
            Arguments of transformers that have no meaning here, such as ``use_fast``, are taken.

        Raises
        ------
        SiglipError
            `NotFound`, and others for files that cannot be used.
        TypeError
            For arguments that transformers does not know either.
        """
        check_without_effect(options)
        check_hub_arguments(cache_dir, token)
        source = Source.find(model, revision, download=not local_files_only, any_file=True)
        return cls._open(source)

    @classmethod
    def _open(cls, source: Source) -> Self:
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        return (_open_again, (type(self), self._source))

    def save_pretrained(self, folder: str | PathLike[str]) -> None:
        """Copies the files it was read from."""
        os.makedirs(folder, exist_ok=True)
        for name in self._files:
            file = os.path.join(self._source.path, name)
            if os.path.exists(file):
                shutil.copyfile(file, os.path.join(folder, name))

    @property
    def name_or_path(self) -> str:
        return self._source.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name_or_path!r})"


def _open_again(kind: type[_Pretrained], source: Source) -> _Pretrained:
    return kind._open(source.here())


class SiglipImageProcessor(_Pretrained):
    """Pictures -> what an image tower is fed, resized as transformers 5 does, to the bit.

    The fields of preprocessor_config.json are attributes. They cannot be changed, nor overridden in
    a call.
    """

    model_input_names: ClassVar[list[str]] = ["pixel_values"]
    _files = _PREPROCESSING_FILES

    def __init__(self, source: Source, is_naflex: bool) -> None:
        self._source = source
        self._native = _siglip.ImageProcessor(source.path, is_naflex)
        self._fields: dict[str, Any] = json.loads(self._native.config_json)
        # Of calls with another max_num_patches; made once for each.
        self._others: dict[int, _siglip.ImageProcessor] = {}

    @classmethod
    def _open(cls, source: Source) -> Self:
        naflex = is_naflex(source.path)
        chosen = Siglip2ImageProcessor if naflex else SiglipImageProcessor
        # A class is as good as the other, as in AutoImageProcessor: the checkpoint decides.
        return chosen(source, naflex)  # type: ignore[return-value]

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def to_dict(self) -> dict[str, Any]:
        """The fields of preprocessor_config.json."""
        return dict(self._fields)

    def __call__(
        self,
        images: Picture | Iterable[Picture],
        *,
        return_tensors: Framework | None = None,
        max_num_patches: int | None = None,
        input_data_format: ChannelOrder | None = None,
        do_convert_rgb: bool | None = None,
    ) -> BatchFeature:
        """Pictures -> arrays.

        Parameters
        ----------
        images : Picture or iterable of Picture
            Paths, bytes of picture files, PIL images, arrays of uint8.
        return_tensors : "np" or "pt", optional
            Arrays of numpy or torch. None: a list with an array of numpy per picture.
        max_num_patches : int, optional
            Of NaFlex: how many patches a picture may have.
        input_data_format : "channels_first" or "channels_last", optional
            Of arrays whose shape does not tell.

        Returns
        -------
        BatchFeature
            pixel_values, float32 [B, 3, H, W]; of NaFlex [B, max_num_patches, values], with
            pixel_attention_mask, int32 [B, max_num_patches], and spatial_shapes, int64 [B, 2].

        Raises
        ------
        SiglipError
            For the first picture that cannot be used.
        """
        framework = check_framework(return_tensors)
        if do_convert_rgb is False:
            raise Unsupported("do_convert_rgb=False: pictures always become RGB")
        pictures = [
            to_native(picture, f"picture {index}", input_data_format)
            for index, picture in enumerate(iterate_pictures(images))
        ]
        if not pictures:
            raise InvalidArgument("images: expected at least one picture, found none")
        pixels, mask, shapes = self._native_for(max_num_patches)(pictures)
        batch = {"pixel_values": pixels}
        if mask is not None and shapes is not None:
            batch.update(pixel_attention_mask=mask, spatial_shapes=shapes)  # type: ignore[arg-type]
        if framework is None:
            return BatchFeature({name: list(array) for name, array in batch.items()})
        return BatchFeature({name: give(array, framework) for name, array in batch.items()})

    preprocess = __call__

    def _native_for(self, max_num_patches: int | None) -> _siglip.ImageProcessor:
        if max_num_patches is None or max_num_patches == self._native.max_num_patches:
            return self._native
        if not self._native.is_naflex:
            raise InvalidArgument(
                f"max_num_patches: {self.name_or_path} has fixed resolution", "leave it out"
            )
        if max_num_patches < 1:
            raise InvalidArgument(f"max_num_patches: expected at least 1, found {max_num_patches}")
        if max_num_patches not in self._others:
            self._others[max_num_patches] = _siglip.ImageProcessor(
                self._source.path, True, "", max_num_patches
            )
        return self._others[max_num_patches]


class Siglip2ImageProcessor(SiglipImageProcessor):
    """The same for NaFlex checkpoints."""

    model_input_names: ClassVar[list[str]] = [
        "pixel_values",
        "pixel_attention_mask",
        "spatial_shapes",
    ]


def is_naflex(path: str) -> bool:
    """Whether pictures are prepared for variable resolution: by image_processor_type or, where that
    is missing, by the fields, else by config.json."""
    for name in reversed(_PREPROCESSING_FILES):  # the order of transformers
        try:
            with open(os.path.join(path, name), encoding="utf-8") as stream:
                fields = json.load(stream)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ValueError:
            break  # the library says what is wrong with it
        if isinstance(fields, dict) and isinstance(fields.get("image_processor"), dict):
            fields = fields["image_processor"]
        elif name == "processor_config.json":
            continue
        if isinstance(fields, dict):
            kind = str(fields.get("image_processor_type", ""))
            if kind:
                return kind.startswith("Siglip2")
            if "max_num_patches" in fields:
                return True
    from .configuration import read_config

    fields = read_config(path)
    return fields["model_type"] in ("siglip2", "siglip2_vision_model")


class SiglipTokenizer(_Pretrained):
    """Texts -> ids.

    ``padding="max_length"`` is the default, as models were trained: without it embeddings of texts
    are bad, and nothing tells. Anything else is done and warned of (`SiglipWarning`).

    An attention mask is returned only when it is asked for: SigLIP was trained to look at padding.
    """

    model_input_names: ClassVar[list[str]] = ["input_ids"]
    _files = _TOKENIZER_FILES

    def __init__(self, source: Source) -> None:
        self._source = source
        self._native = _siglip.Tokenizer(source.path)
        self._by_length = {self._native.max_length: self._native}
        self._ends_with_padding = self._find_end()

    @classmethod
    def _open(cls, source: Source) -> Self:
        return cls(source)

    def _find_end(self) -> bool:
        """Whether what ends a text is what pads it, as in SigLIP."""
        empty = self._native([""])[0]
        return bool((empty == self.pad_token_id).all())

    @property
    def model_max_length(self) -> int:
        """Ids of a text, as the model was trained."""
        return self._native.max_length

    @property
    def pad_token_id(self) -> int:
        return self._native.pad_id

    @property
    def pad_token(self) -> str:
        return self._native.piece(self.pad_token_id)

    @property
    def padding_side(self) -> str:
        return "left" if self._native.pads_left else "right"

    @property
    def vocab_size(self) -> int:
        return self._native.vocab_size

    def __len__(self) -> int:
        return self.vocab_size

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        padding: bool | str = "max_length",
        truncation: bool = True,
        max_length: int | None = None,
        return_tensors: Framework | None = None,
        return_attention_mask: bool = False,
    ) -> BatchEncoding:
        """Texts -> ids.

        Parameters
        ----------
        text : str or sequence of str
        padding : "max_length", "longest" or "do_not_pad", optional or bool
            True is "longest", False is "do_not_pad".
        truncation : bool
            Cut longer texts, the end token kept.
        max_length : int, optional
            None: that of the model.
        return_tensors : "np" or "pt", optional
            None: lists; of one text a flat one.
        return_attention_mask : bool
            1 for ids of the text, 0 for padding.

        Returns
        -------
        BatchEncoding
            input_ids, int64 [texts, max_length].

        Warns
        -----
        SiglipWarning
            For padding other than "max_length", and other lengths than the model's.
        """
        framework = check_framework(return_tensors)
        kind = _check_padding(padding)
        one = isinstance(text, str)
        texts = [text] if isinstance(text, str) else _check_texts(text)
        length = self.model_max_length if max_length is None else max_length
        self._warn(kind, length)
        rows = [
            row if kind == "max_length" else self._without_padding(row)
            for row in self._rows(texts, length, bool(truncation))
        ]
        counts = [len(self._without_padding(row)) for row in rows]
        if kind == "longest":
            rows = [self._padded(row, max(counts)) for row in rows]
        if framework is not None and len({len(row) for row in rows}) > 1:
            raise Mismatch(
                "input_ids: texts of different lengths make no array",
                'say padding="max_length" and truncation=True',
            )
        batch: dict[str, list[I64]] = {"input_ids": rows}
        if return_attention_mask:
            batch["attention_mask"] = [
                self._mask(len(row), count) for row, count in zip(rows, counts, strict=True)
            ]
        if framework is not None:
            return BatchEncoding({k: give(np.stack(v), framework) for k, v in batch.items()})
        lists = {name: [row.tolist() for row in found] for name, found in batch.items()}
        return BatchEncoding({k: v[0] for k, v in lists.items()} if one else lists)

    def _warn(self, kind: str, length: int) -> None:
        if kind != "max_length":
            what = f'padding="{kind}" gives worse embeddings of texts'
        elif length != self.model_max_length:
            what = f"max_length={length} gives other embeddings of texts"
        else:
            return
        warnings.warn(
            f'{what}: the model was trained with padding="max_length" of {self.model_max_length}',
            SiglipWarning,
            stacklevel=_levels_to_caller(),
        )

    def _rows(self, texts: list[str], length: int, truncation: bool) -> list[I64]:
        """Padded to `length`; longer where a text is and must not be cut."""
        rows = list(self._tokenizer_of(length)(texts))
        if truncation:
            return rows
        for index, row in enumerate(rows):
            if len(self._without_padding(row)) == length:  # may have been cut
                whole = self._without_padding(self._tokenizer_of(_NO_LIMIT)([texts[index]])[0])
                rows[index] = row if len(whole) <= length else whole
        return rows

    def _tokenizer_of(self, length: int) -> _siglip.Tokenizer:
        if length < 1:
            raise InvalidArgument(f"max_length: expected at least 1, found {length}")
        if length not in self._by_length:
            self._by_length[length] = _siglip.Tokenizer(self._source.path, length)
        return self._by_length[length]

    def _without_padding(self, row: I64) -> I64:
        others = np.flatnonzero(row != self.pad_token_id)
        ends = int(self._ends_with_padding)  # one of the padding ids belongs to the text
        if self._native.pads_left:
            return row[max(0, int(others[0]) - ends) if others.size else len(row) - ends :]
        return row[: min(len(row), int(others[-1]) + 1 + ends) if others.size else ends]

    def _padded(self, row: I64, length: int) -> I64:
        padding = np.full(length - len(row), self.pad_token_id, np.int64)
        return np.concatenate([padding, row] if self._native.pads_left else [row, padding])

    def _mask(self, length: int, count: int) -> I64:
        mask = np.ones(length, np.int64)
        mask[slice(0, length - count) if self._native.pads_left else slice(count, length)] = 0
        return mask

    def encode(self, text: str, **options: Any) -> list[int]:
        """One text -> its ids as a list; arguments as of a call."""
        ids: list[int] = self(text, **options)["input_ids"]
        return ids

    def tokenize(self, text: str) -> list[str]:
        """One text -> its pieces, without what ends it."""
        ids = self._without_padding(self._tokenizer_of(_NO_LIMIT)([text])[0])
        return [piece for piece in self.convert_ids_to_tokens(ids) if piece not in _SPECIAL]

    def convert_ids_to_tokens(
        self, ids: int | Iterable[int], skip_special_tokens: bool = False
    ) -> Any:
        """Ids -> pieces, with U+2581 for a space; one id -> one piece."""
        if isinstance(ids, int | np.integer):
            return self._native.piece(int(ids))
        pieces = [self._native.piece(int(id)) for id in to_numpy(ids, "ids").ravel()]
        return [p for p in pieces if p not in _SPECIAL] if skip_special_tokens else pieces

    def decode(self, token_ids: Any, skip_special_tokens: bool = False) -> str:
        """Ids [T] -> text, as the tokenizer saw it: lower case, white space as it left it."""
        pieces = self.convert_ids_to_tokens(to_numpy(token_ids, "token_ids"), skip_special_tokens)
        return _join(pieces)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False) -> list[str]:
        """Rows of ids -> texts."""
        return [self.decode(row, skip_special_tokens) for row in sequences]


class Siglip2Tokenizer(SiglipTokenizer):
    """The same: which kind it is, the files decide."""


_SPECIAL = frozenset(("<pad>", "<s>", "</s>", "<unk>", "<bos>", "<eos>", "<mask>"))
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def _join(pieces: list[str]) -> str:
    """Text of pieces, those that stand for bytes put together."""
    whole = bytearray()
    for piece in pieces:
        byte = _BYTE.fullmatch(piece)
        whole += bytes([int(byte[1], 16)]) if byte else piece.encode()
    text = whole.decode(errors="replace").replace("\u2581", " ")
    return text.removeprefix(" ")


def _check_padding(padding: object) -> str:
    name = getattr(padding, "value", padding)  # of an enumeration of transformers
    if name is True:
        return "longest"
    if name is False:
        return "do_not_pad"
    if isinstance(name, str) and name in ("max_length", "longest", "do_not_pad"):
        return name
    raise InvalidArgument(
        f'padding: expected "max_length", "longest", "do_not_pad" or a bool, found {padding!r}'
    )


def _check_texts(texts: object) -> list[str]:
    if isinstance(texts, Iterable):
        found = list(texts)
        if not found:
            raise InvalidArgument("text: expected at least one text, found none")
        if all(isinstance(text, str) for text in found):
            return found
    raise InvalidArgument("text: expected a string or several, found something else")


def _levels_to_caller() -> int:
    """For warnings: how far it is to the first frame outside this package."""
    import sys

    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame = frame.f_back
        level += 1
    return level


class SiglipProcessor(_Pretrained):
    """An image processor and a tokenizer.

    Attributes
    ----------
    image_processor : SiglipImageProcessor
    tokenizer : SiglipTokenizer
    """

    _files = _PREPROCESSING_FILES + _TOKENIZER_FILES

    def __init__(self, image_processor: SiglipImageProcessor, tokenizer: SiglipTokenizer) -> None:
        self._source = image_processor._source
        self.image_processor = image_processor
        self.tokenizer = tokenizer

    @classmethod
    def _open(cls, source: Source) -> Self:
        images = SiglipImageProcessor._open(source)
        chosen = Siglip2Processor if isinstance(images, Siglip2ImageProcessor) else SiglipProcessor
        tokenizer = Siglip2Tokenizer if chosen is Siglip2Processor else SiglipTokenizer
        return chosen(images, tokenizer._open(source))  # type: ignore[return-value]

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.image_processor, self.tokenizer))

    @property
    def model_input_names(self) -> list[str]:
        return [*self.image_processor.model_input_names, *self.tokenizer.model_input_names]

    def __call__(
        self,
        images: Picture | Iterable[Picture] | None = None,
        text: str | Sequence[str] | None = None,
        *,
        padding: bool | str = "max_length",
        truncation: bool = True,
        max_length: int | None = None,
        return_tensors: Framework | None = None,
        return_attention_mask: bool = False,
        max_num_patches: int | None = None,
        input_data_format: ChannelOrder | None = None,
    ) -> BatchFeature:
        """Pictures, texts or both -> what models are fed.

        Parameters
        ----------
        images, max_num_patches, input_data_format
            As of `SiglipImageProcessor`.
        text, padding, truncation, max_length, return_attention_mask
            As of `SiglipTokenizer`.
        return_tensors : "np" or "pt", optional
            None: lists.

        Returns
        -------
        BatchFeature
            input_ids, where there are texts, and what the image processor returns.

        Raises
        ------
        SiglipError
            As the parts do.
        InvalidArgument
            Without both.
        """
        if images is None and text is None:
            raise InvalidArgument("images and text: expected at least one of them, found none")
        batch = BatchFeature()
        if text is not None:
            encoding = self.tokenizer(
                text,
                padding=padding,
                truncation=truncation,
                max_length=max_length,
                return_tensors=return_tensors,
                return_attention_mask=return_attention_mask,
            )
            batch.update(encoding)
        if images is not None:
            batch.update(
                self.image_processor(
                    images,
                    return_tensors=return_tensors,
                    max_num_patches=max_num_patches,
                    input_data_format=input_data_format,
                )
            )
        return batch

    def decode(self, token_ids: Any, skip_special_tokens: bool = False) -> str:
        """As of the tokenizer."""
        return self.tokenizer.decode(token_ids, skip_special_tokens)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False) -> list[str]:
        """As of the tokenizer."""
        return self.tokenizer.batch_decode(sequences, skip_special_tokens)


class Siglip2Processor(SiglipProcessor):
    """The same for NaFlex checkpoints."""
