"""The parts of scripts/service_figures.py."""

import pathlib
import sys

_TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"
sys.path[:0] = [str(_TESTS / "server"), str(_TESTS / "support")]
