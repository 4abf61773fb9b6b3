#!/usr/bin/env bash
# Installs what building siglip needs on Debian 12; does nothing when all is there already.
#   scripts/bootstrap.sh          compiler, build tools and libraries
#   scripts/bootstrap.sh --dev    and what scripts/ci.sh needs: clang, its tools, ccache, valgrind, other shells,
#                                 dpkg-dev, promtool, a browser and wrk
#   scripts/bootstrap.sh --arm    and what the preset arm64 needs: a compiler for 64-bit Arm, and qemu to run what it
#                                 makes; with the libraries for it in build/arm64/sysroot
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

packages=("${build_tools[@]}" "${libraries[@]}")
development_packages=(
  clang clang-format clang-tidy libclang-rt-14-dev ccache valgrind zsh
  fish dpkg-dev systemd prometheus chromium wrk
)
arm_packages=(g++-aarch64-linux-gnu qemu-user-static)

fail() {
  printf 'bootstrap: %s\n' "$1" >&2
  exit 1
}

case "${1:-}" in
  '') ;;
  --dev) packages+=("${development_packages[@]}") ;;
  --arm) packages+=("${arm_packages[@]}") ;;
  -h | --help)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) fail "unknown argument '$1'; there are --dev and --arm" ;;
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
install_missing() {
  local -a as_root=()
  if ((EUID != 0)); then
    command -v sudo > /dev/null ||
      fail "neither root nor sudo here; ask an administrator to install: ${missing[*]}"
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o Dpkg::Use-Pty=0)

  printf 'bootstrap: installing %s\n' "${missing[*]}"
  local log
  log=$(mktemp)
  # An update that fails, say for one source of many, need not stand in the way of installing.
  "${as_root[@]}" update > "$log" 2>&1 < /dev/null || true
  if ! "${as_root[@]}" install --no-install-recommends "${missing[@]}" >> "$log" 2>&1 < /dev/null; then
    cat "$log" >&2
    rm -f "$log"
    fail "apt-get failed (its output is above); missing are: ${missing[*]}"
  fi
  rm -f "$log"
}

if ((${#missing[@]} > 0)); then install_missing; fi
if [[ ${1:-} == --arm ]]; then "$(dirname "${BASH_SOURCE[0]}")/arm_sysroot.sh"; fi
