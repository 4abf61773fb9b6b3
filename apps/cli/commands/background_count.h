// How many inputs there are, counted while work on them has begun.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "terminal/progress_bar.h"

namespace siglip::cli {

class BackgroundCount {
 public:
  /// Runs `count` in a thread of its own, for the bar to know how far it is. It is to return soon
  /// once its argument is true. The bar must outlive this object.
  BackgroundCount(ProgressBar& progress,
                  std::function<uint64_t(const std::atomic<bool>& enough)> count);
  BackgroundCount(const BackgroundCount&) = delete;
  BackgroundCount& operator=(const BackgroundCount&) = delete;
  ~BackgroundCount();

 private:
  std::atomic<bool> enough_ = false;
  std::thread thread_;
};

}  // namespace siglip::cli
