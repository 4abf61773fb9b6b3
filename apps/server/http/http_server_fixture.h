// A server on a thread of its own and what it is asked, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "server/http/http_server.h"
#include "server/http/test_client.h"

namespace siglip::server {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

inline constexpr uint64_t kMegabyte = 1 << 20;

inline std::string Get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

inline std::string Post(const std::string& target, const std::string& body,
                        const std::string& fields = "") {
  return "POST " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

inline std::string Chunk(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

inline constexpr char kChunkedPost[] =
    "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Chunks of 64 KiB, each made on a thread of its own; of another number of bytes than announced,
/// if told.
class ThreadedSource : public BodySource {
 public:
  ThreadedSource(uint64_t size, std::atomic<int>& asked) : left_(size), asked_(asked) {}

  void Next(std::function<void(std::optional<std::string>)> take) override {
    ++asked_;
    const uint64_t size = std::min<uint64_t>(left_, 65'536);
    left_ -= size;
    std::thread([size, take = std::move(take)] {
      if (size > 0) {
        take(std::string(size, 's'));
        return;
      }
      take(std::nullopt);
    }).detach();
  }

 private:
  uint64_t left_;
  std::atomic<int>& asked_;
};

/// Answers by path; what each does stands in Handle().
class TestHandler : public HttpHandler {
 public:
  struct Waiting {
    HttpRequest request;
    std::function<void(Reply)> reply;
  };

  Admission Admit(const RequestHead& head) override {
    if (head.resource.path == "/refused") return {.refusal = ErrorReply(401, "no_key", "no key")};
    if (head.resource.path == "/admit-throws") throw std::runtime_error("Admit");
    return {.takes_body = head.method == "POST",
            .memory_factor = head.resource.path == "/double" ? 2u : 1u};
  }

  void Handle(HttpRequest request, std::function<void(Reply)> reply) override {
    const std::string path = request.head.resource.path;
    if (path == "/throws") throw std::runtime_error("Handle");
    if (path == "/forgets") return;
    if (path == "/waits") {
      request.client->OnGone([this] {
        const std::lock_guard lock(mutex_);
        ++gone_;
        changed_.notify_all();
      });
      const std::lock_guard lock(mutex_);
      waiting_.push_back({std::move(request), std::move(reply)});
      changed_.notify_all();
      return;
    }
    Reply made;
    made.content_type = "text/plain";
    made.log = "log of " + path;
    if (path == "/length" || path == "/double") {
      made.body = std::to_string(request.body.size());
    } else if (path == "/big") {
      auto memory = budget.Reserve(8 * kMegabyte);
      if (!memory) return reply(ErrorReply(503, "busy", "busy", 1));
      made.body = std::string(8 * kMegabyte, 'b');
      made.memory = std::move(*memory);
    } else if (path == "/stream") {
      const uint64_t gives = std::stoull(*request.head.resource.Find("gives"));
      made.source = std::make_shared<ThreadedSource>(gives, asked);
      made.size = std::stoull(*request.head.resource.Find("says"));
    } else if (path == "/injects") {
      made.fields.push_back({"x-echo", "a\r\nset-cookie: b"});
    } else if (path == "/none") {
      made.status = 204;
    } else {
      made.body = request.head.method + " " + request.head.target;
    }
    reply(std::move(made));
  }

  void Finished(const Exchange& exchange) override {
    const std::lock_guard lock(mutex_);
    finished_.push_back(exchange);
    changed_.notify_all();
  }

  /// The next request to /waits.
  Waiting TakeWaiting() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return !waiting_.empty(); }));
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    return waiting;
  }

  /// The exchange that ended as number `index`.
  Exchange WaitForFinished(size_t index = 0) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return finished_.size() > index; }));
    return finished_.at(index);
  }

  bool WaitForGone(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return gone_ >= count; });
  }

  MemoryBudget budget{32 * kMegabyte};
  std::atomic<int> asked = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiting> waiting_;
  std::vector<Exchange> finished_;
  int gone_ = 0;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.port = 0;
    options_.budget = handler_.budget;
  }

  ~HttpServerTest() override {
    if (!server_) return;
    server_->Stop();
    if (thread_.joinable()) thread_.join();
  }

  uint16_t Start() {
    server_ = std::make_unique<HttpServer>(options_, handler_);
    thread_ = std::thread([this] { result_.set_value(server_->Run()); });
    return server_->port();
  }

  /// What Run() returned.
  bool Result() { return result_.get_future().get(); }

  /// Until the server has seen that many connections end.
  void WaitForConnections(size_t count) {
    for (int i = 0; i < 1000 && server_->statistics().connections != count; ++i) {
      std::this_thread::sleep_for(10ms);
    }
    EXPECT_EQ(server_->statistics().connections, count);
  }

  HttpServerOptions options_;
  TestHandler handler_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::promise<bool> result_;
};

/// Measures how long the scope that it lives in has lasted.
class Stopwatch {
 public:
  milliseconds elapsed() const {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start_);
  }

 private:
  const steady_clock::time_point start_ = steady_clock::now();
};

// Under sanitizers, and beside other work, things come later, but never earlier.
inline constexpr milliseconds kLate = 1500ms;

}  // namespace siglip::server
