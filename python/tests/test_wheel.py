"""The wheel: what is in it, what it installs, and that it computes what the command line computes. Skipped unless
SIGLIP_WHEEL names the file and SIGLIP_CLI the program, as scripts/test_python.sh does."""

import ctypes
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import siglip
from siglip import _siglip
from conftest import DEMO, EXAMPLES, REPOSITORY

WHEEL = os.environ.get("SIGLIP_WHEEL", "")
CLI = os.environ.get("SIGLIP_CLI", "")
PICTURES = [REPOSITORY / "tests" / "data" / "images", REPOSITORY / "tests" / "data" / "tiff", EXAMPLES]

pytestmark = pytest.mark.skipif(not WHEEL or not CLI, reason="SIGLIP_WHEEL and SIGLIP_CLI are not set")

# Encoders, code under the GPL, and what only libcurl needs.
FORBIDDEN = re.compile(
    r"lib(curl|ssl|crypto|gnutls|nettle|hogweed|nghttp2|rtmp|ssh2?|psl|ldap|krb5|gssapi_krb5|idn2|unistring|numa)-"
)
ENDINGS = (".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff", ".pnm", ".avif", ".heic")
STAND_INS = re.compile(r"lib(x265|aom|rav1e|SvtAv1Enc|gav1|jbig)-")
# On 64-bit Arm, parts of a file that are mapped begin at multiples of 64 KiB, the largest pages there.
IS_ARM = platform.machine() == "aarch64"
MOST_BYTES_INSTALLED = 16e6 if IS_ARM else 15e6
MOST_BYTES_OF_A_STAND_IN = (160 if IS_ARM else 32) << 10
# Those with their encoders are larger.
MOST_BYTES_OF_DECODERS = {"zstd": 300 << 10, "webp": 300 << 10, "lzma": (240 if IS_ARM else 120) << 10}
COMPILED_IN = ("libsqlite3-dev", "libxxhash-dev", "libcli11-dev", "nlohmann-json3-dev", "nanobind")


@pytest.fixture(scope="module")
def files() -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(WHEEL) as wheel:
        return wheel.infolist()


def test_size(files: list[zipfile.ZipInfo]) -> None:
    assert Path(WHEEL).stat().st_size <= 6e6
    assert sum(file.file_size for file in files) <= MOST_BYTES_INSTALLED


def test_one_wheel_for_all_versions() -> None:
    assert re.fullmatch(r"siglip-[0-9.]+-cp310-abi3-manylinux_2_35_\w+\.whl", Path(WHEEL).name)


def test_libraries(files: list[zipfile.ZipInfo]) -> None:
    libraries = [file for file in files if ".so" in file.filename]
    assert any("libdav1d-" in file.filename for file in libraries)
    for file in libraries:
        name = Path(file.filename).name
        assert not FORBIDDEN.match(name), name
        assert not name.startswith("libsqlite3"), name  # linked into the module
        if STAND_INS.match(name):
            assert file.file_size <= MOST_BYTES_OF_A_STAND_IN, name
    for decoder, most_bytes in MOST_BYTES_OF_DECODERS.items():
        (size,) = [file.file_size for file in libraries if f"/lib{decoder}-" in file.filename]
        assert size <= most_bytes, decoder


def test_nothing_of_the_module_is_in_the_way_of_others() -> None:
    module = ctypes.CDLL(_siglip.__file__)
    assert module.PyInit__siglip
    for name in ("sqlite3_open", "sqlite3_libversion"):
        with pytest.raises(AttributeError):
            getattr(module, name)


def test_licences(files: list[zipfile.ZipInfo]) -> None:
    names = {file.filename for file in files}
    with zipfile.ZipFile(WHEEL) as wheel:
        page = next(name for name in names if name.endswith("licenses/LIBRARIES.txt"))
        text = wheel.read(page).decode()
        for file in files:
            if file.filename.startswith("siglip.libs/"):
                assert Path(file.filename).name in text
        for package in re.findall(r"package (\S+),", text):
            assert len(wheel.read(f"{Path(page).parent}/third-party/{package}.txt")) > 200, package
        for package in COMPILED_IN:
            assert f"package {package}," in text
        bills = [json.loads(wheel.read(name)) for name in names if "/sboms/" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    components = {component["name"] for bill in bills for component in bill["components"]}
    assert components >= {*COMPILED_IN, "libzstd-dev", "libwebp-dev", "liblzma-dev", "libdav1d6", "libtiff6"}


def test_importing_is_quick_and_loads_little() -> None:
    def seconds(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin

    names = "'numpy', 'PIL', 'torch', 'siglip._siglip', 'typing'"
    seconds(f"import sys, siglip; assert not {{{names}}} & set(sys.modules), sys.modules.keys()")
    # Printed for whoever looks; a busy machine says nothing.
    imports = [seconds("import siglip") - seconds("pass") for _ in range(5)]
    print(f"import siglip: {1000 * statistics.median(imports):.0f} ms")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_picture_has_the_bits_of_the_command_line(tmp_path: Path) -> None:
    rows = tmp_path / "rows.npz"
    folders = [str(folder) for folder in PICTURES]
    result = run(CLI, "embed", "--quiet", "--model", str(DEMO), "--output", str(rows), *folders)
    assert result.returncode in (0, 3), result.stderr  # some cannot be read, by neither
    with np.load(rows) as saved:
        names, expected = [str(name) for name in saved["names"]], saved["embeddings"]
    assert len(names) >= 150
    assert {Path(name).suffix for name in names} >= set(ENDINGS)
    np.testing.assert_array_equal(siglip.load(DEMO).encode_image(names), expected)


RATE = re.compile(r"[0-9.]+ pictures/s")
# The wheel has all commands but this one.
SERVICE = re.compile(r" serve,|^  serve .*\n(?:   .*\n)*", re.MULTILINE)
SCRIPT = str(Path(sys.executable).parent / "siglip")


def without_service(text: str) -> str:
    return SERVICE.sub("", text)


def test_the_command_is_the_program(tmp_path: Path) -> None:
    picture = str(EXAMPLES / "00.jpg")
    for arguments in (
        ["--version"],
        ["embed", "--model", str(DEMO), picture],
        ["embed", "--model", str(DEMO), "nothing.jpg"],
        ["inspect", "--json", str(DEMO)],
        ["no-such-command"],
        [],
    ):
        ours, program = run(SCRIPT, *arguments), run(CLI, *arguments)
        assert (ours.returncode, ours.stdout) == (program.returncode, without_service(program.stdout))
        assert RATE.sub("", ours.stderr) == RATE.sub("", without_service(program.stderr))
    assert run(sys.executable, "-m", "siglip", "--version").stdout == run(CLI, "--version").stdout


def test_the_command_ends_when_nobody_reads_on() -> None:
    program = subprocess.Popen(
        [SCRIPT, "embed", "--model", str(DEMO), *[str(EXAMPLES)] * 20], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert program.stdout is not None and program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(timeout=60) != 0
    assert "Traceback" not in program.stderr.read()
