// The error about a file that is not as its format says.
#pragma once

#include <string>

#include "siglip/error.hpp"

namespace siglip {

/// `where` is the file, and the part of it where that helps.
inline Error Malformed(const std::string& where, const std::string& what) {
  return Error(ErrorCode::kMalformedFile, where + ": " + what);
}

}  // namespace siglip
