#include "server/metrics.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace siglip::server {
namespace {

std::string Number(double value) {
  std::array<char, 32> digits = {};
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  return {digits.begin(), end};
}

void WriteHead(std::string_view name, std::string_view help, std::string_view type,
               std::string& text) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void WriteSample(std::string_view name, std::string_view labels, const std::string& value,
                 std::string& text) {
  text.append(name);
  if (!labels.empty()) text.append("{").append(labels).append("}");
  text.append(" ").append(value).append("\n");
}

std::string Label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

}  // namespace

void Histogram::Add(double seconds) {
  const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
  ++counts_.at(static_cast<size_t>(bound - kBounds.begin()));
  sum_ += seconds;
}

void Histogram::Write(std::string_view name, std::string_view labels, std::string& text) const {
  uint64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_.at(i);
    const std::string bound = i < kBounds.size() ? Number(kBounds.at(i)) : "+Inf";
    WriteSample(std::string(name) + "_bucket", std::string(labels) + Label("le", bound),
                std::to_string(total), text);
  }
  if (labels.ends_with(',')) labels.remove_suffix(1);
  WriteSample(std::string(name) + "_sum", labels, Number(sum_), text);
  WriteSample(std::string(name) + "_count", labels, std::to_string(total), text);
}

void Metrics::CountRequest(std::string_view route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), std::to_string(status)}];
  request_seconds_[std::string(route)].Add(seconds);
}

void Metrics::CountItem(std::string_view kind, std::string_view outcome) {
  const std::lock_guard lock(mutex_);
  ++items_[{std::string(kind), std::string(outcome)}];
}

void Metrics::AddStage(std::string_view stage, double seconds) {
  const std::lock_guard lock(mutex_);
  stage_seconds_[std::string(stage)].Add(seconds);
}

void Metrics::CountRejected(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  ++rejected_[std::string(reason)];
}

std::string Metrics::Text(const std::vector<Gauge>& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string text;
  WriteHead("siglip_requests_total", "Requests answered.", "counter", text);
  for (const auto& [labels, count] : requests_) {
    WriteSample("siglip_requests_total",
                Label("route", labels.first) + "," + Label("code", labels.second),
                std::to_string(count), text);
  }
  WriteHead("siglip_items_total", "Pictures, texts and searches computed.", "counter", text);
  for (const auto& [labels, count] : items_) {
    WriteSample("siglip_items_total",
                Label("kind", labels.first) + "," + Label("outcome", labels.second),
                std::to_string(count), text);
  }
  WriteHead("siglip_rejected_total",
            "Requests that were not computed: those for which there was no room or that would have "
            "waited "
            "too long (queue, wait, memory), and those refused unread, by the code of their error.",
            "counter", text);
  for (const auto& [reason, count] : rejected_) {
    WriteSample("siglip_rejected_total", Label("reason", reason), std::to_string(count), text);
  }
  WriteHead("siglip_request_seconds", "From the first byte of a request to the last of its reply.",
            "histogram", text);
  for (const auto& [route, histogram] : request_seconds_) {
    histogram.Write("siglip_request_seconds", Label("route", route) + ",", text);
  }
  WriteHead("siglip_stage_seconds", "What items and requests spend in each stage.", "histogram",
            text);
  for (const auto& [stage, histogram] : stage_seconds_) {
    histogram.Write("siglip_stage_seconds", Label("stage", stage) + ",", text);
  }
  std::string_view last;
  for (const Gauge& gauge : gauges) {
    if (gauge.name != last) WriteHead(gauge.name, gauge.help, "gauge", text);
    last = gauge.name;
    WriteSample(gauge.name, gauge.labels, Number(gauge.value), text);
  }
  return text;
}

}  // namespace siglip::server
