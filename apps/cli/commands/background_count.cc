#include "commands/background_count.h"

#include <utility>

namespace siglip::cli {

BackgroundCount::BackgroundCount(ProgressBar& progress,
                                 std::function<uint64_t(const std::atomic<bool>& enough)> count)
    : thread_([this, &progress, count = std::move(count)] {
        const uint64_t inputs = count(enough_);
        if (!enough_) progress.SetTotal(inputs);
      }) {}

BackgroundCount::~BackgroundCount() {
  enough_ = true;
  thread_.join();
}

}  // namespace siglip::cli
