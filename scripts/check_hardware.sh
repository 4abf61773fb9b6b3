#!/usr/bin/env bash
# For a machine whose instruction sets were not seen yet, such as one with AMX: tests the kernels of all sets, measures
# what each costs in accuracy, and how fast those of AVX-512 and AMX are, beside OpenVINO where scripts/bench_peers.sh
# has installed it. Prints Markdown for docs/performance.md. The exit status is 1 if a test or a gate failed.
#   scripts/check_hardware.sh            some minutes on a machine that does nothing else
#   scripts/check_hardware.sh --quick    whether it runs: the figures mean nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly siglip=build/release/apps/cli/siglip
repeats=9 batch=8 threads=1
for ((count = 2; count <= $(nproc); count *= 2)); do threads+=,$count; done
case "$*" in
  '') ;;
  --quick) repeats=1 batch=1 threads=1 ;;
  *)
    printf 'usage: scripts/check_hardware.sh [--quick]\n' >&2
    exit 2
    ;;
esac
readonly repeats batch threads

# A Python with numpy: the first one on the path need not have it, Debian's does (bootstrap.sh).
python=python3
if ! "$python" -c 'import numpy' 2> /dev/null; then python=/usr/bin/python3; fi

build() {
  local launcher=()
  if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake --preset release "${launcher[@]}" > /dev/null
  cmake --build --preset release --target siglip_cli siglip_kernels_test peers_worker > /dev/null
}

# here NAME...: those of the instruction sets that this machine has.
here() {
  local name
  for name in "$@"; do
    if SIGLIP_ISA=$name "$siglip" --version > /dev/null 2>&1; then printf '%s\n' "$name"; fi
  done
}

# rates SET PRECISION KIND OPTION...: lines of the table, one for each number of threads.
rates() {
  local -r set=$1 precision=$2 kind=$3
  shift 3
  SIGLIP_ISA=$set "$siglip" bench "$@" --precision "$precision" --batch "$batch" --threads "$threads" --repeats "$repeats" --json |
    "$python" -c '
import json, sys
report = json.load(sys.stdin)
for rate in report["rates"]:
    print("| %s | %d | %.2f ms | %.0f %% |" % (" | ".join(sys.argv[1:]), rate["threads"],
          1e3 * rate["seconds"] / rate["batch"], 100 * rate["share_of_peak"]))' "$kind" "$precision" "$set"
}

failed=0
build
printf '## %s\n\n```\n' "$(date --utc +%F)"
lscpu | grep --extended-regexp '^(Model name|CPU\(s\)|Thread|Core|Socket|L[123]|Hypervisor)' || true
lscpu | grep --only-matching --word-regexp --extended-regexp 'amx_[a-z0-9]*|avx512_(bf16|vnni)' | paste --serial --delimiters=' '
"$siglip" --version
printf '```\n\nKernels: '
build/release/src/kernels/siglip_kernels_test --gtest_brief=1 > build/check_hardware.log 2>&1 || failed=1
grep --extended-regexp '^\[ +(PASSED|FAILED|SKIPPED) +\] [0-9]' build/check_hardware.log | tr --squeeze-repeats ' ' |
  paste --serial --delimiters=' '
printf '\nAccuracy:\n\n```\n'
"$python" -B scripts/accuracy.py --isa all --only demo || failed=1
printf '```\n\n| batch %s | precision | set | threads | each | of the peak |\n' "$batch"
printf -- '|---|---|---|--:|--:|--:|\n'
for precision in bf16 int8; do
  for set in $(here avx512_vnni avx512_bf16 amx); do rates "$set" "$precision" 'base-patch16-224' --preset base-patch16-224; done
  for set in $(here avx512_vnni avx512_bf16 amx); do rates "$set" "$precision" 'texts of the demo model' --model models/demo --texts; done
done
if build/peers-env/bin/python -c 'import openvino' 2> /dev/null; then
  printf '\nBeside OpenVINO, by %s:\n\n```\n' "$(here amx avx512_bf16 generic | head --lines=1)"
  SIGLIP_ISA=$(here amx avx512_bf16 generic | head --lines=1) scripts/bench_peers.sh --threads 1 --batches "$batch" \
    --rounds "$repeats" --contestants siglip-f32,siglip-bf16,siglip-int8,openvino-f32,openvino-bf16,openvino-int8
  printf '```\n'
fi
exit "$failed"
