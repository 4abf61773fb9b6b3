"""sentence-transformers and LanceDB, where they are installed."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO

import siglip


def test_sentence_transformers(tmp_path: Path, pictures: list[str]) -> None:
    library = pytest.importorskip("sentence_transformers")
    image = pytest.importorskip("PIL.Image")
    from siglip.sentence_transformers import Siglip

    expected = siglip.load(DEMO)
    model = library.SentenceTransformer(modules=[Siglip(str(DEMO), threads=2)], device="cpu")
    texts = ["a star", "a ring"]
    assert (model.encode(texts) == expected.encode_text(texts)).all()
    opened = [image.open(file) for file in pictures]
    assert (model.encode(opened) == expected.encode_image(pictures)).all()
    assert model.get_embedding_dimension() == 128
    assert model.max_seq_length == 24
    similarities = model.similarity(model.encode(opened), model.encode(texts))
    assert similarities.shape == (6, 2)
    model.save(str(tmp_path / "saved"))
    again = library.SentenceTransformer(  # which asks for leave to import what is not its own
        str(tmp_path / "saved"), device="cpu", trust_remote_code=True
    )
    assert (again.encode(texts) == model.encode(texts)).all()
    assert (pickle.loads(pickle.dumps(model[0]))._loaded.encode_text("a") ==
            expected.encode_text("a")).all()  # fmt: skip


def test_lancedb(tmp_path: Path, pictures: list[str]) -> None:
    lancedb = pytest.importorskip("lancedb")
    image = pytest.importorskip("PIL.Image")
    from lancedb.pydantic import LanceModel, Vector

    from siglip.lancedb import SiglipEmbeddings

    embed = SiglipEmbeddings.create(name=str(DEMO))
    assert embed.ndims() == 128

    class Row(LanceModel):  # type: ignore[misc]
        uri: str = embed.SourceField()
        vector: Vector(embed.ndims()) = embed.VectorField()  # type: ignore[valid-type]

    table = lancedb.connect(tmp_path).create_table("pictures", schema=Row)
    table.add([{"uri": file} for file in pictures])
    assert table.count_rows() == 6
    best = table.search(image.open(pictures[3])).metric("cosine").limit(1).to_pydantic(Row)
    assert best[0].uri == pictures[3]
    texts: Any = siglip.load(DEMO).encode_text("a star")
    found = table.search("a star").metric("cosine").limit(6).to_pydantic(Row)
    cosines = siglip.load(DEMO).similarity(
        texts[np.newaxis], np.array([row.vector for row in found], np.float32)
    )[0]
    assert (np.diff(cosines) <= 1e-5).all()
    assert embed.compute_source_embeddings(["missing.jpg"]) == [None]
