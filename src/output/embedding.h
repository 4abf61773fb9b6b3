// What is known of embeddings besides their values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace siglip {

/// What embeddings depend on besides the inputs, by names that users understand.
using EmbeddingSettings = std::map<std::string, std::string>;

/// What a row is the embedding of.
enum class RowType : uint64_t { kPicture = 1, kText = 2 };

struct RowKey {
  RowType type = RowType::kPicture;
  std::string name;   ///< The path of a picture; a text with "text:" before it.
  int64_t size = 0;   ///< Of a picture's file.
  int64_t mtime = 0;  ///< When that was last modified, in nanoseconds since 1970.

  bool operator==(const RowKey&) const = default;
};

}  // namespace siglip
