// Waiting in a way that leaves Python's signals their turn.
#pragma once

#include <chrono>

namespace siglip::python {

/// How often a thread that waits looks for signals.
inline constexpr std::chrono::milliseconds kSignalsEvery{20};

}  // namespace siglip::python
