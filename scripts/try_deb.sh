#!/usr/bin/env bash
# Installs the package of scripts/deb.sh into a bare Debian 12 of its own and uses it there: the command line with the
# demo model, and a program in C that finds the library by pkg-config. Needs root, debootstrap and the network.
#   scripts/try_deb.sh          the Debian is made in build/try-deb, and kept for the next time as an archive
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ((EUID != 0)) || ! command -v debootstrap > /dev/null; then
  printf 'try_deb: expected root and debootstrap (apt-get install debootstrap)\n' >&2
  exit 1
fi
package=$(echo "$PWD"/dist/siglip_*_"$(dpkg --print-architecture)".deb)
if [[ ! -f $package ]]; then
  printf 'try_deb: no package, which scripts/deb.sh makes\n' >&2
  exit 1
fi
readonly root=$PWD/build/try-deb base=$PWD/build/bookworm.tar
mounted=()
finish() {
  local place
  for place in "${mounted[@]}"; do umount "$place"; done
}
trap finish EXIT

if [[ ! -f $base ]]; then
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root"
  tar --create --file "$base.part" --directory "$root" .
  mv "$base.part" "$base"
fi
rm -rf "$root"
mkdir -p "$root"
tar --extract --file "$base" --directory "$root"
mkdir "$root/try"
cp "$package" "$root/try"
cp -r models/demo examples/images examples/use_c/embed.c "$root/try"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mounted+=("$root/proc")

# shellcheck disable=SC2016 # the shell in there expands them
chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive bash -euo pipefail -c '
  cd /try
  apt-get --quiet --quiet update
  before=$(dpkg-query --show | wc -l)
  apt-get --quiet --quiet --yes --no-install-recommends install ./siglip_*.deb > log 2>&1 || { cat log; exit 1; }
  printf "packages that came with it: %s\n" $(($(dpkg-query --show | wc -l) - before - 1))
  siglip --version
  siglip embed --model demo --output rows.npz images
  siglip classify --model demo --labels "a red heart,a blue star" --top 1 images/00.jpg
  bash -c "source /usr/share/bash-completion/completions/siglip"
  apt-get --quiet --quiet --yes --no-install-recommends install gcc libc6-dev pkg-config > log 2>&1 || { cat log; exit 1; }
  gcc -std=c99 -Wall -Werror embed.c $(pkg-config --cflags --libs siglip) -o embed
  ./embed demo "a red heart,a blue star" images/00.jpg images/01.jpg
  apt-get --quiet --quiet --yes purge siglip > log 2>&1 || { cat log; exit 1; }
  if find /usr -name "*siglip*" | grep .; then exit 1; fi
'
printf 'try_deb: installed, used and removed\n'
