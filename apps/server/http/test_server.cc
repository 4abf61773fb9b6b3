// A server with short deadlines and a small budget, for tests/server/attack.py: POST /length
// answers with the length of the body, GET /large with many bytes, everything else with a few. It
// prints its port and drains at SIGTERM.
#include <csignal>
#include <cstdio>
#include <thread>

#include "server/http/http_server.h"

namespace siglip::server {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kLargeBytes = 20'000'000;

class AttackedHandler : public HttpHandler {
 public:
  explicit AttackedHandler(MemoryBudget budget) : budget_(std::move(budget)) {}

  Admission Admit(const RequestHead& head) override {
    if (head.method == "OPTIONS") return {.refusal = ErrorReply(405, "method_not_allowed", "no")};
    return {.takes_body = head.method == "POST"};
  }

  void Handle(HttpRequest request, std::function<void(Reply)> reply) override {
    Reply made;
    made.content_type = "text/plain";
    if (request.head.resource.path == "/large") {
      auto memory = budget_.Reserve(kLargeBytes);
      if (!memory) return reply(ErrorReply(503, "out_of_memory", "no room for the reply", 1));
      made.body = std::string(kLargeBytes, 'x');
      made.memory = std::move(*memory);
    } else {
      made.body = std::to_string(request.body.size());
    }
    reply(std::move(made));
  }

 private:
  MemoryBudget budget_;
};

int Run() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  HttpServerOptions options;
  options.port = 0;
  options.budget = MemoryBudget(128 << 20);
  options.header_time = milliseconds(2'000);
  options.body_time = milliseconds(2'000);
  options.reply_time = milliseconds(2'000);
  options.bytes_per_second = 10'000'000;
  AttackedHandler handler(options.budget);
  HttpServer server(options, handler);
  std::thread terminator([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.Drain(milliseconds(10'000));
  });
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  const bool whole = server.Run();
  terminator.join();
  return whole ? 0 : 1;
}

}  // namespace
}  // namespace siglip::server

int main() { return siglip::server::Run(); }
