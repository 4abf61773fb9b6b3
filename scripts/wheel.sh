#!/usr/bin/env bash
# Makes the self-contained wheel of the Python package: dist/siglip-VERSION-cp310-abi3-manylinux_2_35_ARCH.whl,
# for any Linux with glibc 2.35 or later. Prints the sizes of the wheel and of what it installs.
#   scripts/wheel.sh                   builds in build/wheel, for this machine's architecture
#   scripts/wheel.sh --arch aarch64    builds in build/wheel-aarch64; scripts/try_arm_packages.sh uses it under qemu
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

arch=$(uname -m)
suffix=''
case "$*" in
  '' | "--arch $arch") ;;
  '--arch aarch64')
    arch=aarch64
    suffix=-aarch64
    ;;
  *)
    printf 'usage: scripts/wheel.sh [--arch %s|aarch64]\n' "$arch" >&2
    exit 2
    ;;
esac
readonly arch suffix

readonly build=build/wheel$suffix work=build/wheel-parts$suffix
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
if [[ -n $suffix ]]; then
  source scripts/arm_environment.sh
  export _PYTHON_HOST_PLATFORM=linux-$arch # in the name of the wheel
  # Of what CMake looks for, nanobind alone is not in the sysroot.
  options+=(-C "cmake.define.Python_INCLUDE_DIR=$(echo "$SYSROOT"/usr/include/python3.*)"
    -C "cmake.define.nanobind_DIR=$("$env/bin/python" -m nanobind --cmake_dir)")
fi

# quietly LOG COMMAND...: shows what a command printed only if it fails.
quietly() {
  local log="$work/$1.log"
  shift
  "$@" > "$log" 2>&1 < /dev/null || { cat "$log" >&2; exit 1; }
}

# auditwheel ARGUMENT...: by itself it knows but the platforms of the machine it runs on.
auditwheel() {
  "$env/bin/python" -c "import platform, sys
platform.machine = lambda: '$arch'
from auditwheel.main import main
sys.exit(main())" "$@"
}

rm -rf "$work"/plain "$work"/repaired "$work"/unpacked
printf 'wheel: building\n'
# Without libcurl and all that it needs: Python has a transport of its own. SQLite is linked in, since most of it is used,
# and then what is not can be left out.
quietly build "$env/bin/python" -m pip wheel . --no-build-isolation --no-deps --disable-pip-version-check \
  --wheel-dir "$work/plain" -C build-dir="$build" -C cmake.define.SIGLIP_CURL=OFF \
  -C "cmake.define.SQLite3_LIBRARY=$($CC -print-file-name=libsqlite3.a)" "${options[@]}"
printf 'wheel: adding libraries\n'
quietly stand_ins scripts/make_stand_ins.py "$stand_ins"
PATH="$PWD/$env/bin:$PATH" AUDITWHEEL_LD_LIBRARY_PATH="$PWD/$stand_ins${ARM_LIBRARIES:+:$ARM_LIBRARIES}" \
  quietly repair auditwheel repair --plat "manylinux_2_35_$arch" --wheel-dir "$work/repaired" "$work"/plain/*.whl
quietly unpack "$env/bin/python" -m wheel unpack --dest "$work/unpacked" "$work"/repaired/*.whl
"$env/bin/python" scripts/wheel_licences.py "$work"/unpacked/siglip-* "$stand_ins"
rm -f dist/siglip-*_"$arch".whl
quietly pack "$env/bin/python" -m wheel pack --dest-dir dist "$work"/unpacked/siglip-*

wheel=$(echo dist/siglip-*_"$arch".whl)
printf '%s: %s bytes, installed %s bytes\n' "$wheel" "$(stat --format %s "$wheel")" \
  "$(du --summarize --bytes --apparent-size "$work"/unpacked | cut -f 1)"
