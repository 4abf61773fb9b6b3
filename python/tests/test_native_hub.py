"""Downloads through Python's own means, from a hub on this machine."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import GOLDEN, REPOSITORY

import siglip

sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
import hub_server

NAME = "acme/tiny-siglip"
FILES = {
    name: (GOLDEN / "vision-head" / name).read_bytes()
    for name in ("config.json", "model.safetensors")
}
FILES["preprocessor_config.json"] = b'{"size": {"height": 48, "width": 48}}'


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import os

    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "TRANSFORMERS")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    server = hub_server.Hub(NAME, dict(FILES))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    yield server
    server.stall.clear()
    server.close()


def test_pulling(hub: Any) -> None:
    told: list[tuple[int, int]] = []
    folder = siglip.pull(NAME, progress=lambda present, total: told.append((present, total)))
    assert {file.name: file.read_bytes() for file in Path(folder).iterdir()} == FILES
    total = sum(map(len, FILES.values()))
    assert told[-1] == (total, total) and told == sorted(told)
    assert folder == siglip.resolve(NAME) and hub_server.COMMIT in folder
    before = len(hub.requests)
    assert siglip.load(NAME).encode_image(np.zeros((9, 9, 3), np.uint8)).shape == (48,)
    assert len(hub.requests) == before


def test_progress_counts_what_is_there_already(hub: Any) -> None:
    weights = Path(siglip.pull(NAME)) / "model.safetensors"
    weights.resolve().unlink()
    weights.unlink()
    told: list[tuple[int, int]] = []
    siglip.pull(NAME, progress=lambda present, total: told.append((present, total)))
    total = sum(map(len, FILES.values()))
    assert told[-1] == (total, total) and told == sorted(told)


def test_models_that_the_cache_lacks_are_downloaded(hub: Any) -> None:
    with pytest.raises(siglip.NotFound):
        siglip.load(NAME, download=False)
    with pytest.raises(siglip.NotFound):
        siglip.SiglipVisionModel.from_pretrained(NAME, local_files_only=True)
    assert not hub.requests
    model = siglip.AutoModel.from_pretrained(NAME, revision="main")
    assert type(model) is siglip.SiglipVisionModel and model.name_or_path == NAME
    assert siglip.AutoImageProcessor.from_pretrained(NAME).size == {"height": 48, "width": 48}


def test_offline_nothing_is_asked_for(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(siglip.NotFound):
        siglip.load(NAME)
    assert not hub.requests


def test_paths_are_not_asked_for(hub: Any, tmp_path: Path) -> None:
    for name in (tmp_path / "no" / "model", "./no/model", "no-model", "a/b/c"):
        with pytest.raises(siglip.NotFound) as loading:
            siglip.load(name)
        with pytest.raises(siglip.NotFound) as resolving:
            siglip.resolve(name)
        assert str(loading.value) == str(resolving.value)
    assert not hub.requests


def test_a_download_that_broke_off_goes_on(hub: Any) -> None:
    hub.cuts = [10_000]
    folder = siglip.pull(NAME)
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert any("Range" in headers for server, _, _, headers in hub.requests if server == "storage")


def test_failures_have_their_classes(hub: Any) -> None:
    with pytest.raises(siglip.NotFound, match="acme/other"):
        siglip.pull("acme/other")
    hub.altered["config.json"] = FILES["config.json"].replace(b"16", b"17")
    with pytest.raises(siglip.SiglipError, match="config.json"):
        siglip.pull(NAME)


def test_what_a_progress_raises_ends_it(hub: Any) -> None:
    def progress(present: int, total: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        siglip.pull(NAME, progress=progress)


def test_ctrl_c_ends_a_download(hub: Any) -> None:
    hub.piece = hub.before_stall = 20_000
    hub.stall.set()
    program = """
        import siglip
        def progress(present, total):
            if present >= 20_000: print("begun", flush=True)
        try:
            siglip.pull("acme/tiny-siglip", progress=progress)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert "stopped\n" in process.stdout.read()
    assert time.monotonic() - sent < 5
    assert process.wait() == 0
