"""The easy level: pictures and texts in, embeddings out."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

import numpy as np

from . import _siglip
from .arrays import F32, I64, as_floats, framework_of, give, output_array
from .configuration import read_config
from .errors import InvalidArgument, PictureError, SiglipError
from .loading import Precision, Source
from .outputs import BatchFeature
from .pictures import Picture, is_picture, iterate_pictures, list_of_paths, to_native
from .progress import wants_bar, with_bar
from .runtime import Runtime, choose_runtime

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
Preprocess = Literal["torchvision", "pillow", "pillow13"]
Alpha = Literal["white", "drop"]
OnError = Literal["raise", "nan"] | Callable[[int, Any, SiglipError], None]


def load(
    model: str | PathLike[str],
    *,
    precision: Precision | None = None,
    threads: int | None = None,
    runtime: Runtime | None = None,
    revision: str | None = None,
    download: bool = True,
    preprocess: Preprocess | None = None,
    alpha: Alpha = "white",
    max_num_patches: int | None = None,
    fast_decode: bool = False,
) -> Model:
    """Opens a model. Its towers are loaded when they are first needed.

    Parameters
    ----------
    model : str or path
        A checkpoint folder, a packed one, a file that is a checkpoint (.npz, .gguf), or a name of
        the hub, ``"organisation/name"``.
    precision : "f32", "bf16", "int8" or "auto", optional
        What large matrix products multiply. None: what is packed, f32 of all others.
    threads : int, optional
        Of the runtime, which models with the same number share. None: the environment variable
        SIGLIP_THREADS, else as many as this process may use.
    runtime : Runtime, optional
        Instead of `threads`.
    revision : str, optional
        A branch, tag or commit of the hub.
    download : bool
        Whether a model that the cache lacks is downloaded. With HF_HUB_OFFLINE=1 never.
    preprocess : "torchvision", "pillow" or "pillow13", optional
        Whose resizing pixels follow to the bit. None: that of the project that made the model.
    alpha : "white" or "drop", optional
        What becomes of transparency.
    max_num_patches : int, optional
        Of NaFlex models: how many patches a picture may have. None: as the checkpoint says.
    fast_decode : bool
        Decode large JPEG files at a fraction of their size: faster, and not exact.

    Raises
    ------
    SiglipError
        `NotFound`, `MalformedFile`, `InvalidArgument` and others.
    """
    options = _Options(precision or "", preprocess or "", alpha, fast_decode, max_num_patches or 0)
    source = Source.find(model, revision, download)
    return Model(source, options, threads, runtime)


@dataclass(frozen=True)
class _Options:
    """In the order of `_siglip.Embedder`."""

    precision: str
    preprocess: str
    alpha: str
    fast_decode: bool
    max_num_patches: int


@dataclass
class Result(Generic[T]):
    """Of one picture of a stream: an embedding, or the reason why there is none.

    Attributes
    ----------
    index : int
        Its position among the pictures, from 0.
    source : object
        What was handed in.
    embedding : float32 [D], or [N, D] of tokens, or None
    error : SiglipError or None
    width, height : int
        Of the picture in pixels; 0 where that is not known.
    rows, columns : int
        Of patches it was cut into.
    """

    index: int
    source: T
    embedding: F32 | None
    error: SiglipError | None
    width: int
    height: int
    rows: int
    columns: int


class Model:
    """Pictures and texts in, embeddings out; `siglip.load` makes one.

    Immutable, and safe to share among threads and with children of ``fork()``. Pickled as its path
    and options, never its weights: Ray, joblib, workers of a DataLoader and spawned processes load
    it again; a packed checkpoint is mapped, so that they share its memory.

    Attributes
    ----------
    name : str
        What was handed to `load`.
    path : str
        The folder.
    """

    def __init__(
        self, source: Source, options: _Options, threads: int | None, runtime: Runtime | None
    ) -> None:
        self.name = source.name
        self.path = source.path
        self._source = source
        self._arguments = (source, options, threads, runtime)
        self._runtime = choose_runtime(runtime, threads)
        self._embedder: _siglip.Embedder | None = _siglip.Embedder(
            source.path,
            self._runtime.native,
            options.precision,
            options.preprocess,
            options.alpha,
            options.fast_decode,
            options.max_num_patches,
        )
        self._options = options
        self._config: Mapping[str, Any] | None = None
        self._classifier: tuple[object, _siglip.ZeroShotClassifier] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (_load_again, self._arguments)

    def __repr__(self) -> str:
        return f"siglip.load({self.name!r})"

    # ---- embeddings ----

    def encode_image(
        self,
        images: Picture | Iterable[Picture],
        *,
        normalize: bool = False,
        tokens: bool = False,
        in_flight: int | None = None,
        out: F32 | None = None,
        show_progress: bool | None = None,
        on_error: OnError = "raise",
    ) -> F32:
        """Embeds pictures.

        Parameters
        ----------
        images : Picture or iterable of Picture
            Paths, bytes of picture files, PIL images, arrays of uint8; also mixed, and generators.
            An array of four axes is several pictures.
        normalize : bool
            Divide every vector by its L2 norm.
        tokens : bool
            The vectors of all patches instead of one for the picture.
        in_flight : int, optional
            The most pictures in memory; None: four per thread. Changes no bit of a result.
        out : float32 array [n, D], optional
            Where results are written to.
        show_progress : bool, optional
            A bar of tqdm. None: on a terminal, where tqdm is installed.
        on_error : "raise" or "nan", optional or callable
            What becomes of a picture that fails. "raise": `PictureError`. "nan": its row is NaN.
            A callable is told index, source and error; the row is NaN.

        Returns
        -------
        float32 array
            One picture -> [D], many -> [n, D], in order; with `tokens` [N, D] and [n, N, D].

        Raises
        ------
        PictureError
            For the first picture that fails, unless `on_error` says otherwise.
        SiglipError
            When the image tower cannot be used.
        """
        if on_error not in ("raise", "nan") and not callable(on_error):
            raise InvalidArgument(
                f'on_error: expected "raise", "nan" or a callable, found {on_error!r}'
            )
        one = is_picture(images)
        pictures = iterate_pictures(images)
        count = len(pictures) if isinstance(pictures, Sized) else None
        shape = self._native.embedding_shape(tokens)
        rows = _Rows(shape, count, out, one)
        bar = not one and wants_bar(show_progress)
        paths, target = list_of_paths(pictures), rows.contiguous
        stream: Generator[Result[Any], None, None]
        if paths is None or target is None or bar:
            stream = self.stream(pictures, normalize=normalize, tokens=tokens, in_flight=in_flight)
        else:
            sources = cast("Sequence[Any]", pictures)
            options = (normalize, tokens, _checked_in_flight(in_flight))
            stream = self._failures(self._native, paths, sources, target, *options)
        # Closed here, since the traceback of an exception would keep it at work.
        with closing(stream):
            results: Iterator[Result[Any]] = stream
            if bar:
                results = with_bar(results, count, "picture")
            for result in results:
                if result.error is not None:
                    if on_error == "raise":
                        raise _picture_error(result, one) from result.error
                    if callable(on_error):
                        on_error(result.index, result.source, result.error)
                rows.add(result.index, result.embedding)
        return rows.finish()

    def encode_text(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        out: F32 | None = None,
    ) -> F32:
        """Embeds texts.

        Parameters
        ----------
        texts : str or iterable of str
        normalize : bool
            Divide every vector by its L2 norm.
        out : float32 array [n, D], optional
            Where results are written to.

        Returns
        -------
        float32 array
            One text -> [D], many -> [n, D].

        Raises
        ------
        SiglipError
            When the text tower or the tokenizer cannot be used.
        """
        one = isinstance(texts, str)
        found = _list_of_texts(texts)
        if found:
            rows = self._native.embed_texts(found, normalize)
        else:
            rows = np.empty((0, self._text_dim()), np.float32)
        result = cast(F32, rows[0]) if one else rows
        if out is None:
            return result
        output_array(out, result.shape)[...] = result
        return out

    def stream(
        self,
        images: Iterable[T],
        *,
        key: Callable[[T], Picture] | None = None,
        normalize: bool = False,
        tokens: bool = False,
        in_flight: int | None = None,
    ) -> Generator[Result[T], None, None]:
        """Embeds any number of pictures in bounded memory.

        Parameters
        ----------
        images : iterable
            Pictures, or anything that `key` finds a picture in. Taken by another thread, while
            results are computed.
        key : callable, optional
            Item -> picture.
        normalize, tokens, in_flight
            As in `encode_image`.

        Yields
        ------
        Result
            In the order of `images`, each as soon as it is ready. A picture that fails is a result
            with an error; never an exception. Exceptions of `images` are passed on. Closing the
            iterator, or Ctrl-C, stops within one picture.
        """
        return self._stream(
            self._native, images, key, normalize, tokens, _checked_in_flight(in_flight)
        )

    @staticmethod
    def _stream(
        embedder: _siglip.Embedder,
        images: Iterable[T],
        key: Callable[[T], Picture] | None,
        normalize: bool,
        tokens: bool,
        in_flight: int,
    ) -> Generator[Result[T], None, None]:
        # Appended to by the thread that takes pictures, in the order in which results come.
        taken: deque[tuple[T, SiglipError | None]] = deque()

        def pictures() -> Iterator[_siglip.Picture]:
            for index, item in enumerate(images):
                error: SiglipError | None = None
                try:
                    picture = to_native(item if key is None else key(item), f"picture {index}")
                except SiglipError as failure:
                    # Holds the place of its result, so that memory stays bounded here too.
                    picture, error = _siglip.Picture.bytes(b"", f"picture {index}"), failure
                taken.append((item, error))
                yield picture

        results = embedder.stream(pictures(), normalize, tokens, in_flight)
        try:
            for found in results:
                item, error = taken.popleft()
                if error is None and found.error is not None:
                    error = _as_siglip_error(found.error)
                yield _result(found, item, error)
        finally:
            results.close()

    @staticmethod
    def _failures(
        embedder: _siglip.Embedder,
        paths: list[str],
        sources: Sequence[Any],
        rows: F32,
        normalize: bool,
        tokens: bool,
        in_flight: int,
    ) -> Generator[Result[Any], None, None]:
        """Writes into `rows` without Python having to do with every picture."""
        results = embedder.stream(paths, normalize, tokens, in_flight, rows=rows)
        try:
            for found in results:
                assert found.error is not None
                yield _result(found, sources[found.index], _as_siglip_error(found.error))
        finally:
            results.close()

    # ---- comparing ----

    def classify(
        self,
        images: Picture | Iterable[Picture],
        labels: Sequence[str],
        *,
        top_k: int | None = None,
        template: str | Sequence[str] = "This is a photo of {}.",
    ) -> list[list[dict[str, Any]]]:
        """How probable each label is for each picture. Labels are judged one by one, so that
        probabilities need not add up to one.

        Parameters
        ----------
        images : Picture or iterable of Picture
        labels : sequence of str
        top_k : int, optional
            Only the best so many.
        template : str or sequence of str
            With ``{}`` where the label goes; of several the embeddings are averaged.

        Returns
        -------
        list of list of dict
            Per picture ``{"label": ..., "score": probability, "logit": ...}``, best first.

        Raises
        ------
        PictureError
            For the first picture that fails.
        InvalidArgument
            Without labels, and for a template without ``{}``.
        """
        if top_k is not None and top_k < 1:
            raise InvalidArgument(f"top_k: expected at least 1, found {top_k}")
        labels = _list_of_texts(labels)
        classifier = self._classifier_of(labels, _list_of_texts(template))
        rows = self.encode_image(iterate_pictures(images), show_progress=False)
        return [
            [
                {"label": labels[index], "score": probability, "logit": logit}
                for index, logit, probability in classifier(row)[:top_k]
            ]
            for row in rows
        ]

    def _classifier_of(self, labels: list[str], templates: list[str]) -> _siglip.ZeroShotClassifier:
        """The last one is kept: its texts are embedded once for many calls."""
        wanted = (tuple(labels), tuple(templates))
        kept = self._classifier
        if kept is not None and kept[0] == wanted:
            return kept[1]
        classifier = _siglip.ZeroShotClassifier(self._native, labels, templates)
        self._classifier = (wanted, classifier)
        return classifier

    def similarity(self, a: F32, b: F32) -> F32:
        """Cosines.

        Parameters
        ----------
        a : array [m, D]
        b : array [n, D]
            Normalised or not, of numpy or torch.

        Returns
        -------
        array [m, n]
        """
        left, right = _pair(a, b)
        return cast(F32, give(_siglip.cosines(left, right), framework_of(a, b)))

    def logits(self, image_embeds: F32, text_embeds: F32) -> F32:
        """``exp(logit_scale) * cosine + logit_bias``: [m, D] and [n, D] -> [m, n]."""
        rows = self._native.logits(*_pair(image_embeds, text_embeds))
        return cast(F32, give(rows, framework_of(image_embeds, text_embeds)))

    def probabilities(self, image_embeds: F32, text_embeds: F32) -> F32:
        """How probable it is that each picture belongs to each text, judged pair by pair:
        [m, D] and [n, D] -> [m, n]."""
        rows = _siglip.sigmoid(self._native.logits(*_pair(image_embeds, text_embeds)))
        return cast(F32, give(rows, framework_of(image_embeds, text_embeds)))

    # ---- parts ----

    def preprocess(self, images: Picture | Iterable[Picture]) -> BatchFeature:
        """Pictures -> what the image tower is fed.

        Returns
        -------
        BatchFeature
            pixel_values, float32 [B, 3, H, W]; of NaFlex [B, max_num_patches, values], with
            pixel_attention_mask, int32 [B, max_num_patches], and spatial_shapes, int64 [B, 2].
        """
        pictures = [
            to_native(picture, f"picture {index}")
            for index, picture in enumerate(iterate_pictures(images))
        ]
        pixels, mask, shapes = self._native.image_processor(
            pictures, self._options.alpha, self._options.fast_decode
        )
        batch = BatchFeature(pixel_values=pixels)
        if mask is not None and shapes is not None:
            batch.update(pixel_attention_mask=mask, spatial_shapes=shapes)
        return batch

    def tokenize(self, texts: str | Iterable[str]) -> I64:
        """Texts -> ids, int64 [n, T], padded as the model was trained; one text -> [T]."""
        rows = self._native.tokenizer(_list_of_texts(texts))
        return cast(I64, rows[0]) if isinstance(texts, str) else rows

    def fingerprint(
        self,
        *,
        pictures: bool | None = None,
        texts: bool | None = None,
        normalize: bool = False,
        tokens: bool = False,
    ) -> dict[str, Any]:
        """Everything that the numbers of an embedding depend on besides the picture or text.

        Embeddings with equal fingerprints have the same bits. Hashes of the weights are computed
        the first time.

        Parameters
        ----------
        pictures, texts : bool, optional
            Whose embeddings. None: of what the checkpoint has towers for.
        normalize, tokens : bool
            As embeddings are made.
        """
        parts = _siglip.find_parts(self.path)
        text = self._native.fingerprint(
            parts["image_tower"] if pictures is None else pictures,
            parts["text_tower"] if texts is None else texts,
            normalize,
            tokens,
        )
        return cast("dict[str, Any]", json.loads(text))

    # ---- what it is ----

    @property
    def dim(self) -> int:
        """Values of an embedding."""
        if _siglip.find_parts(self.path)["image_tower"]:
            return self._native.embedding_shape()[-1]
        return self._text_dim()

    def _text_dim(self) -> int:
        config = json.loads(self._native.text_model.config_json)
        return int(config.get("projection_size") or config["hidden_size"])

    @property
    def image_size(self) -> int | None:
        """Pixels a side of the pictures that the image tower takes; None: any."""
        return self._native.vision_model.image_size or None

    @property
    def max_text_tokens(self) -> int:
        """Ids of every text."""
        return self._native.tokenizer.max_length

    @property
    def precision(self) -> str:
        """What large matrix products multiply: "f32", "bf16" or "int8"."""
        if _siglip.find_parts(self.path)["image_tower"]:
            return self._native.vision_model.precision
        return self._native.text_model.precision

    @property
    def threads(self) -> int:
        return self._runtime.threads

    @property
    def instruction_set(self) -> str:
        return self._runtime.instruction_set

    @property
    def config(self) -> Mapping[str, Any]:
        """config.json as transformers has it; of other projects' checkpoints what it would be."""
        if self._config is None:
            self._config = MappingProxyType(read_config(self.path))
        return self._config

    # ---- its end ----

    @property
    def _native(self) -> _siglip.Embedder:
        if self._embedder is None:
            raise InvalidArgument(f"{self.name}: the model is closed")
        return self._embedder

    def close(self) -> None:
        """Gives weights and threads back, as far as nothing else uses them. Later calls raise
        InvalidArgument."""
        self._embedder = None
        self._classifier = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _load_again(
    source: Source, options: _Options, threads: int | None, runtime: Runtime | None
) -> Model:
    return Model(source.here(), options, threads, runtime)


