# The stages of scripts/soak.sh, which sources this file. A stage is a function, whose status says whether it passed,
# and a line that names it.
# shellcheck shell=bash

# What the stages run.
release_programs() {
  configure release
  cmake --build --preset release --target siglip_cli search_bench index_reader service_bench -- --quiet
}

# numpy_python SCRIPT [ARGUMENT...]: by a Python with numpy. The first one on the path need not have it; Debian's does.
numpy_python() {
  local python=python3
  if ! "$python" -c 'import numpy' 2> /dev/null; then python=/usr/bin/python3; fi
  "$python" -B "$@"
}

# pillow_python SCRIPT [ARGUMENT...]
pillow_python() {
  scripts/python_env.sh
  build/python-env/bin/python -B "$@"
}

stage index-crash 'an index after kill -9 and power failures at every call, and whether lost syncs are noticed' \
  '^[0-9]+ deaths|^control:'
index_crash() {
  release_programs
  numpy_python scripts/index_crash.py --every 1 --random-kills 300
  numpy_python scripts/index_crash.py --every 5 --control
}

stage search 'exact search of a million vectors beside a full comparison, and on all instruction sets' \
  'target|instruction sets:'
search() {
  release_programs
  build/release/bench/search_bench --rows 1000000 --dimensions 768 --queries 1000
  build/release/bench/search_bench --rows 50000 --dimensions 768 --queries 100 --sets
}

stage index-speed 'siglip index beside siglip embed, without changes, beside readers; what it finds' \
  'target|renamed|recall'
index_speed() {
  release_programs
  python3 -B scripts/index_figures.py
}

stage duplicates 'which variants of pictures siglip duplicates finds' '^recall|^precision|^wrong'
duplicates() {
  release_programs
  pillow_python scripts/duplicates_figures.py
}

stage weak-standout 'where searches draw the line "weaker matches"' 'first hits reach|wrong first hits'
weak_standout() {
  release_programs
  python3 -B scripts/weak_standout.py
}

stage crash 'output files after kill -9 and full disks' '^[0-9]+ trials'
crash() {
  release_programs
  numpy_python scripts/crash_test.py --trials 300
}

stage pictures 'damaged pictures beside Pillow' '^[0-9]+ damaged pictures'
pictures() {
  release_programs
  pillow_python scripts/damage_pictures.py --trials 1400
}

# service_figures PART [ARGUMENT...]
service_figures() {
  scripts/python_env.sh service
  build/service-env/bin/python -B scripts/service_figures.py "$@"
}

# What a part of service_figures.py sums up, and what is wrong with it.
readonly service_figures_pattern='^summary|missed\)$|^WRONG'

stage service-recall 'siglip serve: what searches by captions find' "$service_figures_pattern"
service_recall() {
  release_programs
  service_figures recall
}

stage service-speed 'siglip serve beside siglip bench, and searches under load' "$service_figures_pattern"
service_speed() {
  release_programs
  service_figures speed
}

stage service-overload 'four times as many pictures as can be computed, and a burst of OpenAI clients' \
  "$service_figures_pattern"
service_overload() {
  release_programs
  service_figures overload
}

stage service-mix 'ten minutes of good, broken, huge, slow and leaving clients' "$service_figures_pattern"
service_mix() {
  release_programs
  service_figures mix
}

stage service-sanitizers 'a minute of the same with each sanitizer' "$service_figures_pattern|^with"
service_sanitizers() {
  local preset status=0
  export CCACHE_SLOPPINESS=pch_defines,time_macros # of precompiled headers
  export UBSAN_OPTIONS=print_stacktrace=1
  for preset in fuzz tsan; do
    printf 'with the preset %s\n' "$preset"
    configure "$preset" -DSIGLIP_APPS=ON
    cmake --build "build/$preset" --target siglip_cli -- --quiet
    service_figures mix --siglip "build/$preset/apps/cli/siglip" --mix-seconds 60 --mix-texts 512 || status=1
  done
  return "$status"
}

stage service-slow 'slow headers, bodies and readers, and large bodies in little memory' "$service_figures_pattern"
service_slow() {
  release_programs
  service_figures slow
}

stage service-term '20 SIGTERMs under load' "$service_figures_pattern"
service_term() {
  release_programs
  service_figures term
}
