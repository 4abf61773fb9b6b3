#!/usr/bin/env bash
# Makes build/arm64/sysroot, the libraries of scripts/packages.sh for 64-bit Arm and a Python, from the package sources
# that this machine knows, and build/arm64/dpkg, where dpkg-query finds which package a file of the sysroot is of; does
# nothing when both are complete. Needs no root and leaves the machine's own packages alone: they must not get a second
# architecture, as libsentencepiece-dev of the one would remove that of the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/packages.sh
source scripts/apt_state.sh

folder=$(pwd -P)/build/arm64
readonly folder
readonly sysroot=$folder/sysroot database=$folder/dpkg state=$folder/apt
readonly -a packages=(libc6-dev libstdc++-12-dev python3 libpython3-dev "${libraries[@]}")

# Written last: what the sysroot holds, and where it lies, as the database names its files so.
readonly complete=$sysroot/packages wanted="$folder: ${packages[*]}"
if [[ $(cat "$complete" 2> /dev/null) == "$wanted" ]]; then exit 0; fi

use_apt_state "$state" 'APT::Architecture "arm64";' 'APT::Architectures { "arm64"; };'

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Not all sources of this machine need have packages for Arm.
apt-get --quiet update > "$log" 2>&1 || true
if ! apt-get --quiet --yes --download-only install "${packages[@]}" >> "$log" 2>&1; then
  cat "$log" >&2
  printf 'arm_sysroot: apt-get failed (its output is above); wanted: %s\n' "${packages[*]}" >&2
  exit 1
fi

# add_to_database PACKAGE: its fields, the files it has by their names here, and what dpkg-shlibdeps reads of it.
add_to_database() {
  local name kind
  name=$(dpkg-deb --field "$1" Package)
  { dpkg-deb --field "$1"; printf 'Status: install ok installed\n\n'; } >> "$database/status"
  dpkg-deb --fsys-tarfile "$1" | tar --list | sed -n "s|^\./\(.*[^/]\)$|$sysroot/\1|p" > "$database/info/$name.list"
  dpkg-deb --control "$1" "$state/control"
  for kind in symbols shlibs; do
    if [[ -f $state/control/$kind ]]; then mv "$state/control/$kind" "$database/info/$name.$kind"; fi
  done
  rm -r "$state/control"
}

rm -rf "$sysroot" "$database"
mkdir -p "$sysroot" "$database"/{info,updates}
printf '%s\n' "$(dpkg --print-architecture)" arm64 > "$database/arch"
for package in "$state"/archives/*.deb; do
  dpkg-deb --extract "$package" "$sysroot"
  add_to_database "$package"
done

# Absolute links would leave the folder.
find "$sysroot" -type l -lname '/*' | while IFS= read -r link; do
  target=$(readlink "$link")
  ln --symbolic --force --no-dereference --relative "$sysroot$target" "$link"
done
rm -rf "$state"
printf '%s\n' "$wanted" > "$complete"
