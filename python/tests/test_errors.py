"""Errors: codes, classes, messages, pickling."""

import pickle
import subprocess
import sys

import pytest

import siglip
from siglip.errors import from_code

# Of src/base/error.cc, with the exception of Python that each should be caught as.
CODES = {
    "invalid argument": (siglip.InvalidArgument, ValueError),
    "not found": (siglip.NotFound, FileNotFoundError),
    "input/output error": (siglip.IOFailure, OSError),
    "malformed file": (siglip.MalformedFile, ValueError),
    "unsupported": (siglip.Unsupported, NotImplementedError),
    "mismatch": (siglip.Mismatch, ValueError),
    "limit exceeded": (siglip.LimitExceeded, MemoryError),
    "cancelled": (siglip.Cancelled, siglip.SiglipError),
    "internal error": (siglip.InternalError, RuntimeError),
}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_class(code: str) -> None:
    error_class, python_class = CODES[code]
    error = from_code(code, "a.json: broken", "mend it")
    assert type(error) is error_class
    assert isinstance(error, python_class) and isinstance(error, siglip.SiglipError)
    assert (error.code, error.message, error.hint) == (code, "a.json: broken", "mend it")
    assert str(error) == "a.json: broken (mend it)"
    assert str(from_code(code, "a.json: broken", "")) == "a.json: broken"


def test_a_code_of_a_newer_library_is_an_error_all_the_same() -> None:
    error = from_code("out of cheese", "none left", "")
    assert type(error) is siglip.SiglipError
    assert error.code == "out of cheese"


@pytest.mark.parametrize("code", CODES)
def test_errors_can_be_pickled(code: str) -> None:
    error = from_code(code, "what", "hint")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.code, again.message, again.hint) == (code, "what", "hint")
    assert str(again) == str(error)


def test_picture_errors_say_which_and_can_be_pickled() -> None:
    error = siglip.PictureError("broken", "", code="malformed file", index=7, source="a.jpg")
    again = pickle.loads(pickle.dumps(error))
    assert (again.index, again.source, again.code) == (7, "a.jpg", "malformed file")
    assert isinstance(again, ValueError)


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, siglip\n"
        "siglip.NotFound\n"
        "heavy = {'numpy', 'PIL', 'torch', 'json', 'siglip._siglip'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n", "")


def test_names_of_the_package() -> None:
    assert "load" in dir(siglip) and "AutoModel" in siglip.__all__
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        siglip.laod  # noqa: B018
