// The strict reader of request headers: what it lets through has one meaning only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/http/http_message.h"

namespace siglip::server {

inline constexpr size_t kMaxHeaderBytes = 16
                                          << 10;  ///< First line and fields, final CRLF included.
inline constexpr size_t kMaxTargetBytes = 8 << 10;
inline constexpr size_t kMaxFields = 100;

/// Why a request is refused before anyone was asked.
struct HeaderFault {
  int status = 400;
  std::string code;     ///< Of the error's body, e.g. "malformed_request".
  std::string message;  ///< Holds nothing that the client sent.
};

/// A header that broke no rule.
struct ScannedHeader {
  RequestHead head;  ///< Without `client` and `id`.
  /// Announced; the largest possible number stands for all that do not fit.
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = false;        ///< HTTP/1.1 without "Connection: close".
  bool expects_continue = false;  ///< Waits for the verdict before it sends the body.
};

/// Looks for the end of a header at the front of `bytes`. Returns its length, final CRLFCRLF
/// included; nothing if it has not come yet; a fault as soon as there is a byte that no header may
/// hold, or too many bytes. `seen` is 0 at first and then kept by the caller: bytes before it are
/// not looked at again.
std::variant<std::monostate, size_t, HeaderFault> FindHeaderEnd(std::string_view bytes,
                                                                size_t& seen);

/// Reads a header that FindHeaderEnd() found. Refused are: folded lines, blanks before a colon,
/// names that are no tokens, bytes that are neither printable ASCII nor blank nor tab (400); more
/// than one Host, Content-Length, Transfer-Encoding or another field that has one value, a missing
/// Host, length and encoding together, a length that is not digits only (400); a target that
/// ParseTarget() refuses or that is longer than 8 KiB (400); more than 100 fields (431); CONNECT
/// and TRACE (405); an Expect other than 100-continue (417); a Transfer-Encoding other than chunked
/// (501); versions other than 1.0 and 1.1 (505).
std::variant<ScannedHeader, HeaderFault> ScanHeader(std::string_view block);

}  // namespace siglip::server
