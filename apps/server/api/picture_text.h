// Pictures as JSON can hold them: data URIs and base64.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/api/base64.h"

namespace siglip::server {

/// Whether a text is taken for a picture wherever texts and pictures may stand: "data:image/...",
/// in letters of any case.
bool IsPictureUri(std::string_view text);

/// Reads a data URI of a picture or bare base64, as it arrives in pieces. Only `image/*` in base64
/// is taken; which format it is, its bytes tell, later.
class PictureText {
 public:
  /// `size` is how long the text is at most. Without `bare` it must be a data URI.
  PictureText(size_t size, bool bare) : decoder_(size), bare_(bare) {}

  /// Whether there is more to be known; pieces that are appended when there is not change nothing.
  bool Append(std::string_view piece);
  /// The bytes of the picture, which are not empty. Throws ApiError(400) saying what is expected,
  /// and what was found; `param` is what it calls the text.
  std::string Finish(const std::string& param) &&;

 private:
  enum class State { kHead, kData, kRefused };

  void AppendToHead(std::string_view piece);
  void AppendToData(std::string_view piece);
  void Refuse(std::string problem);
  /// What is wrong, seen as a whole.
  std::string Problem() const;

  Base64Decoder decoder_;
  const bool bare_;
  State state_ = State::kHead;
  std::string head_;   // up to the comma, or as far as it takes to see that there is none
  std::string shown_;  // the beginning of the text, for messages
  std::string problem_;
};

}  // namespace siglip::server
