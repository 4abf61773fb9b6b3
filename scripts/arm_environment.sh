# Sourced by scripts that build or check packages for 64-bit Arm on a machine of another architecture: installs what that
# needs, and tells CMake, compilers and dpkg's tools where to look.
# shellcheck shell=bash

env --unset=DPKG_ADMINDIR scripts/bootstrap.sh --arm
SYSROOT=$(pwd -P)/build/arm64/sysroot
export SYSROOT
export CC="aarch64-linux-gnu-gcc --sysroot=$SYSROOT" CMAKE_TOOLCHAIN_FILE=$PWD/cmake/aarch64-linux.cmake
# The packages of the sysroot, not this machine's.
export DEB_HOST_ARCH=arm64 DPKG_ADMINDIR=${SYSROOT%/*}/dpkg
# Where libraries are, between colons.
export ARM_LIBRARIES=$SYSROOT/lib/aarch64-linux-gnu:$SYSROOT/usr/lib/aarch64-linux-gnu
