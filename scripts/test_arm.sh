#!/usr/bin/env bash
# Builds siglip for 64-bit Arm and runs, under qemu, the tests of all layers, the golden ones of small models, and a
# comparison with the program that scripts/test.sh has built. $QEMU_CPU names the CPU, by default one that has all that
# qemu knows. The last line counts the tests: "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
  printf 'usage: scripts/test_arm.sh\n' >&2
  exit 2
fi
source scripts/stages.sh
export SIGLIP_WERROR=ON CCACHE_SLOPPINESS=pch_defines,time_macros

run_stage 'packages for Arm' scripts/bootstrap.sh --arm
run_stage 'Arm build' build arm64
run_stage 'Arm register spills' scripts/check_spills.py --build build/arm64
run_stage 'Arm tests' run_tests arm64
