// The chunks of a PNG file, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace siglip {

struct PngChunk {
  size_t begin = 0;  ///< Of its length, which its name and data follow.
  std::string_view name;
  std::string_view data;      ///< What the file has of it.
  bool is_cut_short = false;  ///< By the end of the file.
};

class PngChunkWalk {
 public:
  /// `file` must outlive this object. Its signature is not looked at.
  explicit PngChunkWalk(std::span<const uint8_t> file)
      : file_(reinterpret_cast<const char*>(file.data()), file.size()) {}

  /// Nothing where no further chunk has a length and a name of letters, digits and "_" (the names
  /// that Pillow reads on at).
  std::optional<PngChunk> Next();

 private:
  std::string_view file_;
  size_t position_ = 8;
};

}  // namespace siglip
