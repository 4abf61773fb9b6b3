"""The pieces of code in the guides, and the folder in which readers are supposed to run them."""

import json
import re
import shutil
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
IMAGES = ROOT / "examples" / "images"
# Names of the hub that are in the reader's cache.
HUB_MODELS = ("google/siglip-base-patch16-224", "google/siglip2-base-patch16-224")
NAFLEX_MODEL = "google/siglip2-base-patch16-naflex"
NAFLEX_PREPROCESSING = {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 8, "max_num_patches": 256}
COMMIT = "a" * 40

PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Those whose Python docs/conftest.py runs.
PAGES_RUN_BY_SYBIL = ["index.md", "howto.md", "python.md", "recipes.md"]
# <!-- not run: REASON --> just above a piece.
PIECE = re.compile(r"(?:^<!-- not run: (?P<mark>[^\n]+) -->\n\n?)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
                   re.MULTILINE | re.DOTALL)

Piece = namedtuple("Piece", "page line language code mark")


def pieces(page, language=None):
    """Those of a page, in order, marked or not."""
    text = page.read_text(encoding="utf-8")
    for found in PIECE.finditer(text):
        if language in (None, found["language"]):
            line = text.count("\n", 0, found.start("language")) + 1
            yield Piece(page, line, found["language"], found["code"], found["mark"])


def pieces_to_run(page, language):
    return [piece for piece in pieces(page, language) if not piece.mark]


def add_to_cache(cache, name):
    """An empty folder for a model of the hub, under its name with and without a revision."""
    folder = cache / ("models--" + name.replace("/", "--"))
    (folder / "refs").mkdir(parents=True)
    for revision in ("main", "v1.0"):
        (folder / "refs" / revision).write_text(COMMIT)
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    return snapshot


def make_cache(cache):
    """What the reader has pulled: small models under the names of others."""
    for name in HUB_MODELS:
        snapshot = add_to_cache(cache, name)
        for file in model_files():
            (snapshot / file.name).symlink_to(file)
    snapshot = add_to_cache(cache, NAFLEX_MODEL)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(ROOT / "tests" / "golden" / "siglip2-naflex" / name)
    (snapshot / "preprocessor_config.json").write_text(json.dumps(NAFLEX_PREPROCESSING))


def model_files():
    """Of the demo model, what a hub would have."""
    return [file for file in sorted(MODEL.iterdir()) if file.suffix in (".json", ".safetensors", ".model")]


def make_folder(folder):
    """What the reader has in the current folder: pictures, alone, in a folder, and in a folder per label."""
    for picture, example in (("cat.jpg", "00.jpg"), ("dog.jpg", "01.jpg"), ("bird.jpg", "02.jpg")):
        shutil.copy(IMAGES / example, folder / picture)
    (folder / "broken.jpg").write_bytes(b"no picture")
    for place, examples in (("photos", (3, 4, 5, 6)), ("labelled/cat", (7, 8)), ("labelled/dog", (9, 10))):
        (folder / place).mkdir(parents=True)
        for example in examples:
            shutil.copy(IMAGES / f"{example:02}.jpg", folder / place)
