// What went wrong with one picture or text.
#pragma once

#include <string>

#include "siglip/error.hpp"

namespace siglip {

/// The exception at hand as an Error. `item` is what it was about: "picture" or "text".
Error CurrentError(const std::string& item);

/// The same of a picture of this name.
Error ErrorOfPicture(const std::string& name);

}  // namespace siglip
