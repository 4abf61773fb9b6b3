// What the program's exit status says.
#pragma once

namespace siglip::cli {

/// A program that a signal interrupted exits with 128 and the signal's number, as shells report it:
/// see interrupt.h.
enum ExitStatus : int {
  kSuccess = 0,
  kNothingDone = 1,  ///< The work failed as a whole, or there was none.
  kUsage = 2,        ///< The command line is wrong.
  kSomeFailed = 3,   ///< Done, but some inputs failed; each was reported.
};

/// Thrown to end the program with this status, everything worth saying having been said.
struct ExitCode {
  int value = kSuccess;
};

}  // namespace siglip::cli
