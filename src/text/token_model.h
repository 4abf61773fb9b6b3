// The field "model" of a tokenizer.json: it cuts words into pieces of its vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

class TokenModel {
 public:
  virtual ~TokenModel() = default;

  /// Appends the ids of one word.
  virtual void Encode(std::string_view word, std::vector<int32_t>& ids) const = 0;

  virtual std::optional<int32_t> Find(std::string_view token) const = 0;
  /// The token of an id, or null.
  virtual const std::string* Piece(int64_t id) const = 0;
  virtual size_t token_count() const = 0;
  /// -1 where there are no tokens.
  virtual int32_t largest_id() const = 0;
};

/// "<0x41>" for 0x41: the token that a byte falls back to.
std::string ByteToken(uint8_t byte);

/// A token as errors show it.
std::string QuotedToken(std::string_view token);

}  // namespace siglip
