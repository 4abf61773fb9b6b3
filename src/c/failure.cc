#include "c/failure.h"

#include <exception>
#include <new>
#include <stdexcept>

namespace siglip {
namespace {

class LastError {
 public:
  const char* message() const { return fixed_ != nullptr ? fixed_ : message_.c_str(); }
  const char* hint() const { return fixed_ != nullptr ? "" : hint_.c_str(); }

  void Set(std::string message, std::string hint) {
    message_.swap(message);
    hint_.swap(hint);
    fixed_ = nullptr;
  }
  /// Of a literal: where there may be no memory for a copy.
  void Set(const char* message) { fixed_ = message; }

 private:
  std::string message_;
  std::string hint_;
  const char* fixed_ = nullptr;
};

thread_local LastError last_error;

siglip_status RecordOutOfMemory() {
  last_error.Set("not enough memory");
  return SIGLIP_OUT_OF_MEMORY;
}

/// The same, where saying it may take memory itself.
siglip_status Record() {
  try {
    throw;
  } catch (const Error& error) {
    last_error.Set(MessageOf(error), HintOf(error));
    return StatusOf(error.code());
  } catch (const std::bad_alloc&) {
    return RecordOutOfMemory();
  } catch (const std::length_error&) {  // more than any memory: of a standard container
    return RecordOutOfMemory();
  } catch (const std::exception& exception) {
    last_error.Set(MessageOf(Error(ErrorCode::kInternal, exception.what())), {});
  } catch (...) {
    last_error.Set("an exception of an unknown type");
  }
  return SIGLIP_INTERNAL;
}

}  // namespace

siglip_status StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return SIGLIP_INVALID_ARGUMENT;
    case ErrorCode::kNotFound: return SIGLIP_NOT_FOUND;
    case ErrorCode::kIo: return SIGLIP_IO;
    case ErrorCode::kMalformedFile: return SIGLIP_MALFORMED_FILE;
    case ErrorCode::kUnsupported: return SIGLIP_UNSUPPORTED;
    case ErrorCode::kMismatch: return SIGLIP_MISMATCH;
    case ErrorCode::kLimitExceeded: return SIGLIP_LIMIT_EXCEEDED;
    case ErrorCode::kCancelled: return SIGLIP_CANCELLED;
    case ErrorCode::kInternal: break;
  }
  return SIGLIP_INTERNAL;
}

// what() is what is safe to print, and both parts without the other are errors, too.
std::string MessageOf(const Error& error) { return Error(error.code(), error.message()).what(); }
std::string HintOf(const Error& error) { return Error(error.code(), error.hint()).what(); }

siglip_status RecordException() noexcept {
  try {
    return Record();
  } catch (...) {
    return RecordOutOfMemory();
  }
}

}  // namespace siglip

const char* siglip_last_error_message(void) { return siglip::last_error.message(); }
const char* siglip_last_error_hint(void) { return siglip::last_error.hint(); }
