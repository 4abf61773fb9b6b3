#include "engine/current_error.h"

#include <exception>
#include <new>

namespace siglip {

Error CurrentError(const std::string& item) {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.message(), error.hint()};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kLimitExceeded, "not enough memory for this " + item,
            "fewer --threads, or a smaller --max-memory"};
  } catch (const std::exception& exception) {
    return {ErrorCode::kInternal, exception.what()};
  }
}

Error ErrorOfPicture(const std::string& name) {
  const Error error = CurrentError("picture");
  // Errors of reading and decoding name the picture already.
  const bool named = error.message().starts_with(name + ":");
  return {error.code(), named ? error.message() : name + ": " + error.message(), error.hint()};
}

}  // namespace siglip
