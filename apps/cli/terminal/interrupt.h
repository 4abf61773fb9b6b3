// Ctrl-C (SIGINT) and SIGTERM. While a command has nothing to lose they end it at once; while it
// has, the first asks it to end cleanly and the second ends it at once. The exit status is the
// one that shells report: 130 and 143.
#pragma once

#include <atomic>

namespace siglip::cli {

/// From now on these signals end the program at once.
void ExitOnInterrupt();

/// From now on the first of these signals sets the flag of Interrupted(), which is returned; the
/// second ends the program at once. To be called before the first file is made, and after what
/// takes long without looking at the flag, such as loading a model.
const std::atomic<bool>& CatchInterrupts();

/// Whether a signal that was caught has come.
const std::atomic<bool>& Interrupted();

/// The exit status after the signal that came.
int InterruptStatus();

/// Throws ExitCode with that status if a signal has come.
void ThrowIfInterrupted();

}  // namespace siglip::cli
