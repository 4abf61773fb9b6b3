#include "messages.h"

#include <array>
#include <string_view>
#include <utility>

namespace siglip::cli {
namespace {

/// What the library says, and what it is called here. Longer ones before those they contain.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords = {{
    {"DecodeLimits::max_pixels or max_memory_bytes", "--max-pixels or --max-memory"},
    {"DecodeLimits::max_pixels", "--max-pixels"},
    {"DecodeLimits::max_file_bytes", "--max-file-bytes"},
    {"DecodeLimits::max_memory_bytes", "--max-memory"},
    {"ask for interpolate_pos_encoding", "use --interpolate-pos-encoding"},
    {": max_num_patches is for models", ": --max-num-patches is for models"},
}};

}  // namespace

std::string Message(const Error& error) {
  std::string text = error.message();
  if (!error.hint().empty()) text += " (" + error.hint() + ")";
  for (const auto& [field, option] : kWords) {
    const size_t at = text.rfind(field);
    if (at != std::string::npos) text.replace(at, field.size(), option);
  }
  return text;
}

}  // namespace siglip::cli
