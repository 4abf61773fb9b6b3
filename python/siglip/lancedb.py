"""SigLIP as an embedding function of LanceDB, registered as "siglip-cpu".

>>> from siglip.lancedb import SiglipEmbeddings
>>> siglip = SiglipEmbeddings.create(name="google/siglip2-base-patch16-224")
>>> class Row(LanceModel):
...     uri: str = siglip.SourceField()
...     vector: Vector(siglip.ndims()) = siglip.VectorField()
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from lancedb.embeddings import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    EmbeddingFunction,
    register,
)
from pydantic import PrivateAttr  # type: ignore[import-not-found,unused-ignore]

from .model import Model, load


@register("siglip-cpu")  # type: ignore[misc,no-untyped-call,unused-ignore]
class SiglipEmbeddings(EmbeddingFunction):  # type: ignore[misc,unused-ignore]
    """Pictures (paths, bytes, PIL images) into a table; texts and pictures as queries.

    Vectors are not normalised: search with the metric "cosine". A picture that fails has no vector.

    Attributes
    ----------
    name : str
        As `siglip.load` takes it.
    threads : int or None
    precision : str or None
    """

    name: str = "google/siglip2-base-patch16-224"
    threads: int | None = None
    precision: str | None = None

    _model: Any = PrivateAttr(None)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def _loaded(self) -> Model:
        with self._lock:
            if self._model is None:
                precision: Any = self.precision
                self._model = load(self.name, threads=self.threads, precision=precision)
            loaded: Model = self._model
            return loaded

    def ndims(self) -> int:
        """Values of a vector."""
        return self._loaded().dim

    def compute_source_embeddings(
        self, images: Any, *arguments: Any, **options: Any
    ) -> list[np.ndarray[Any, Any] | None]:
        """A vector per picture, None where it fails."""
        pictures = [images] if isinstance(images, str | bytes) else list(images)
        return [result.embedding for result in self._loaded().stream(pictures, key=_python_value)]

    def compute_query_embeddings(  # type: ignore[override,unused-ignore]
        self, query: Any, *arguments: Any, **options: Any
    ) -> list[np.ndarray[Any, Any]]:
        """Of one text or picture."""
        model = self._loaded()
        if isinstance(query, str):
            return [model.encode_text(query)]
        return [model.encode_image(_python_value(query))]


def _python_value(value: Any) -> Any:
    """Of a value of pyarrow what it holds."""
    return value.as_py() if hasattr(value, "as_py") else value
