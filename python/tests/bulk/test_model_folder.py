"""The copy of a job's model that a machine keeps, where the output is no folder of it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest
import siglip
from conftest import DEMO, EXAMPLES

from siglip.bulk.job import Job
from siglip.bulk.local_location import LocalLocation
from siglip.bulk.location import Entry
from siglip.bulk.model_folder import job_runtime, layout_of, local_model, open_embedder
from siglip.bulk.planning import plan
from siglip.runtime import Runtime


class Killed(BaseException):
    pass


class Elsewhere(LocalLocation):
    """As a store is: no folder that could be mapped. Fails at the file with this number."""

    def __init__(self, root: Path, fails_at: int = -1) -> None:
        super().__init__(root)
        self._left = fails_at

    @property
    def folder(self) -> None:  # type: ignore[override]
        return None

    def open(self, entry: Entry) -> BinaryIO:
        if self._left == 0:
            raise Killed
        self._left -= 1
        return super().open(entry)


def test_what_a_killed_copy_left_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    output = tmp_path / "out"
    plan([str(EXAMPLES)], str(output), model=str(DEMO), precision="f32")
    job = Job.open(LocalLocation(output))
    runtime = job_runtime(job, 1)
    for _ in range(2):
        with pytest.raises(Killed):
            local_model(Elsewhere(output, fails_at=1), job, runtime)
    folder = Path(local_model(Elsewhere(output), job, runtime))
    (name,) = job.model_folders.values()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        file.name: file.read_bytes() for file in (output / name).iterdir()
    }
    assert sorted(each.name for each in folder.parent.iterdir()) == [
        folder.name,
        f"{folder.name}.lock",
    ]


def test_any_has_one_folder_of_each_layout(tmp_path: Path) -> None:
    plan([str(EXAMPLES)], str(tmp_path / "out"), model=str(DEMO), precision="int8", isa="any")
    job = Job.open(LocalLocation(tmp_path / "out"))
    runtimes = [Runtime(1, instruction_set=name) for name in siglip.instruction_sets()]
    assert set(job.model_folders) == {layout_of(job, runtime) for runtime in runtimes}
    for runtime in runtimes:
        folder = local_model(LocalLocation(tmp_path / "out"), job, runtime)
        assert folder.endswith(f"-int8-{layout_of(job, runtime)}")
        open_embedder(folder, runtime, {})
