// Errors of the library in the words of the command line.
#pragma once

#include <string>

#include "siglip/error.h"

namespace siglip::cli {

/// Message and hint, which speak of options where the library speaks of fields.
std::string Message(const Error& error);

}  // namespace siglip::cli
