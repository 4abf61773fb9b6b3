#!/usr/bin/env bash
# Everything continuous integration checks: scripts/test.sh first, then what takes longer or needs more
# tools. The last line counts the tests of all runs: "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly fuzz_seconds=3 # for each target
source scripts/stages.sh

# Not for scripts/test.sh alone, which goes on with what scripts/demo.sh has compiled.
export SIGLIP_WERROR=ON

# Its tests are counted with the others.
release_tests() {
  local log="$scratch/test.log" status=0
  scripts/test.sh 2>&1 | tee "$log" || status=$?
  read -r passed failed < <(tail -n 1 "$log" | tr -cd '0-9 \n')
  return "$status"
}

# counted_script SCRIPT: its tests, too.
counted_script() {
  local log="$scratch/counted.log" status=0 passed_there failed_there
  "$1" 2>&1 | tee "$log" || status=$?
  read -r passed_there failed_there < <(tail -n 1 "$log" | tr -cd '0-9 \n')
  passed=$((passed + passed_there)) failed=$((failed + failed_there))
  return "$status"
}

# All files of the project with one of these endings, tracked by git or about to be; without git,
# all that lie where source files lie.
source_files() {
  if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "${@/#/*.}" | sort -u |
      while IFS= read -r file; do if [[ -f $file ]]; then printf '%s\n' "$file"; fi; done
  else
    local ending
    for ending in "$@"; do
      find apps bench examples fuzz include src tests -name "*.$ending"
    done
  fi
}

check_format() {
  source_files cc h hpp > "$scratch/format"
  if ! xargs -d '\n' -P "$jobs" -n 8 clang-format --dry-run -Werror < "$scratch/format"; then
    printf 'To lay the files out: clang-format -i FILE...\n'
    return 1
  fi
}

# The installed library, used by a project that knows only where it was installed, and the files that
# shells complete by.
check_install() {
  cmake --install build/release --prefix "$scratch/installed" > /dev/null
  local headers file
  for file in bash-completion/completions/siglip zsh/site-functions/_siglip \
    fish/vendor_completions.d/siglip.fish; do
    grep --quiet list-skipped "$scratch/installed/share/$file" || return 1
  done
  headers=$(cd "$scratch/installed" && find . -name '*.h*' -not -path './include/siglip/*')
  if [[ -n $headers ]]; then
    printf 'installed, but not in include/siglip: %s\n' "$headers"
    return 1
  fi
  cmake -S examples/use_cpp -B "$scratch/use_cpp" -G Ninja \
    -DCMAKE_PREFIX_PATH="$scratch/installed" > /dev/null
  cmake --build "$scratch/use_cpp" -- --quiet
  "$scratch/use_cpp/embed_and_classify" models/demo "a red heart,a blue star" examples/images/0?.jpg
  "$scratch/use_cpp/tensors" models/demo examples/images/00.jpg "a red heart"
  check_install_c
}

# The same from C: by CMake, and by pkg-config after the installed folder was moved. valgrind does not
# know AVX-512.
check_install_c() {
  local -a arguments=(models/demo "a red heart,a blue star" examples/images/00.jpg examples/images/01.jpg)
  local moved="$scratch/moved"
  cmake -S examples/use_c -B "$scratch/use_c" -G Ninja \
    -DCMAKE_PREFIX_PATH="$scratch/installed" > /dev/null
  cmake --build "$scratch/use_c" -- --quiet
  "$scratch/use_c/embed" "${arguments[@]}" > "$scratch/by_cmake"
  SIGLIP_ISA=avx2 valgrind --quiet --error-exitcode=1 --leak-check=full \
    --errors-for-leak-kinds=definite,indirect,possible "$scratch/use_c/embed" "${arguments[@]}"

  cp -r "$scratch/installed" "$moved"
  local -a flags
  read -r -a flags < <(PKG_CONFIG_PATH=$(dirname "$(find "$moved" -name siglip.pc)") \
    pkg-config --cflags --libs siglip)
  gcc -std=c99 -pedantic -Wall -Wextra -Werror examples/use_c/embed.c "${flags[@]}" -o "$scratch/embed"
  LD_LIBRARY_PATH=$(dirname "$(find "$moved" -name libsiglip.so)") \
    "$scratch/embed" "${arguments[@]}" > "$scratch/by_pkg_config"
  diff "$scratch/by_cmake" "$scratch/by_pkg_config"
  cat "$scratch/by_cmake"
}

# The Debian package, and how large everything is. Whether a bare Debian can use it: scripts/try_deb.sh.
check_packages() {
  scripts/deb.sh
  scripts/check_deb.py dist/siglip_*_"$(dpkg --print-architecture)".deb
  stat --format '%n: %s bytes' dist/siglip-*_"$(uname -m)".whl
}

# fuzz_one PROGRAM: some seconds on top of the seeds of fuzz_NAME in fuzz/corpus/NAME.
fuzz_one() {
  local name seeds found
  name=$(basename "$1")
  seeds="fuzz/corpus/${name#fuzz_}"
  found="$scratch/corpus-$name"
  mkdir "$found"
  "$1" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "$found" "$seeds" > "$scratch/$name.log" 2>&1 ||
    { printf '%s FAILED\n' "$name"; return 1; }
  printf '%s: %s inputs\n' "$name" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$name.log")"
}

fuzz_all() {
  local program
  local -a programs=() running=()
  for program in build/fuzz/fuzz/fuzz_*; do
    if [[ -f $program && -x $program ]]; then programs+=("$program"); fi
  done
  if ((${#programs[@]} == 0)); then
    printf 'no fuzz targets were built\n'
    return 1
  fi
  local status=0
  for program in "${programs[@]}"; do
    if ((${#running[@]} == jobs)); then
      wait "${running[0]}" || status=1
      running=("${running[@]:1}")
    fi
    fuzz_one "$program" &
    running+=($!)
  done
  for program in "${running[@]}"; do wait "$program" || status=1; done
  # What was found comes last, where it is seen first.
  local log
  while IFS= read -r log; do
    printf '\n%s:\n' "$(basename "$log" .log)"
    tail -n 40 "$log" | cut -c 1-300
  done < <(grep --files-with-matches -E '^(SUMMARY|==[0-9]+== ERROR)' "$scratch"/fuzz_*.log)
  return "$status"
}

run_stage 'development packages' scripts/bootstrap.sh --dev
run_stage 'python packages' scripts/python_env.sh
run_stage 'scripts/test.sh' release_tests
run_stage 'python' counted_script scripts/test_python.sh
run_stage 'service' counted_script scripts/test_service.sh
run_stage 'documentation' scripts/docs.sh
run_stage 'layers' scripts/check_layers.py --self-contained
run_stage 'format' check_format
run_stage 'register spills' scripts/check_spills.py
run_stage 'kernel efficiency' scripts/check_efficiency.py
run_stage 'installed library' check_install
run_stage 'packages' check_packages
run_stage '64-bit Arm' counted_script scripts/test_arm.sh
# One build by clang for both: the sanitizers are the same.
run_stage 'sanitizer build' build fuzz
run_stage 'sanitizer tests' run_tests fuzz
run_stage 'fuzz runs' fuzz_all
run_stage 'clang-tidy' scripts/clang_tidy.py
run_stage 'thread sanitizer build' build tsan
run_stage 'thread sanitizer tests' run_tests tsan
