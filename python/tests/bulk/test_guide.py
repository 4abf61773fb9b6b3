"""What docs/bulk.md shows works: the pieces that say so are run, in their order and in one folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

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
