#include "threads_warning.h"

#include <iostream>
#include <string>

#include "siglip/runtime.h"

namespace siglip::cli {

void WarnOfManyThreads(int threads) {
  constexpr int kMostPerCpu = 4;
  if (threads <= kMostPerCpu) return;
  const int cpus = Runtime::Create()->threads();
  if (threads <= kMostPerCpu * cpus) return;
  std::cerr << "siglip: warning: " << threads << " threads, but this process may use "
            << (cpus == 1 ? "one CPU" : std::to_string(cpus) + " CPUs")
            << " only: more take memory and are no faster\n";
}

}  // namespace siglip::cli
