// What is to be embedded, one by one.
#pragma once

#include <string>
#include <variant>

#include "server/api/api_error.h"

namespace siglip::server {

struct InputText {
  std::string text;  ///< UTF-8, not empty.
};

/// The bytes of a picture file, not looked at yet, and not empty.
struct InputPicture {
  std::string bytes;
};

/// What stands at one place of a request, or what is wrong there.
using InputItem = std::variant<InputText, InputPicture, ItemError>;

/// The most items that a request may have.
inline constexpr size_t kMaxItems = 2048;

}  // namespace siglip::server
