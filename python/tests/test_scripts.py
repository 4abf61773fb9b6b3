"""Scripts written for transformers run with siglip, the line of import changed and nothing else, and print the same.

Where transformers is installed, they run with both; elsewhere what transformers printed is in scripts/results.json
(make_script_results.py)."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drop_in import RESULTS, SCRIPTS, make_models, run, source_for

pytest.importorskip("PIL.Image")

REFERENCE = find_spec("transformers") is not None and find_spec("torch") is not None
# Of the norm of a row: of embeddings, and of what is computed of logits.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    return folder


def is_number(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def assert_alike(found: Any, expected: Any, path: str) -> None:
    """Equal, but for numbers with a fraction, which may differ by TOLERANCE."""
    if isinstance(expected, dict):
        assert isinstance(found, dict) and list(found) == list(expected), path
        for key, value in expected.items():
            assert_alike(found[key], value, f"{path}.{key}")
    elif isinstance(expected, list) and not all(map(is_number, expected)):
        assert isinstance(found, list) and len(found) == len(expected), path
        for index, value in enumerate(expected):
            assert_alike(found[index], value, f"{path}.{index}")
    elif isinstance(expected, float) or (isinstance(expected, list) and float in map(type, expected)):
        assert np.shape(found) == np.shape(expected), path
        difference = np.linalg.norm(np.subtract(found, expected))
        assert difference <= TOLERANCE * np.linalg.norm(expected), (path, found, expected)
    else:
        assert found == expected, path


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_what_it_prints_with_transformers(name: str, models: Path) -> None:
    if "import torch" in source_for(name, "siglip"):
        pytest.importorskip("torch")
    expected = json.loads(RESULTS.read_text())[name]
    if REFERENCE:
        now = run(name, "transformers", models)
        assert_alike(now, expected, "what is stored")
        expected = now
    assert_alike(run(name, "siglip", models), expected, name)
