# Stages of scripts/test.sh and scripts/ci.sh, which source this file: they run one after another, the
# first that fails ends the script, and its last line counts the tests: "N passed, N failed".
# shellcheck shell=bash

# What one build compiled serves another of the same files, wherever it lies.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

jobs=$(nproc)
passed=0
failed=0
stage='' # the one that runs now
scratch=$(mktemp -d)

finish() {
  local status=$?
  rm -rf "$scratch"
  if ((status != 0)); then
    printf '\nFAILED: %s\n' "$stage"
    # A stage that is no test run counts as one failure.
    if ((failed == 0)); then failed=1; fi
  fi
  printf '\nall stages: %d s\n%d passed, %d failed\n' "$SECONDS" "$passed" "$failed"
  exit "$status"
}
trap finish EXIT
# Without these, `finish` would see the status of the command before the signal: a run that was
# killed would report no failure.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# run_stage NAME COMMAND...
run_stage() {
  stage=$1
  shift
  local begin=$SECONDS
  printf '\n=== %s\n' "$stage"
  "$@"
  printf '=== %s: %d s\n' "$stage" $((SECONDS - begin))
}

# configure PRESET [OPTION...]
configure() {
  local preset=$1
  shift
  if command -v ccache > /dev/null; then set -- "$@" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  cmake --preset "$preset" -DSIGLIP_WERROR="${SIGLIP_WERROR:-OFF}" "$@" > "$scratch/configure.log" 2>&1 ||
    { cat "$scratch/configure.log"; return 1; }
}

# build PRESET [OPTION...]
build() {
  configure "$@"
  NINJA_STATUS='%f/%t ' cmake --build --preset "$1" --parallel "$jobs" 2>&1 |
    scripts/progress.py files
}

# run_tests PRESET [OPTION...]: of ctest
run_tests() {
  local log="$scratch/ctest-$1.log" status=0
  # One more at a time than there are processors, as some tests wait more than they compute.
  UBSAN_OPTIONS=print_stacktrace=1 \
    ctest --preset "$@" --parallel "$((jobs + 1))" --timeout 300 --no-tests=error < /dev/null 2>&1 |
    tee "$log" | scripts/progress.py tests || status=$?
  local counted='[0-9]+% tests passed, ([0-9]+) tests failed out of ([0-9]+)'
  if [[ $(grep -E "$counted" "$log" | tail -n 1) =~ $counted ]]; then
    failed=$((failed + BASH_REMATCH[1]))
    passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
  fi
  return "$status"
}

# install_wheel ENV: what scripts/wheel.sh made.
install_wheel() {
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    dist/siglip-*_"$(uname -m)".whl < /dev/null
}
