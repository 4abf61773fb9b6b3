# What building siglip needs of Debian 12. scripts/bootstrap.sh, which installs it, and scripts/arm_sysroot.sh, which
# unpacks the libraries for another architecture, source this file.
# shellcheck shell=bash disable=SC2034

build_tools=(g++ cmake ninja-build pkg-config python3 python3-numpy python3-dev python3-venv)
libraries=(
  nlohmann-json3-dev libcli11-dev libgtest-dev libgmock-dev libbenchmark-dev
  libjpeg62-turbo-dev libpng-dev libwebp-dev libgif-dev libtiff-dev liblcms2-dev
  libavif-dev libheif-dev
  libsentencepiece-dev libcurl4-openssl-dev
  zlib1g-dev libsqlite3-dev libxxhash-dev libboost1.81-dev
)
