#!/usr/bin/env bash
# Makes the Debian package with the command line, the library and its headers: dist/siglip_VERSION_ARCH.deb, for the
# version of Debian it is made on. scripts/check_deb.py checks it.
#   scripts/deb.sh                 builds in build/deb, for this machine's architecture
#   scripts/deb.sh --arch arm64    builds in build/deb-arm64; scripts/try_arm_packages.sh uses it under qemu
#   CONTACT='Name <address>'       in the environment: who answers for the package
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v dpkg-shlibdeps > /dev/null; then
  printf 'deb: expected dpkg-shlibdeps, found none (apt-get install dpkg-dev)\n' >&2
  exit 1
fi
arch=$(dpkg --print-architecture)
build=build/deb
build_options=()
package_options=()
case "$*" in
  '' | "--arch $arch") ;;
  '--arch arm64')
    arch=arm64
    build+=-$arch
    source scripts/arm_environment.sh
    build_options=(-DCMAKE_INSTALL_LIBDIR=lib/aarch64-linux-gnu) # CMake knows Debian's folders of this machine only
    package_options=(-D "CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS=${ARM_LIBRARIES//:/;}")
    ;;
  *)
    printf 'usage: scripts/deb.sh [--arch %s|arm64]\n' "$arch" >&2
    exit 2
    ;;
esac
readonly arch build build_options package_options

# As build/release is built, so that ccache has its objects.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DSIGLIP_TESTS=OFF
  -DSIGLIP_WERROR="${SIGLIP_WERROR:-OFF}")
if [[ -n ${CONTACT:-} ]]; then options+=(-DSIGLIP_PACKAGE_CONTACT="$CONTACT"); fi
if command -v ccache > /dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# quietly COMMAND...: shows the output only if it fails.
quietly() {
  "$@" > "$log" 2>&1 < /dev/null || { cat "$log" >&2; exit 1; }
}

mkdir -p dist
rm -rf "$build/packages"
printf 'deb: building\n'
quietly cmake -S . -B "$build" -G Ninja "${options[@]}" "${build_options[@]}"
quietly cmake --build "$build" --parallel "$(nproc)"
quietly cpack --config "$build/CPackConfig.cmake" -G DEB -B "$build/packages" \
  -D CPACK_DEBIAN_PACKAGE_ARCHITECTURE="$arch" "${package_options[@]}"
rm -f dist/siglip_*_"$arch".deb
# CPack counts what links point to as if it were there twice.
made=$(echo "$build"/packages/siglip_*.deb)
readonly unpacked=$build/packages/unpacked
dpkg-deb --raw-extract "$made" "$unpacked"
size=$(du --apparent-size --block-size 1K --summarize "$unpacked/usr" | cut -f 1)
sed -i "s/^Installed-Size: .*/Installed-Size: $size/" "$unpacked/DEBIAN/control"
quietly dpkg-deb --root-owner-group -Zxz --build "$unpacked" dist/"$(basename "$made")"
printf 'deb: %s\n' dist/siglip_*_"$arch".deb
