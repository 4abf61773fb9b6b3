#!/usr/bin/env bash
# Uses the packages for 64-bit Arm under qemu, beside build/release, whose kernels for AVX2 have the bits of NEON's: the
# command line and a program in C with what scripts/deb.sh --arch arm64 made, unpacked into a copy of the sysroot, and
# Debian's Python with what scripts/wheel.sh --arch aarch64 made. Installs the wheel with what it needs by pip.
#   scripts/try_arm_packages.sh          works in build/try-arm
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/arm_environment.sh

package=$(echo dist/siglip_*_arm64.deb)
wheel=$(echo dist/siglip-*_aarch64.whl)
for file in "$package" "$wheel" build/release/{apps/cli/siglip,src/libsiglip.so}; do
  if [[ ! -f $file ]]; then
    printf 'try_arm_packages: there is no %s\n' "$file" >&2
    exit 1
  fi
done
readonly work=$PWD/build/try-arm
readonly root=$work/root
rm -rf "$work"
mkdir -p "$work"
cp --archive --link "$SYSROOT" "$root"
dpkg-deb --extract "$package" "$root"

on_arm() {
  SIGLIP_ISA=neon qemu-aarch64-static -L "$root" "$@"
}
on_this_machine() {
  SIGLIP_ISA=avx2 "$@"
}
readonly pictures=(examples/images/*.jpg)

scripts/check_deb.py "$package"

readonly embed=(embed --model models/demo "${pictures[@]}" --output)
on_arm "$root/usr/bin/siglip" --version
on_arm "$root/usr/bin/siglip" "${embed[@]}" "$work/arm.npy"
on_this_machine build/release/apps/cli/siglip "${embed[@]}" "$work/here.npy"
cmp "$work/arm.npy" "$work/here.npy"
printf 'command line: the same bits, %d pictures\n' "${#pictures[@]}"

# The libraries that libsiglip.so needs are the linker's to find, too.
compile=(-std=c99 -pedantic -Wall -Wextra -Werror examples/use_c/embed.c)
flags=$(PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config --cflags --libs siglip)
# shellcheck disable=SC2086 # flags are words
aarch64-linux-gnu-gcc --sysroot="$root" "${compile[@]}" $flags -o "$work/embed-arm"
gcc "${compile[@]}" -Iinclude -Lbuild/release/src -lsiglip -Wl,-rpath,"$PWD/build/release/src" -o "$work/embed-here"
readonly example=(models/demo "a red heart,a blue star" "${pictures[@]:0:2}")
on_arm "$work/embed-arm" "${example[@]}" | tee "$work/arm.txt"
on_this_machine "$work/embed-here" "${example[@]}" | diff "$work/arm.txt" -
printf 'program in C: the same output\n'

# Tests of the wheel that start no other Python. What this machine's Python would not take is chosen by the platform.
python=$(echo "$root"/usr/bin/python3.*[0-9])
platforms=()
for minor in {17..35}; do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check --target "$work/packages" \
  --only-binary :all: --implementation cp --python-version "${python##*python}" "${platforms[@]}" \
  "$wheel" pytest < /dev/null
printf '#!/bin/sh\nSIGLIP_ISA=avx2 exec "%s" "$@"\n' "$PWD/build/release/apps/cli/siglip" > "$work/siglip-here"
chmod +x "$work/siglip-here"
SIGLIP_WHEEL=$PWD/$wheel SIGLIP_CLI=$work/siglip-here PYTHONHOME=$root/usr PYTHONPATH=$work/packages PYTHONSAFEPATH=1 \
  on_arm "$python" -m pytest -q -p no:cacheprovider python/tests/test_wheel.py \
  -k 'size or one_wheel or libraries or nothing_of or licences or every_picture'
