#!/usr/bin/env bash
# Makes the wheel, installs it into an environment of its own, and tests it there: what is in it, the bits of
# every test picture beside those of build/release's command line, the tests of python/tests, the guide docs/python.md, types.
#   scripts/test_python.sh          what CI runs
#   scripts/test_python.sh --all    also beside torch, transformers, sentence-transformers, LanceDB (some GB)
# The last line counts the tests: "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  '') readonly kind=python-tests ;;
  --all) readonly kind=python-tests-all ;;
  *)
    printf 'usage: scripts/test_python.sh [--all]\n' >&2
    exit 2
    ;;
esac
source scripts/stages.sh

readonly env=build/$kind-env

install_wheel() {
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    dist/siglip-*.whl < /dev/null
}

# counted COMMAND...: a run of pytest, whose tests count with the others.
counted() {
  local log="$scratch/pytest.log" status=0 last
  "$@" 2>&1 < /dev/null | tee "$log" || status=$?
  last=$(grep -E '^[0-9]+ (passed|failed)|, [0-9]+ (passed|failed)' "$log" | tail -n 1)
  [[ $last =~ ([0-9]+)\ passed ]] && passed=$((passed + BASH_REMATCH[1]))
  [[ $last =~ ([0-9]+)\ failed ]] && failed=$((failed + BASH_REMATCH[1]))
  [[ $last =~ ([0-9]+)\ error ]] && failed=$((failed + BASH_REMATCH[1]))
  return "$status"
}

# run_pytest FOLDER: what is tested is what was installed, not the sources beside it.
run_pytest() {
  SIGLIP_CLI="$PWD/build/release/apps/cli/siglip" SIGLIP_WHEEL="$(echo "$PWD"/dist/siglip-*.whl)" \
    SIGLIP_LEAK_WARNINGS=1 counted "$env/bin/python" -P -m pytest -q -p no:cacheprovider "$1"
}

run_stage 'wheel' scripts/wheel.sh
run_stage 'packages for tests' scripts/python_env.sh "$kind"
run_stage 'installation' install_wheel
run_stage 'limited API' build/wheel-env/bin/abi3audit --strict dist/siglip-*.whl
run_stage 'types' "$env/bin/mypy" --strict --python-executable "$env/bin/python" python/siglip
run_stage 'python tests' run_pytest python/tests
run_stage 'python guide' run_pytest docs
