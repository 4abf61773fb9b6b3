#include "image/png_chunks.h"

#include <algorithm>
#include <cctype>

namespace siglip {

std::optional<PngChunk> PngChunkWalk::Next() {
  constexpr size_t kHeader = 8;
  constexpr size_t kChecksum = 4;
  if (position_ > file_.size() || file_.size() - position_ < kHeader) return std::nullopt;
  const std::string_view rest = file_.substr(position_);
  const std::string_view name = rest.substr(4, 4);
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), is_word)) return std::nullopt;
  size_t length = 0;
  for (const char byte : rest.substr(0, 4)) length = length << 8 | static_cast<uint8_t>(byte);
  const PngChunk chunk = {.begin = position_,
                          .name = name,
                          .data = rest.substr(kHeader, length),
                          .is_cut_short = length > rest.size() - kHeader};
  position_ += kHeader + length + kChecksum;
  return chunk;
}

}  // namespace siglip
