#!/usr/bin/env bash
# Makes the wheel, installs it into an environment of its own, and tests it there: what is in it, the bits of
# every test picture beside those of build/release's command line, the tests of python/tests, the guide docs/python.md, types.
#   scripts/test_python.sh          what CI runs
#   scripts/test_python.sh --all    also beside torch, transformers, sentence-transformers, LanceDB, Ray (7 GB), and with
#                                   every other CPython that is on the path or of pyenv
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

# run_pytest ENV FOLDER: what is tested is what was installed, not the sources beside it.
run_pytest() {
  SIGLIP_CLI="$PWD/build/release/apps/cli/siglip" SIGLIP_WHEEL="$(echo "$PWD"/dist/siglip-*_"$(uname -m)".whl)" \
    SIGLIP_LEAK_WARNINGS=1 PYTHONSAFEPATH=1 counted "$1/bin/python" -m pytest -q -p no:cacheprovider "$2"
}

# Those of the package, and of the scripts that python/tests/test_scripts.py runs.
check_types() {
  local script
  "$env/bin/mypy" --strict --python-executable "$env/bin/python" python/siglip
  mkdir "$scratch/scripts"
  for script in python/tests/scripts/*.py; do
    sed -E 's/^(from|import) transformers\b/\1 siglip/' "$script" > "$scratch/scripts/${script##*/}"
  done
  # Of torch, where it is not installed.
  "$env/bin/mypy" --strict --disable-error-code import-not-found --python-executable "$env/bin/python" \
    "$scratch"/scripts/*.py
}

# What types say is there, is there.
check_stubs() {
  PYTHONSAFEPATH=1 "$env/bin/python" -m mypy.stubtest siglip --mypy-config-file pyproject.toml \
    --ignore-unused-allowlist --allowlist python/stubtest_allowlist.txt
}

# One interpreter of each version but that of `env`.
other_pythons() {
  local own minor python
  own=$("$env/bin/python" -c 'import sys; print(sys.version_info[1])')
  for minor in {10..15}; do
    if ((minor == own)); then continue; fi
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python3; do
      if "$python" -c '' 2> /dev/null; then
        printf '%s\n' "$python"
        break
      fi
    done
  done
}

# test_other_python PYTHON
test_other_python() {
  local other
  other=build/python-tests-$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-env
  scripts/python_env.sh python-tests "$1"
  install_wheel "$other"
  run_pytest "$other" python/tests
}

run_stage 'wheel' scripts/wheel.sh
run_stage 'packages for tests' scripts/python_env.sh "$kind"
run_stage 'installation' install_wheel "$env"
run_stage 'limited API' build/wheel-env/bin/abi3audit --strict dist/siglip-*_"$(uname -m)".whl
run_stage 'types' check_types
# Beside torch it takes minutes, to say nothing more.
if [[ $kind == python-tests ]]; then run_stage 'stubs' check_stubs; fi
run_stage 'python tests' run_pytest "$env" python/tests
run_stage 'python guide' run_pytest "$env" docs
if [[ $kind == python-tests ]]; then run_stage 'bulk kills' "$env/bin/python" -B scripts/bulk_crash.py --trials 7; fi
if [[ $kind == python-tests-all ]]; then
  for python in $(other_pythons); do
    run_stage "python tests with $("$python" --version)" test_other_python "$python"
  done
fi
