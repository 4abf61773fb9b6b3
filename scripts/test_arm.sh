#!/usr/bin/env bash
# Builds siglip for 64-bit Arm and runs tests under qemu: of the layers up to the models, the golden ones of small models,
# and a comparison with a program that scripts/test.sh has built. $QEMU_CPU names the CPU, by default one that has all
# that qemu knows. The last line counts the test programs: "N passed, N failed".
#   scripts/test_arm.sh          what continuous integration has time for
#   scripts/test_arm.sh --all    all layers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$*" in
  '') tests=arm64 ;;
  --all) tests=arm64-all ;;
  *)
    printf 'usage: scripts/test_arm.sh [--all]\n' >&2
    exit 2
    ;;
esac
source scripts/stages.sh
export SIGLIP_WERROR=ON

build_arm() {
  configure arm64
  NINJA_STATUS='%f/%t ' cmake --build --preset "$tests" --parallel "$jobs" 2>&1 | scripts/progress.py files
}

run_stage 'packages for Arm' scripts/bootstrap.sh --arm
run_stage 'Arm build' build_arm
run_stage 'Arm register spills' scripts/check_spills.py --build build/arm64
run_stage 'Arm tests' run_tests "$tests"
