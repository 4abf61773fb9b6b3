// How files are written.
#pragma once

#include <atomic>

namespace siglip {

/// Files appear whole or not at all: they are written under a temporary name, flushed to the disk
/// and renamed.
struct WriteOptions {
  /// Whether a file that is there is replaced. Otherwise it is kept, also when it appears while the
  /// new one is being written; unless it has the same bytes, that is an error.
  bool replace = true;
  /// Once it is true, writing throws Error(kCancelled), and no file appears.
  const std::atomic<bool>* stop = nullptr;
};

}  // namespace siglip
