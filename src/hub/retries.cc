// See retries.h.
#include "hub/retries.h"

#include <chrono>
#include <thread>

#include "base/atomic_file.h"
#include "siglip/error.hpp"

namespace siglip {

void Retries::Wait(const TransientFailure& failure) {
  constexpr int kMostFailures = 5;
  constexpr std::chrono::milliseconds kFirstPause(
      500);  // then twice as long each time: 7.5 s in all
  constexpr std::chrono::milliseconds kPiece(50);
  if (++failures_ == kMostFailures) {
    throw Error(ErrorCode::kIo, failure.message(),
                (failure.hint().empty() ? "" : failure.hint() + "; ") + "tried " +
                    std::to_string(kMostFailures) +
                    " times; the same command goes on from here later");
  }
  const auto end = std::chrono::steady_clock::now() + kFirstPause * (1 << (failures_ - 1));
  while (std::chrono::steady_clock::now() < end) {
    ThrowIfStopped(stop_);
    std::this_thread::sleep_for(kPiece);
  }
}

}  // namespace siglip
