#include "commands/bench_scaling.h"

#include <map>

namespace siglip::cli {

std::vector<Scaling> ScalingOf(const std::vector<ModelRate>& rates,
                               const std::function<double(int threads)>& measure_bandwidth) {
  std::map<int, double> bandwidths;
  std::vector<Scaling> all;
  for (const ModelRate& rate : rates) {
    const ModelRate* fewest = &rate;
    for (const ModelRate& other : rates) {
      if (other.batch == rate.batch && other.threads < fewest->threads) fewest = &other;
    }
    Scaling& scaling = all.emplace_back(Scaling{.rate = rate});
    scaling.speedup = rate.per_second / fewest->per_second;
    if (!bandwidths.contains(rate.threads)) {
      bandwidths[rate.threads] = measure_bandwidth(rate.threads);
    }
    scaling.bandwidth = bandwidths[rate.threads];
    scaling.efficiency = scaling.speedup * fewest->threads / rate.threads;
  }
  return all;
}

}  // namespace siglip::cli
