#!/usr/bin/env bash
# Makes build/arm64/sysroot, the libraries of scripts/packages.sh for 64-bit Arm, from the package sources that this
# machine knows; does nothing when it is complete. Needs no root and leaves the machine's own packages alone: they must
# not get a second architecture, as libsentencepiece-dev of the one would remove that of the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/packages.sh

readonly folder=build/arm64
readonly sysroot=$folder/sysroot state=$folder/apt
readonly -a packages=(libc6-dev libstdc++-12-dev "${libraries[@]}")

# Written last: what the folder holds.
readonly complete=$sysroot/packages
if [[ $(cat "$complete" 2> /dev/null) == "${packages[*]}" ]]; then exit 0; fi

mkdir -p "$state"/{lists,archives}/partial
: > "$state/status" # nothing is installed: everything that is needed is fetched

cat > "$state/apt.conf" << END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$PWD/$state";
Dir::State::status "$PWD/$state/status";
Dir::Cache "$PWD/$state";
Dir::Cache::archives "archives/";
Dir::Log "$PWD/$state";
END
export APT_CONFIG=$PWD/$state/apt.conf

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Not all sources of this machine need have packages for Arm.
apt-get --quiet update > "$log" 2>&1 || true
if ! apt-get --quiet --yes --download-only install "${packages[@]}" >> "$log" 2>&1; then
  cat "$log" >&2
  printf 'arm_sysroot: apt-get failed (its output is above); wanted: %s\n' "${packages[*]}" >&2
  exit 1
fi

rm -rf "$sysroot"
mkdir -p "$sysroot"
for package in "$state"/archives/*.deb; do dpkg-deb --extract "$package" "$sysroot"; done

# Absolute links would leave the folder.
find "$sysroot" -type l -lname '/*' | while IFS= read -r link; do
  target=$(readlink "$link")
  ln --symbolic --force --no-dereference --relative "$sysroot$target" "$link"
done
rm -rf "$state"
printf '%s\n' "${packages[*]}" > "$complete"
