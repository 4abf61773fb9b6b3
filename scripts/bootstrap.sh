#!/usr/bin/env bash
# Installs what building siglip needs on Debian 12; does nothing when all is there already.
#   scripts/bootstrap.sh          compiler, build tools and libraries
#   scripts/bootstrap.sh --dev    and what scripts/ci.sh needs: clang, its tools, ccache, valgrind, other shells,
#                                 dpkg-dev, promtool, a browser and wrk
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config python3 python3-numpy
  nlohmann-json3-dev libcli11-dev libgtest-dev libbenchmark-dev
  libjpeg62-turbo-dev libpng-dev libwebp-dev libgif-dev libtiff-dev liblcms2-dev
  libavif-dev libheif-dev
  libsentencepiece-dev libcurl4-openssl-dev
  zlib1g-dev libsqlite3-dev libxxhash-dev libboost1.81-dev
  python3-dev python3-venv
)
development_packages=(
  clang clang-format clang-tidy libclang-rt-14-dev g++-aarch64-linux-gnu ccache valgrind zsh
  fish dpkg-dev systemd prometheus chromium wrk
)

fail() {
  printf 'bootstrap: %s\n' "$1" >&2
  exit 1
}

case "${1:-}" in
  '') ;;
  --dev) packages+=("${development_packages[@]}") ;;
  -h | --help)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) fail "unknown argument '$1'; there is --dev" ;;
esac

if ! command -v dpkg-query apt-get > /dev/null; then
  fail "this script knows Debian's packages only; install the equivalents of: ${packages[*]}"
fi

# One line per package that is there in full; the rest is missing.
installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "${packages[@]}" \
  2> /dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep --quiet --line-regexp --fixed-strings "installed $package" <<< "$installed" ||
    missing+=("$package")
done
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo > /dev/null ||
    fail "neither root nor sudo here; ask an administrator to install: ${missing[*]}"
  as_root=(sudo)
fi
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes \
    -o Dpkg::Use-Pty=0 "$@" < /dev/null
}

printf 'bootstrap: installing %s\n' "${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# An update that fails, say for one source of many, need not stand in the way of installing.
apt_get update > "$log" 2>&1 || true
if ! apt_get install --no-install-recommends "${missing[@]}" >> "$log" 2>&1; then
  cat "$log" >&2
  fail "apt-get failed (its output is above); missing are: ${missing[*]}"
fi
