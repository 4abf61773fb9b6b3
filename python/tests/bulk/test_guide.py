"""What docs/bulk.md shows works: the pieces that say so are run, in their order and in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

from siglip.bulk.prediction import ROW_BYTES, Fleet, Speed, Work, predict

sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
import guides  # noqa: E402

PAGE = REPOSITORY / "docs" / "bulk.md"
MARK = "python/tests/bulk/test_guide.py runs it"


def test_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, programs = tmp_path / "folder", tmp_path / "programs"
    guides.make_cache(tmp_path / "cache")
    for each in (folder, programs):
        each.mkdir()
    guides.make_folder(folder)
    program = programs / "siglip"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = bulk ] && shift && exec {sys.executable} -m siglip.bulk "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    count = 0
    for piece in guides.pieces(PAGE):
        if piece.mark != MARK:
            continue
        count += 1
        command = {
            "sh": ["bash", "-euo", "pipefail", "-c"],
            "python": [sys.executable, "-c"],
        }[piece.language]
        ended = subprocess.run(
            [*command, piece.code],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ended.returncode == 0, f"{piece.code}\n{ended.stderr}"
    assert count >= 7
    assert np.load(folder / "photos.npy").shape == (4, 128)
    assert (folder / "job.yaml").read_text().startswith("# The bulk job")


def test_costs_are_those_of_the_model() -> None:
    kinds = {
        "640x480, 38 KB, int8": (0.3072, 38e3, 0.049, None),
        "640x480, 38 KB, bf16": (0.3072, 38e3, 0.081, None),
        "12 megapixels, 2 MB, int8": (12.0, 2e6, 0.049, 1.25e9),
    }
    found = 0
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 10 or cells[1] not in kinds:
            continue
        found += 1
        pictures, machines = float(cells[0]), int(cells[2])
        megapixels, size, model_seconds, network = kinds[cells[1]]
        predicted = predict(
            Work(pictures, int(pictures / 10_000), megapixels, size, 768 * 2 + ROW_BYTES),
            Speed(model_seconds, 0.003),
            Fleet(machines, 64, network),
            price=0.04,
        )
        assert predicted.cost is not None
        expected = (
            predicted.pictures_per_second / machines,
            predicted.hours,
            predicted.shards,
            predicted.bytes_in / 1e12,
            predicted.bytes_out / 1e12,
            predicted.cost[0],
            predicted.cost[0] / pictures * 1e6,
        )
        told = [float(re.sub("[^0-9.]", "", cell)) for cell in cells[3:]]
        # To two digits.
        assert told == pytest.approx(expected, rel=0.03)
    assert found == 5
