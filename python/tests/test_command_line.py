"""The program `siglip` as pip installs it."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import siglip
from siglip import _command_line


@pytest.fixture
def bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a `siglip.bulk.command_line` that takes the place of any other."""
    (tmp_path / "bulk").mkdir()
    (tmp_path / "bulk" / "__init__.py").touch()
    for name in [name for name in sys.modules if f"{name}.".startswith("siglip.bulk.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(siglip, "__path__", [str(tmp_path), *siglip.__path__])
    monkeypatch.setattr(siglip, "bulk", None, raising=False)
    importlib.invalidate_caches()
    yield tmp_path / "bulk" / "command_line.py"
    for name in [name for name in sys.modules if f"{name}.".startswith("siglip.bulk.")]:
        del sys.modules[name]


def test_bulk_gets_the_words_behind_it(bulk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.write_text("def main(arguments):\n    assert arguments == ['run', '--help']\n    return 4\n")
    monkeypatch.setattr(sys, "argv", ["siglip", "bulk", "run", "--help"])
    assert _command_line.main() == 4


def test_what_bulk_needs_is_told(
    bulk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bulk.write_text("import pyarrow.parquet\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(sys, "argv", ["siglip", "bulk"])
    assert _command_line.main() == 1
    out, err = capfd.readouterr()
    assert out == "" and "pyarrow" in err and 'pip install "siglip[bulk]"' in err


def test_another_import_that_fails_is_no_advice(bulk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.write_text("import siglip_of_another_name\n")
    monkeypatch.setattr(sys, "argv", ["siglip", "bulk"])
    with pytest.raises(ImportError, match="another_name"):
        _command_line.main()
