// What the service has done so far, for Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siglip::server {

/// How often values fell below each of some bounds.
class Histogram {
 public:
  void Add(double seconds);
  /// The lines of this histogram; `labels` is empty or `name="value",`.
  void Write(std::string_view name, std::string_view labels, std::string& text) const;

 private:
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                         0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};
  std::array<uint64_t, kBounds.size() + 1> counts_ = {};  // the last: above all bounds
  double sum_ = 0;
};

/// Values that are true now; they come from where they are known.
struct Gauge {
  std::string_view name;
  std::string_view help;
  std::string_view labels;  ///< Empty or `name="value"`.
  double value = 0;
};

/// Names and labels are bounded: routes are those of the table of routes, never a client's words.
/// Safe to use from several threads.
class Metrics {
 public:
  void CountRequest(std::string_view route, int status, double seconds);
  /// `kind`: picture, text, search; `outcome`: ok or an error's code.
  void CountItem(std::string_view kind, std::string_view outcome);
  /// `stage`: read, queue, prepare, compute, search, write.
  void AddStage(std::string_view stage, double seconds);
  void CountRejected(std::string_view reason);

  /// The text format 0.0.4, with these gauges.
  std::string Text(const std::vector<Gauge>& gauges) const;

 private:
  using Pair = std::pair<std::string, std::string>;

  mutable std::mutex mutex_;  // guards what follows
  std::map<Pair, uint64_t> requests_;
  std::map<Pair, uint64_t> items_;
  std::map<std::string, uint64_t, std::less<>> rejected_;
  std::map<std::string, Histogram, std::less<>> request_seconds_;
  std::map<std::string, Histogram, std::less<>> stage_seconds_;
};

}  // namespace siglip::server
