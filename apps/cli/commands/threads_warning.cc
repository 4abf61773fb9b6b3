#include "commands/threads_warning.h"

#include <charconv>
#include <iostream>
#include <string>

#include "siglip/runtime.hpp"

namespace siglip::cli {

void WarnOfManyThreads(const std::string& threads) {
  constexpr int kMostPerCpu = 4;
  int count = 0;  // stays 0 where the text is no number, which others tell
  std::from_chars(threads.data(), threads.data() + threads.size(), count);
  if (count <= kMostPerCpu) return;
  const int cpus = Runtime::Create()->threads();
  if (count <= kMostPerCpu * cpus) return;
  std::cerr << "siglip: warning: " << count << " threads, but this process may use "
            << (cpus == 1 ? "one CPU" : std::to_string(cpus) + " CPUs")
            << " only: more take memory and are no faster\n";
}

}  // namespace siglip::cli
