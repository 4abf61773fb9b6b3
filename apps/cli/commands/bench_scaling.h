// What `siglip bench` says of several numbers of threads: whether more of them do as much more, and
// how much of the memory's bandwidth reading the weights takes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace siglip::cli {

/// Medians over the repeats.
struct ModelRate {
  int threads = 0;
  int64_t batch = 0;
  double seconds = 0;     ///< Of one batch.
  double per_second = 0;  ///< Pictures or texts.
  double gflops = 0;
  double peak_gflops = 0;
  double weight_bytes_each = 0;  ///< Read for a picture or text, if once in each pass.

  double share_of_peak() const { return gflops / peak_gflops; }
};

/// Of one rate, beside that of the fewest threads with the same batch.
struct Scaling {
  ModelRate rate;
  double speedup = 1;     ///< Of its rate.
  double efficiency = 1;  ///< Of its rate for each thread.
  double bandwidth = 0;   ///< Bytes a second that as many threads read.

  double share_of_bandwidth() const { return rate.per_second * rate.weight_bytes_each / bandwidth; }
};

/// `measure_bandwidth` is asked once for each number of threads.
std::vector<Scaling> ScalingOf(const std::vector<ModelRate>& rates,
                               const std::function<double(int threads)>& measure_bandwidth);

}  // namespace siglip::cli
