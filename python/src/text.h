// Paths and texts between Python and the library, whose strings are bytes.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace siglip::python {

/// A str, bytes or PathLike as the file system spells it. Throws TypeError for anything else.
std::string PathOf(nanobind::handle path);

/// As the file system's names are decoded: bytes that are no UTF-8 become lone surrogates.
nanobind::str ToStr(const std::string& text);

}  // namespace siglip::python
