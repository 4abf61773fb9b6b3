#!/usr/bin/env bash
# Builds siglip, indexes the pictures of examples/images with the model of models/demo and finds
# them by words.
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

export SIGLIP_INDEX=$scratch/index

printf '3. Indexing the pictures\n\n'
printf '   $ siglip index --model models/demo examples/images\n'
"$siglip" index --model models/demo examples/images

printf '\n4. Finding them by words (captions: not seen by siglip)\n\n'
for words in 'three white circles' 'a dotted ring' 'a black diamond'; do
  printf '   $ siglip search "%s"\n' "$words"
  "$siglip" search --json --top 3 "$words" | python3 examples/hits.py examples/images/captions.json
done

printf '\n5. A page with the hits for the last words: build/hits.html\n'
"$siglip" search --html build/hits.html --force 'a black diamond' > "$scratch/log"

printf '\nThe program is %s; try it with --help, and with pictures of your own.\n' "$siglip"
