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

stage separate-files 'every file compiled by itself, as each includes what it uses' '^[0-9]+ files'
separate_files() {
  local folder=build/separate-files
  configure debug -B "$folder" -DSIGLIP_UNITY=OFF -DSIGLIP_WERROR=ON -DCMAKE_CXX_FLAGS_DEBUG=-O0
  cmake --build "$folder" -- -k 0 --quiet
  printf '%d files\n' "$(find "$folder" -name '*.o' | wc -l)"
}

stage arm-cpus 'the tests of all layers for 64-bit Arm under qemu, and on CPUs that have less' '^with|^[0-9]+ passed'
arm_cpus() {
  local cpu
  configure release
  cmake --build --preset release --target siglip_demo_embeddings -- --quiet
  printf 'with all that qemu knows\n'
  scripts/test_arm.sh --all
  for cpu in neoverse-n1 cortex-a72; do
    printf 'with the CPU %s\n' "$cpu"
    QEMU_CPU=$cpu scripts/test_arm.sh
  done
  # As on kernels with larger pages: what maps memory, and packed files.
  local size program
  for size in 16384 65536; do
    for program in base weights; do
      printf 'with pages of %s bytes\n' "$size"
      QEMU_PAGESIZE=$size qemu-aarch64-static -L build/arm64/sysroot build/arm64/src/$program/siglip_${program}_test --gtest_brief=1 \
        --gtest_filter='-*Child*Fork*'
    done
  done
  local isa
  for isa in neon neon_dot neon_mmla; do
    printf 'with the gates of the demo model on %s\n' "$isa"
    SIGLIP_ISA=$isa qemu-aarch64-static -L build/arm64/sysroot build/arm64/tests/siglip_golden_test \
      --gtest_filter='GoldenDemo.*'
  done
}

stage arm-sanitizer 'kernels and weights for 64-bit Arm with the sanitizer of undefined behaviour, under qemu' \
  '% tests passed'
arm_sanitizer() {
  scripts/bootstrap.sh --arm
  configure arm64-ubsan
  cmake --build build/arm64-ubsan --target siglip_base_test siglip_kernels_test siglip_tensor_test siglip_weights_test \
    -- --quiet
  ctest --preset arm64-ubsan
}

stage arm-efficiency 'the loops of kernels for 64-bit Arm beside what multipliers allow, by llvm-mca' 'target'
arm_efficiency() {
  scripts/bootstrap.sh --arm
  configure arm64
  cmake --build build/arm64 --target siglip_kernels -- --quiet
  scripts/check_arm_efficiency.py
}

stage arm-packages 'the Debian package and the wheel for 64-bit Arm, used under qemu' 'the same|bytes'
arm_packages() {
  release_programs
  cmake --build --preset release --target siglip -- --quiet
  scripts/deb.sh --arch arm64
  scripts/wheel.sh --arch aarch64
  scripts/try_arm_packages.sh
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

# bulk_python KIND SCRIPT [ARGUMENT...]: with the wheel, in that environment of scripts/python_env.sh. What runs is what
# was installed.
bulk_python() {
  local env=build/$1-env
  scripts/wheel.sh
  scripts/python_env.sh "$1"
  install_wheel "$env"
  "$env/bin/python" -B "${@:2}"
}

# A script of bulk jobs sums up in its last lines, and tells what is wrong.
readonly bulk_pattern='^(run|ray): [0-9]+ trials|target|^WRONG|^trial '

stage bulk-crash 'bulk jobs after kill -9 of workers, launchers and both' "$bulk_pattern"
bulk_crash() {
  bulk_python python-tests scripts/bulk_crash.py --trials 300
}

stage bulk-ray 'the same by Ray, after kill -9 of workers, actors and drivers' "$bulk_pattern"
bulk_ray() {
  bulk_python python-tests-all scripts/bulk_crash.py --launcher ray --trials 20
}

stage bulk-faults 'bulk jobs over a store that fails in every way, and on a full disk' \
  "^[a-z0-9-]+: .*(requests|full)|^[0-9]+ scenes|$bulk_pattern"
bulk_faults() {
  bulk_python python-tests scripts/bulk_faults.py --rounds 3
}

# bulk_figures KIND PART
bulk_figures() {
  release_programs
  bulk_python "$1" scripts/bulk_figures.py "$2"
}

stage bulk-speed 'siglip bulk run beside siglip bench, and Ray beside it; what a row costs' "$bulk_pattern"
bulk_speed() {
  local status=0
  bulk_figures python-tests-all speed || status=1
  bulk_figures python-tests row-cost || status=1
  return "$status"
}

stage bulk-memory 'what a worker process of a bulk job takes' "$bulk_pattern"
bulk_memory() {
  bulk_figures python-tests memory
}

stage bulk-resume 'a finished bulk job of 100,000 shards, run again' "$bulk_pattern"
bulk_resume() {
  bulk_figures python-tests resume
}

stage bulk-estimate 'what siglip bulk plan --estimate predicts, beside what a run takes' "$bulk_pattern"
bulk_estimate() {
  bulk_figures python-tests estimate
}

stage bulk-slurm 'a bulk job by a Slurm of one node, which is installed by apt: scancel, requeue, end of time' \
  "^slurm|$bulk_pattern"
bulk_slurm() {
  bulk_python python-tests -c 'import siglip.bulk'
  scripts/bulk_slurm.sh --install build/python-tests-env/bin/python
}
