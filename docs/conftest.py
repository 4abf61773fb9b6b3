"""Runs the pieces of Python in the guides, page by page, as their readers would: with pictures in the current folder
and a model of the hub in the cache."""

import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import siglip
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
import guides

# What pieces may need and be skipped without; `scripts/test_python.sh --all` has all of it.
OTHER_PACKAGES = {
    "chromadb", "faiss", "lancedb", "langchain_core", "llama_index", "sentence_transformers", "sklearn", "torch",
}


def lacks(package):
    """Whether it is not installed."""
    if package not in OTHER_PACKAGES:
        raise ValueError(f"{package}: expected one of {sorted(OTHER_PACKAGES)}")
    return find_spec(package) is None


def pieces_to_run(document):
    """Those in Python that are not marked."""
    run = {piece.line for piece in guides.pieces_to_run(Path(document.path), "python")}
    for region in PythonCodeBlockParser()(document):
        line = document.text.count("\n", 0, region.start) + 1
        if line in run or document.text[region.start:].startswith("<!---"):
            yield region


def set_up(namespace):
    folder = Path(tempfile.mkdtemp(prefix="siglip-guides-"))
    guides.make_cache(folder / "cache")
    guides.make_folder(folder)
    os.environ["HF_HUB_CACHE"], os.environ["HF_HUB_OFFLINE"] = str(folder / "cache"), "1"
    namespace.update(folder=folder, before=os.getcwd(), siglip=siglip, files=["cat.jpg", "broken.jpg", "dog.jpg"])
    namespace.update(keep=lambda source, embedding: None, lacks=lacks)
    os.chdir(folder)


def tear_down(namespace):
    os.chdir(namespace["before"])
    shutil.rmtree(namespace["folder"])
    del os.environ["HF_HUB_CACHE"], os.environ["HF_HUB_OFFLINE"]


pytest_collect_file = Sybil(
    parsers=[pieces_to_run, SkipParser()],
    patterns=guides.PAGES_RUN_BY_SYBIL,
    setup=set_up,
    teardown=tear_down,
).pytest()
