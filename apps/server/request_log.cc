#include "server/request_log.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace siglip::server {
namespace {

constexpr size_t kMostWaiting = 4096;

/// "2026-11-28T09:30:00.123Z"
std::string Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = milliseconds / 1000;
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string fraction = std::to_string(1000 + milliseconds % 1000);
  return std::string(text, length) + "." + fraction.substr(1) + "Z";
}

double Milliseconds(double seconds) { return std::round(1e6 * seconds) / 1e3; }

}  // namespace

std::string LogLine(const Exchange& exchange, std::string_view route) {
  nlohmann::ordered_json line = {{"time", Now()},
                                 {"id", exchange.head.id},
                                 {"client", exchange.head.client},
                                 {"method", exchange.head.method},
                                 {"route", route},
                                 {"status", exchange.status},
                                 {"outcome", ToString(exchange.outcome)}};
  if (!exchange.code.empty()) line["code"] = exchange.code;
  if (!exchange.log.empty()) line.update(nlohmann::ordered_json::parse(exchange.log));
  line["bytes_in"] = exchange.bytes_in;
  line["bytes_out"] = exchange.bytes_out;
  line["read_ms"] = Milliseconds(exchange.read_seconds);
  line["handle_ms"] = Milliseconds(exchange.handle_seconds);
  line["write_ms"] = Milliseconds(exchange.write_seconds);
  return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

void RequestLog::Write(std::string line) {
  if (waiting_ >= kMostWaiting) {
    ++left_out_;
    return;
  }
  ++waiting_;
  thread_.Post([this, line = std::move(line)]() mutable {
    --waiting_;
    if (const size_t count = left_out_.exchange(0); count > 0) {
      line += "\n{\"left_out\":" + std::to_string(count) + "}";
    }
    line += "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
  });
}

}  // namespace siglip::server
