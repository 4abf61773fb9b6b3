// One line of JSON for every request.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "server/http/http_server.h"
#include "server/task_thread.h"

namespace siglip::server {

/// Without line break: when, who, which route (never the target, which a client chooses), how it
/// ended, bytes and times. Neither pictures nor texts, and everything escaped.
std::string LogLine(const Exchange& exchange, std::string_view route);

/// Writes lines to standard error on a thread of its own, since whoever reads them may be slow. Far
/// behind, it leaves lines out and says how many.
class RequestLog {
 public:
  void Write(std::string line);

 private:
  std::atomic<size_t> waiting_ = 0;
  std::atomic<size_t> left_out_ = 0;
  TaskThread thread_;  // the last to be made
};

}  // namespace siglip::server
