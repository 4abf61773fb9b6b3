"""Runs the pieces of Python in the guides, page by page, as their readers would: with pictures in the current folder
and a model of the hub in the cache."""

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import siglip
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("google/siglip-base-patch16-224", "google/siglip2-base-patch16-224")


def add_to_cache(cache, name):
    """The demo model under another name."""
    folder = cache / ("models--" + name.replace("/", "--"))
    (folder / "refs").mkdir(parents=True)
    (folder / "snapshots").mkdir()
    (folder / "refs" / "main").write_text("a" * 40)
    (folder / "snapshots" / ("a" * 40)).symlink_to(ROOT / "models" / "demo")


def set_up(namespace):
    folder = Path(tempfile.mkdtemp(prefix="siglip-guides-"))
    for name in MODELS:
        add_to_cache(folder / "cache", name)
    for picture, example in (("cat.jpg", "00.jpg"), ("dog.jpg", "01.jpg"), ("bird.jpg", "02.jpg")):
        shutil.copy(ROOT / "examples" / "images" / example, folder / picture)
    (folder / "broken.jpg").write_bytes(b"no picture")
    os.environ["HF_HUB_CACHE"], os.environ["HF_HUB_OFFLINE"] = str(folder / "cache"), "1"
    namespace.update(folder=folder, before=os.getcwd(), siglip=siglip, files=["cat.jpg", "broken.jpg", "dog.jpg"])
    namespace.update(keep=lambda source, embedding: None, torch_is_there=bool(find_spec("torch")))
    os.chdir(folder)


def tear_down(namespace):
    os.chdir(namespace["before"])
    shutil.rmtree(namespace["folder"])
    del os.environ["HF_HUB_CACHE"], os.environ["HF_HUB_OFFLINE"]


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["index.md", "howto.md", "python.md"],
    setup=set_up,
    teardown=tear_down,
).pytest()
