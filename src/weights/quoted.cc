// See quoted.h.
#include "weights/quoted.h"

#include "base/json.h"

namespace siglip {

std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 160;
  std::string quoted =
      Json(text.substr(0, kLongest)).dump(-1, ' ', true, Json::error_handler_t::replace);
  quoted.front() = quoted.back() = '\'';
  return text.size() > kLongest ? quoted + "..." : quoted;
}

}  // namespace siglip