def _checked_in_flight(in_flight: int | None) -> int:
    if in_flight is not None and in_flight < 1:
        raise InvalidArgument(f"in_flight: expected at least 1, found {in_flight}")
    return in_flight or 0


def _result(found: _siglip.EmbedResult, source: T, error: SiglipError | None) -> Result[T]:
    return Result(
        index=found.index,
        source=source,
        embedding=None if error is not None else found.embedding,
        error=error,
        width=found.width,
        height=found.height,
        rows=found.rows,
        columns=found.columns,
    )


class _Rows:
    """Where results of `encode_image` go, however many there are."""

    def __init__(
        self, shape: tuple[int, ...], count: int | None, out: F32 | None, one: bool
    ) -> None:
        self._shape = shape
        self._one = one
        self._given = out
        self._grown: list[F32] = []
        self._array: F32 | None = None
        if out is not None:
            if count is None:
                raise InvalidArgument("out: needs pictures whose number is known, such as a list")
            array = output_array(out, shape if one else (count, *shape))
            self._array = array[np.newaxis] if one else array
        elif count is not None:
            self._array = np.full((count, *shape), np.nan, np.float32)

    @property
    def contiguous(self) -> F32 | None:
        """An array that holds all of them without gaps, where there is one."""
        array = self._array
        return array if array is not None and array.flags.c_contiguous else None

    def add(self, index: int, embedding: F32 | None) -> None:
        row = np.full(self._shape, np.nan, np.float32) if embedding is None else embedding
        if self._array is None:
            self._grown.append(row)
        else:
            self._array[index] = row

    def finish(self) -> F32:
        if self._given is not None:
            return self._given
        if self._array is None:
            if not self._grown:
                return np.empty((0, *self._shape), np.float32)
            return np.stack(self._grown)
        return cast(F32, self._array[0]) if self._one else self._array


def _picture_error(result: Result[Any], one: bool) -> PictureError:
    error = result.error
    assert error is not None
    message = error.message
    if not one and isinstance(result.source, str | PathLike):  # others are called by their number
        message = f"picture {result.index}: {message}"
    return PictureError(
        message, error.hint, code=error.code, index=result.index, source=result.source
    )


def _as_siglip_error(error: Exception) -> SiglipError:
    if isinstance(error, SiglipError):
        return error
    raise error


def _list_of_texts(texts: str | Iterable[str]) -> list[str]:
    found = [texts] if isinstance(texts, str) else list(texts)
    for index, text in enumerate(found):
        if not isinstance(text, str):
            raise InvalidArgument(
                f"texts: expected strings, found {type(text).__name__} at {index}"
            )
    return found


def _pair(a: object, b: object) -> tuple[F32, F32]:
    return as_floats(a, "embeddings"), as_floats(b, "embeddings")
