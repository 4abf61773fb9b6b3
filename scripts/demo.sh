#!/usr/bin/env bash
# Builds siglip, embeds the pictures of examples/images with the model of models/demo and shows
# which pictures the model finds most alike.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly siglip=build/release/apps/cli/siglip
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# quietly COMMAND...: shows the output only if it fails.
quietly() {
  "$@" > "$scratch/log" 2>&1 < /dev/null || { cat "$scratch/log" >&2; exit 1; }
}

build() {
  local launcher=()
  if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  quietly cmake --preset release "${launcher[@]}"
  if [[ -t 1 ]]; then # one line that counts up
    NINJA_STATUS='  %f of %t files, %es  ' cmake --build --preset release --target siglip_cli
  else
    quietly cmake --build --preset release --target siglip_cli
  fi
}

printf '1. Packages (scripts/bootstrap.sh)\n'
scripts/bootstrap.sh
printf '2. Building the command-line program, %s at a time\n' "$(nproc)"
build

printf '3. Embedding the pictures\n\n'
printf '   $ siglip embed --model models/demo --output embeddings.npy examples/images\n'
"$siglip" embed --model models/demo --output "$scratch/embeddings.npy" examples/images

printf '\n4. The nearest pictures by the cosine of their embeddings\n\n'
printf '   $ siglip compare --model models/demo --json examples/images |'
printf ' examples/neighbours.py examples/images/captions.json\n\n'
"$siglip" compare --model models/demo --json examples/images > "$scratch/cosines.json"
python3 examples/neighbours.py examples/images/captions.json 05 19 02 06 < "$scratch/cosines.json"

printf '\nThe program is %s; try it with --help, and with pictures of your own.\n' "$siglip"
