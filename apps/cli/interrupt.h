// Ctrl-C (SIGINT) and SIGTERM: the first asks the work to end cleanly, the second ends the program.
#pragma once

#include <atomic>

namespace siglip::cli {

/// From now on the first of these signals sets the flag returned, the second exits with
/// kInterrupted at once.
const std::atomic<bool>& CatchInterrupts();

}  // namespace siglip::cli
