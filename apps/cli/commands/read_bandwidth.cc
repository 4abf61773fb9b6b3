#include "commands/read_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "commands/measure.h"
#include "siglip/runtime.hpp"

namespace siglip::cli {
namespace {

constexpr int kRounds = 9;
constexpr size_t kLineWords = 8;  // of a cache line of 64 bytes
/// Places read in turn: a single sequence of lines keeps too few of them on the way.
constexpr size_t kStreams = 4;

size_t BytesOfThread(size_t threads) {
  // What systems say of the last cache may be that of all there are, or nothing.
  const auto cache = static_cast<size_t>(std::max(0L, ::sysconf(_SC_LEVEL3_CACHE_SIZE)));
  const size_t all = std::clamp(2 * cache, size_t{256} << 20, size_t{1} << 30);
  constexpr size_t kWhole = kStreams * kLineWords * sizeof(uint64_t);
  return std::max(all / threads, size_t{32} << 20) / kWhole * kWhole;
}

/// A word of each line, since memory is read by lines.
uint64_t ReadCacheLines(const std::vector<uint64_t>& words) {
  const size_t stream = words.size() / kStreams;
  uint64_t sum = 0;
  for (size_t i = 0; i < stream; i += kLineWords) {
    for (size_t j = 0; j < kStreams; ++j) sum += words[i + j * stream];
  }
  return sum;
}

}  // namespace

double MeasureReadBandwidth(int threads) {
  const auto readers = static_cast<size_t>(std::min(threads, Runtime::Create()->threads()));
  const size_t bytes = BytesOfThread(readers);
  std::barrier meet(static_cast<std::ptrdiff_t>(readers) + 1);
  std::vector<uint64_t> sums(readers);  // so that nothing read is found to be of no use
  std::vector<std::jthread> pool;
  for (size_t reader = 0; reader < readers; ++reader) {
    pool.emplace_back([&, reader] {
      const std::vector<uint64_t> words(bytes / sizeof(uint64_t), reader + 1);
      meet.arrive_and_wait();
      for (int round = 0; round < kRounds; ++round) {
        meet.arrive_and_wait();
        sums[reader] += ReadCacheLines(words);
        meet.arrive_and_wait();
      }
    });
  }
  meet.arrive_and_wait();  // the memory is there
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    const double seconds = Seconds([&] {
      meet.arrive_and_wait();
      meet.arrive_and_wait();
    });
    rates.push_back(static_cast<double>(readers * bytes) / seconds);
  }
  return Median(rates);
}

}  // namespace siglip::cli
