#!/usr/bin/env bash
# Makes the self-contained wheel of the Python package: dist/siglip-VERSION-cp310-abi3-manylinux_2_35_ARCH.whl,
# for any Linux with glibc 2.35 or later. Prints the sizes of the wheel and of what it installs.
#   scripts/wheel.sh            builds in build/wheel
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
  printf 'usage: scripts/wheel.sh\n' >&2
  exit 2
fi

readonly work=build/wheel-parts
readonly env=build/wheel-env
readonly stand_ins=$work/stand-ins
scripts/python_env.sh wheel
mkdir -p "$work" dist
# And with paths counted from here, in a folder beside it.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# As build/release is built, so that ccache has its objects.
export CC=cc CXX=c++
options=(-C "cmake.define.SIGLIP_WERROR=${SIGLIP_WERROR:-OFF}")
if command -v ccache > /dev/null; then
  options+=(-C cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi

# quietly LOG COMMAND...: shows what a command printed only if it fails.
quietly() {
  local log="$work/$1.log"
  shift
  "$@" > "$log" 2>&1 < /dev/null || { cat "$log" >&2; exit 1; }
}

rm -rf "$work"/plain "$work"/repaired "$work"/unpacked
printf 'wheel: building\n'
# Without libcurl and all that it needs: Python has a transport of its own. SQLite is linked in, since most of it is used,
# and then what is not can be left out.
quietly build "$env/bin/python" -m pip wheel . --no-build-isolation --no-deps --disable-pip-version-check \
  --wheel-dir "$work/plain" -C build-dir=build/wheel -C cmake.define.SIGLIP_CURL=OFF \
  -C "cmake.define.SQLite3_LIBRARY=$(cc -print-file-name=libsqlite3.a)" "${options[@]}"
printf 'wheel: adding libraries\n'
quietly stand_ins scripts/make_stand_ins.py "$stand_ins"
PATH="$PWD/$env/bin:$PATH" LD_LIBRARY_PATH="$PWD/$stand_ins" quietly repair \
  "$env/bin/auditwheel" repair --plat "manylinux_2_35_$(uname -m)" --wheel-dir "$work/repaired" \
  "$work"/plain/*.whl
quietly unpack "$env/bin/python" -m wheel unpack --dest "$work/unpacked" "$work"/repaired/*.whl
"$env/bin/python" scripts/wheel_licences.py "$work"/unpacked/siglip-* "$stand_ins"
rm -f dist/siglip-*.whl
quietly pack "$env/bin/python" -m wheel pack --dest-dir dist "$work"/unpacked/siglip-*

wheel=$(echo dist/siglip-*.whl)
printf '%s: %s bytes, installed %s bytes\n' "$wheel" "$(stat --format %s "$wheel")" \
  "$(du --summarize --bytes --apparent-size "$work"/unpacked | cut -f 1)"
