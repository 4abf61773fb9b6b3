// Exceptions end here: what a function of C answers, and the last error of a thread.
#pragma once

#include <string>

#include "siglip/error.hpp"
#include "siglip/siglip.h"

namespace siglip {

siglip_status StatusOf(ErrorCode code);

/// An error's parts as users of C see them: one line that is safe to print, without the hint.
std::string MessageOf(const Error& error);
std::string HintOf(const Error& error);

/// The exception at hand as a status, with its words for siglip_last_error_message.
siglip_status RecordException() noexcept;

/// The body of every function that can fail.
template <class Action>
siglip_status Guarded(const Action& action) noexcept {
  try {
    action();
    return SIGLIP_OK;
  } catch (...) {
    return RecordException();
  }
}

}  // namespace siglip
