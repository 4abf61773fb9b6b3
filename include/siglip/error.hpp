// The one exception type of the library.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "siglip/export.hpp"

namespace siglip {

/// What kind of failure an Error reports. Stable: new codes are only ever added at the end.
enum class ErrorCode {
  kInvalidArgument,  ///< A value handed in by the caller is out of its range.
  kNotFound,         ///< A file, folder, tensor or field that must be there is not.
  kIo,               ///< The operating system refused to read or write.
  kMalformedFile,    ///< Foreign bytes break the rules of their format.
  kUnsupported,      ///< Well-formed, but something this library does not do.
  kMismatch,         ///< Two things that must agree do not: shapes, names, dtypes.
  kLimitExceeded,    ///< A limit on pixels, bytes or memory was reached before allocating.
  kCancelled,        ///< The caller asked to stop.
  kInternal,         ///< A bug of this library.
};

/// The name of a code as it is shown to users, e.g. "malformed file".
SIGLIP_EXPORT std::string_view ToString(ErrorCode code);

/// Every failure of the library. `what()` is one line naming the file, tensor or field, what was
/// expected and what was found, followed by the hint, if any, in parentheses.
class SIGLIP_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }  ///< Without the hint.
  const std::string& hint() const { return hint_; }        ///< What the user can do; may be empty.

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
};

}  // namespace siglip
