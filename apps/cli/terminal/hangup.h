// SIGHUP, by which a service is told to read its settings again.
#pragma once

#include <atomic>

namespace siglip::cli {

/// From now on the signal sets this flag and does nothing else.
std::atomic<bool>& CatchHangup();

}  // namespace siglip::cli
