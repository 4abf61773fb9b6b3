#!/usr/bin/env bash
# Compiles every layer for aarch64, by g++-aarch64-linux-gnu and without linking: what belongs to one
# architecture lies in isa/, and the rest compiles for all. Options are handed to cmake.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cmake --preset aarch64 -DSIGLIP_WERROR=ON "$@" > /dev/null
NINJA_STATUS='%f/%t ' cmake --build --preset aarch64 --parallel "$(nproc)" 2>&1 |
  scripts/progress.py files
