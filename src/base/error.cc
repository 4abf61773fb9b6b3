#include "siglip/error.hpp"

#include <utility>

namespace siglip {
namespace {

/// The text as one line that is safe to print: names out of foreign files may hold line breaks and
/// terminal escapes.
std::string Printable(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string printable;
  printable.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7F) {
      printable += character;
    } else {
      printable += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return printable;
}

}  // namespace

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kIo: return "input/output error";
    case ErrorCode::kMalformedFile: return "malformed file";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kMismatch: return "mismatch";
    case ErrorCode::kLimitExceeded: return "limit exceeded";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInternal: return "internal error";
  }
  return "unknown error";
}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : std::runtime_error(Printable(hint.empty() ? message : message + " (" + hint + ")")),
      code_(code),
      message_(std::move(message)),
      hint_(std::move(hint)) {}

}  // namespace siglip
