#!/usr/bin/env bash
# Measures siglip beside PyTorch, ONNX Runtime and OpenVINO: installs them in build/peers-env (about
# 6 GB, once), builds siglip and runs bench/peers.py with the arguments given; --help explains them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly environment=build/peers-env
readonly requirements=bench/peers_requirements.txt

# quietly COMMAND...: shows the output only if it fails.
quietly() {
  local log
  log=$(mktemp)
  "$@" > "$log" 2>&1 < /dev/null || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
}

# A package that cannot be installed leaves its contestants out: peers.py lists them with the reason.
install_peers() {
  if cmp --silent "$requirements" "$environment/installed.txt"; then return; fi
  printf 'Installing the other engines in %s\n' "$environment"
  quietly python3 -m venv "$environment"
  local -a install=("$environment/bin/pip" install --quiet --disable-pip-version-check)
  if "${install[@]}" --requirement "$requirements"; then
    cp "$requirements" "$environment/installed.txt"
    return
  fi
  local package
  while IFS= read -r package; do
    "${install[@]}" "$package" || printf 'Left out, for it cannot be installed: %s\n' "$package"
  done < <(grep --invert-match '^#' "$requirements")
}

build_siglip() {
  local launcher=()
  if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  quietly cmake --preset release "${launcher[@]}"
  quietly cmake --build --preset release --target siglip_cli peers_worker
}

# Asking for help should not take minutes.
for argument in "$@"; do
  if [[ $argument == -h || $argument == --help ]]; then exec python3 -B bench/peers.py --help; fi
done
install_peers >&2
build_siglip
exec "$environment/bin/python" -B bench/peers.py "$@"
