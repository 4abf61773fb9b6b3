// Bytes out of base64, as they arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace siglip::server {

/// RFC 4648, strictly: the standard alphabet without blanks or line breaks, padded rightly or not
/// at all, and no bits left over that are set. So different texts, but for the padding, are
/// different bytes.
class Base64Decoder {
 public:
  /// Takes memory for what at most so many digits stand for.
  explicit Base64Decoder(size_t digits) : bytes_(digits / 4 * 3 + 3, '\0') {}

  /// Whether all is right so far; nothing may be appended after it is not.
  bool Append(std::string_view digits);
  /// No digit follows; whether all is right.
  bool Finish();

  /// What is wrong, with the number of digits before it: "... behind 17 digits".
  const std::string& problem() const { return problem_; }
  /// What was decoded. Of a finished decoder, once.
  std::string Take() && { return std::move(bytes_); }

 private:
  bool AppendOne(char digit);
  bool Fail(std::string problem);

  std::string bytes_;
  size_t size_ = 0;      // of bytes_, what is decoded
  size_t digits_ = 0;    // seen so far
  uint32_t group_ = 0;   // the digits of a group that is not whole yet
  size_t in_group_ = 0;  // how many these are
  size_t padding_ = 0;
  std::string problem_;
};

}  // namespace siglip::server
