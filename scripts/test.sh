#!/usr/bin/env bash
# Builds siglip with its tests and runs them; scripts/ci.sh checks more.
# The last line counts the tests: "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
  printf 'usage: scripts/test.sh\n' >&2
  exit 2
fi
source scripts/stages.sh

run_stage 'packages' scripts/bootstrap.sh
run_stage 'release build' build release
run_stage 'release tests' run_tests release
