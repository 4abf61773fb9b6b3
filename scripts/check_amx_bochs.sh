#!/usr/bin/env bash
# Runs the tile of AMX in an emulator: Bochs 3 has AMX's instructions, and Debian has it from version 13 (trixie) on.
# It is fetched from the mirror that this machine's package sources name, by an apt state of its own, into build/bochs,
# and runs in that folder by chroot, so that root is needed. The program runs without an operating system, since Linux
# does not get as far as AMX there. The exit status is 1 unless products of bfloat16, and of bytes with weights from 0
# to 127, have the hashes of the software tiles: Bochs takes the weights' signed bytes for unsigned ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/apt_state.sh

folder=$(pwd -P)/build/bochs
readonly folder
readonly root=$folder/root state=$folder/apt source=scripts/amx_bochs

mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
    grep --only-matching --max-count 1 --extended-regexp 'https?://[^ ]*/debian/?( |$)' || true
}

fetch_bochs() {
  if [[ -e $folder/complete ]]; then return; fi
  rm -rf "$root" "$state"
  mkdir -p "$root"
  use_apt_state "$state" "Dir::Etc::sourcelist \"$state/sources.list\";" 'Dir::Etc::sourceparts "-";'
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$(mirror)" \
    > "$state/sources.list"
  local log=$folder/apt.log
  if ! { apt-get --quiet update && apt-get --quiet --yes --download-only install bochs bochsbios; } \
    > "$log" 2>&1; then
    cat "$log" >&2
    printf 'check_amx_bochs: apt-get failed (its output is above)\n' >&2
    exit 1
  fi
  # Programs and libraries lie in /usr; the links from /lib and others to there are what base-files makes first.
  local package link
  mkdir -p "$root/usr"/{bin,sbin,lib,lib64}
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
  for package in "$state"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --extract --keep-directory-symlink --directory "$root"
  done
  rm -rf "$state"
  touch "$folder/complete"
}

# The flags are those of src/kernels/isa/amx.cc, and none that expects an operating system.
build_disk() {
  local -a flags=(-std=c++20 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-exceptions -fno-rtti
    -fno-stack-protector -fno-asynchronous-unwind-tables -mno-red-zone -fno-tree-loop-distribute-patterns
    -ffp-contract=off -mavx512f -mavx512bw -mavx512dq -mavx512vl -Wno-uninitialized -Wno-maybe-uninitialized)
  g++ "${flags[@]}" -I src -c "$source/main.cc" -o "$folder/main.o"
  g++ -c "$source/boot.S" -o "$folder/boot.o"
  ld -nostdlib --no-warn-rwx-segments -T "$source/link.ld" "$folder/boot.o" "$folder/main.o" -o "$folder/program"
  objcopy --output-target binary "$folder/program" "$root/disk"
  truncate --size $((16 * 63 * 512 * 2)) "$root/disk"
}

run_bochs() {
  cat > "$root/bochsrc" << END
cpu: model=sapphire_rapids, ips=100000000, reset_on_triple_fault=0
memory: guest=64, host=64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=disk, path=/disk, mode=flat, cylinders=2, heads=16, spt=63
boot: disk
# Nobody looks at it, and nobody can: the network is its own.
display_library: rfb, options="timeout=0"
com1: enabled=1, mode=file, dev=/serial
log: /log
panic: action=fatal
error: action=report
END
  : > "$root/serial"
  timeout 300 unshare --net chroot "$root" /usr/bin/bochs-bin -q -f /bochsrc < /dev/null > "$folder/bochs.log" 2>&1 || true
}

if [[ $(id -u) != 0 ]]; then
  printf 'check_amx_bochs: needs root, for chroot\n' >&2
  exit 1
fi
fetch_bochs
build_disk
run_bochs
printf '| type | bits of weights | wrong | hash | with software |\n|---|---|--:|---|---|\n'
cat "$root/serial" # what differs with signs is Bochs's fault
for line in 'bf16 | ffffffff' 'int8 | 7f7f7f7f'; do
  if ! grep --quiet "^| $line | 0 | [0-9a-f]* | equal |\$" "$root/serial"; then
    printf 'check_amx_bochs: %s is not as it should be; see %s\n' "$line" "$folder/bochs.log and $root/log" >&2
    exit 1
  fi
done
