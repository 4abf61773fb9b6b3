// A spiece.model: what the library sentencepiece makes of it, behind a guard. The library believes
// its file; one that is not what it claims to be could make it read beyond its memory or abort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

class SentencePieceModel {
 public:
  /// Throws Error(kMalformedFile), Error(kUnsupported) or Error(kLimitExceeded) naming `name`.
  SentencePieceModel(std::span<const std::byte> file, const std::string& name);
  SentencePieceModel(SentencePieceModel&&) noexcept;
  ~SentencePieceModel();

  /// The ids of a text of at most kMaxTextBytes, without special tokens.
  std::vector<int> Encode(std::string_view text) const;

  std::optional<int32_t> Find(std::string_view piece) const;
  std::string Piece(int32_t id) const;  ///< 0 <= id < size()
  int32_t size() const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace siglip
