"""Scripts that were written for transformers (scripts/*.py), run with one library or the other. This module itself
needs neither."""

import contextlib
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from conftest import DEMO, EXAMPLES, GOLDEN, read_safetensors, write_safetensors

SCRIPTS = {file.stem: file for file in sorted((Path(__file__).parent / "scripts").glob("*.py"))}
RESULTS = Path(__file__).parent / "scripts" / "results.json"
# Which of the folders that `make_models` makes a script is run with.
_MODELS = {
    "01_zero_shot_pipeline": "siglip",
    "02_auto_model": "demo",
    "03_fixed_resolution_siglip2": "siglip",
    "04_naflex": "naflex",
    "05_text_features": "siglip",
    "06_vision_model": "demo",
    "07_text_model": "demo",
    "08_image_classification": "classifier",
    "09_image_classification_pipeline": "classifier",
    "10_cosine_similarity": "demo",
    "11_numpy_inputs": "siglip",
    "12_siglip2_classes": "naflex",
    "13_whole_model": "demo",
    "14_feature_extraction_pipeline": "tower",
}
_PICTURES = [EXAMPLES / "00.jpg", GOLDEN / "images" / "tall.png", EXAMPLES / "03.jpg"]
_IMPORT = re.compile(r"^(from|import) transformers\b", re.MULTILINE)

_PREPROCESSING = json.loads((DEMO / "preprocessor_config.json").read_text())
_SIZE = {"height": 48, "width": 48}


def make_models(folder: Path) -> None:
    """Small checkpoints as those of the hub are: weights, and what preprocessing needs."""
    (folder / "demo").symlink_to(DEMO)
    tokenizer = {**json.loads((DEMO / "tokenizer_config.json").read_text()), "model_max_length": 64}
    _make(folder / "siglip", "siglip-full", {**_PREPROCESSING, "size": _SIZE})
    shutil.copy(GOLDEN / "text" / "sentencepiece" / "spiece.model", folder / "siglip")
    _write(folder / "siglip" / "tokenizer_config.json", tokenizer)
    # As those of all NaFlex checkpoints; Siglip2Processor of transformers takes no others.
    naflex = {"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 256, "patch_size": 16}
    _make(folder / "naflex", "siglip2-naflex", naflex)
    gemma = GOLDEN / "text" / "gemma"
    shutil.copy(gemma / "tokenizer.json", folder / "naflex")
    tokenizer = {**json.loads((gemma / "tokenizer_config.json").read_text()), "model_input_names": ["input_ids"]}
    _write(folder / "naflex" / "tokenizer_config.json", tokenizer)
    for name, golden in (("classifier", "image-classification"), ("tower", "vision-head")):
        shutil.copytree(GOLDEN / golden, folder / name)
        _write(folder / name / "preprocessor_config.json", {**_PREPROCESSING, "size": _SIZE})


def _make(folder: Path, golden: str, preprocessing: object) -> None:
    """A model of the golden values, but with texts of 64 ids out of 1500, patches of 16 pixels, and probabilities that
    are not next to 0."""
    folder.mkdir()
    config = json.loads((GOLDEN / golden / "config.json").read_text())
    config["text_config"] |= {"max_position_embeddings": 64, "vocab_size": 1500}
    config["vision_config"]["patch_size"] = 16
    tensors = read_safetensors(GOLDEN / golden / "model.safetensors")
    draw = np.random.RandomState(5)  # whose numbers are the same in every version of numpy
    _redraw(tensors, "text_model.embeddings.token_embedding.weight", (1500, 48), draw, 1)
    _redraw(tensors, "text_model.embeddings.position_embedding.weight", (64, 48), draw, 1)
    if config["model_type"] == "siglip2":
        _redraw(tensors, "vision_model.embeddings.patch_embedding.weight", (48, 768), draw, 0.05)
    tensors["logit_scale"], tensors["logit_bias"] = np.float32([2.5]), np.float32([-2])
    _write(folder / "config.json", config)
    _write(folder / "preprocessor_config.json", preprocessing)
    write_safetensors(folder / "model.safetensors", tensors)


def _redraw(
    tensors: dict[str, np.ndarray], name: str, shape: tuple[int, int], draw: np.random.RandomState, scale: float
) -> None:
    assert name in tensors
    tensors[name] = (scale * draw.standard_normal(shape)).astype(np.float32)


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content))


def source_for(name: str, library: str) -> str:
    """The script with another line of import, and nothing else."""
    source, count = _IMPORT.subn(rf"\1 {library}", SCRIPTS[name].read_text())
    assert count > 0, name
    return source


def run(name: str, library: str, models: Path) -> Any:
    """What the script prints when `library` is what it imports."""
    arguments = [str(SCRIPTS[name]), str(models / _MODELS[name]), *map(str, _PICTURES)]
    printed = io.StringIO()
    with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(printed):
        code = compile(source_for(name, library), str(SCRIPTS[name]), "exec")
        exec(code, {"__name__": "__main__"})
    return json.loads(printed.getvalue())
