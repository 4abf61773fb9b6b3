"""SigLIP as the module of a SentenceTransformer: pictures and texts into one space.

>>> from sentence_transformers import SentenceTransformer
>>> from siglip.sentence_transformers import Siglip
>>> model = SentenceTransformer(modules=[Siglip("google/siglip2-base-patch16-224")])
>>> model.encode(["a cat", "a dog"]).shape
(2, 768)

Needs sentence-transformers 6, and imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]
from sentence_transformers.base import (  # type: ignore[import-not-found,unused-ignore]
    modality as modalities,
)
from sentence_transformers.base.modules import (  # type: ignore[import-not-found,unused-ignore]
    InputModule,
)

from .loading import Precision
from .model import Model, load


class Siglip(InputModule):  # type: ignore[misc,unused-ignore]
    """Texts and pictures (paths, PIL images, arrays of uint8) -> embeddings, not normalised.

    Parameters
    ----------
    model : str
        As of `siglip.load`.
    threads : int, optional
        As of `siglip.load`.
    precision : "f32", "bf16", "int8" or "auto", optional
        As of `siglip.load`.

    Raises
    ------
    SiglipError
        As `siglip.load` and `Model.encode_image` do.
    """

    save_in_root = True
    config_file_name = "siglip_config.json"
    config_keys: list[str] = ["model", "threads", "precision"]
    modalities: list[Any] = ["text", "image"]

    def __init__(
        self, model: str, threads: int | None = None, precision: Precision | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.model = model
        self.threads = threads
        self.precision = precision
        self._loaded: Model = load(model, threads=threads, precision=precision)

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Only sorts: pictures are prepared while others are computed, in `forward`."""
        kind = options.get("modality") or modalities.infer_batch_modality(
            inputs, supported_modalities=self.modalities
        )
        if isinstance(kind, tuple):
            kind = kind[0]
        found = [each.get(kind, each) if isinstance(each, dict) else each for each in inputs]
        if kind == "text" and prompt:
            found = [prompt + text for text in found]
        return {"modality": kind, "inputs": found}

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Adds ``sentence_embedding``, float32 [n, D]."""
        inputs = features["inputs"]
        if features["modality"] == "text":
            rows = self._loaded.encode_text(inputs)
        else:
            rows = self._loaded.encode_image(inputs, show_progress=False)
        features["sentence_embedding"] = torch.from_numpy(rows)
        return features

    def get_embedding_dimension(self) -> int:
        return self._loaded.dim

    @property
    def max_seq_length(self) -> int:
        return self._loaded.max_text_tokens

    def save(
        self, output_path: str, *arguments: Any, safe_serialization: bool = True, **options: Any
    ) -> None:
        """Writes the name of the model, not its weights."""
        self.save_config(output_path)
