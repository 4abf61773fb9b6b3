"""What the tests share: where models, pictures and expected values of the repository are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "models" / "demo"
GOLDEN = REPOSITORY / "tests" / "golden"
EXAMPLES = REPOSITORY / "examples" / "images"

_DTYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64, "U8": np.uint8}


def read_safetensors(file: Path) -> dict[str, np.ndarray]:
    """Tensors of a file, without the package under test."""
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], _DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors


def write_safetensors(file: Path, tensors: dict[str, np.ndarray]) -> None:
    """Tensors of float32."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, values in tensors.items():
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    data = b"".join(values.astype(np.float32).tobytes() for values in tensors.values())
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)


# The tolerances of the C++ tests (tests/support/golden_values.h).
TOLERANCE = 2e-5
LOGIT_TOLERANCE = 1e-4


def assert_rows_equal(found: Any, expected: np.ndarray) -> None:
    """Every row of the last axis may be TOLERANCE off, relative to its norm."""
    found = np.asarray(found)
    assert found.shape == expected.shape
    distance = np.linalg.norm(found.astype(np.float64) - expected, axis=-1)
    assert (distance <= TOLERANCE * np.linalg.norm(expected.astype(np.float64), axis=-1)).all()


def assert_logits_equal(found: Any, expected: np.ndarray) -> None:
    """Relative to the largest of them."""
    found = np.asarray(found)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= LOGIT_TOLERANCE * np.abs(expected).max()


@pytest.fixture
def pictures() -> list[str]:
    return [str(file) for file in sorted(EXAMPLES.glob("*.jpg"))[:6]]
