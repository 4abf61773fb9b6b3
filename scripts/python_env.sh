#!/usr/bin/env bash
# Makes build/python-env, a virtual environment with the Python packages that tests compare with;
# does nothing when all is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly folder=build/python-env
readonly packages=(huggingface_hub==2.4.0 filelock==4.2.12 pillow==13.0.0)

# What was installed is noted last, so that an attempt that failed is made again.
readonly note="$folder/installed"
if [[ -f $note && $(< "$note") == "${packages[*]}" ]]; then exit 0; fi

printf 'python_env: installing %s\n' "${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { python3 -m venv --clear "$folder" &&
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"; } \
  > "$log" 2>&1 < /dev/null; then
  cat "$log" >&2
  printf 'python_env: the packages could not be installed (see above)\n' >&2
  exit 1
fi
printf '%s\n' "${packages[*]}" > "$note"
