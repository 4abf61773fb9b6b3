#!/usr/bin/env bash
# Measures what bf16 and int8 cost in accuracy: builds siglip, writes the checkpoint with seeded random
# weights if it is not there, and runs scripts/accuracy.py with the arguments given; --help explains
# them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly checkpoint=build/release/checkpoints/base-patch16-224

# A Python with numpy: the first one on the path need not have it, Debian's does (bootstrap.sh).
python=python3
if ! "$python" -c 'import numpy' 2> /dev/null; then python=/usr/bin/python3; fi

# quietly COMMAND...: shows the output only if it fails.
quietly() {
  local log
  log=$(mktemp)
  "$@" > "$log" 2>&1 < /dev/null || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
}

# Asking for help should not take minutes.
for argument in "$@"; do
  if [[ $argument == -h || $argument == --help ]]; then exec "$python" -B scripts/accuracy.py --help; fi
done
launcher=()
if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
quietly cmake --preset release "${launcher[@]}"
quietly cmake --build --preset release --target siglip_cli
# Its configuration is written last.
if [[ ! -f $checkpoint/preprocessor_config.json ]]; then
  quietly "$python" -B tests/support/make_checkpoint.py base-patch16-224 "$checkpoint" --vision-only
fi
exec "$python" -B scripts/accuracy.py "$@"
