#include "server/http/http_server.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <list>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "server/http/test_client.h"

namespace siglip::server {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kMegabyte = 1 << 20;

std::string Get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string Post(const std::string& target, const std::string& body,
                 const std::string& fields = "") {
  return "POST " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

std::string Chunk(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

constexpr char kChunkedPost[] =
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
constexpr milliseconds kLate = 1500ms;

// --- What good clients see -----------------------------------------------------------------------

TEST_F(HttpServerTest, AnswersRequestsOfOneConnection) {
  TestClient client(Start());
  const ClientReply get = client.Ask(Get("/a?b=c"));
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "GET /a?b=c");
  EXPECT_EQ(get.Field("content-type"), "text/plain");
  EXPECT_EQ(get.Field("x-content-type-options"), "nosniff");
  EXPECT_EQ(get.Field("connection"), "");
  const std::string big(3 * kMegabyte, 'x');
  const ClientReply post = client.Ask(Post("/length", big));
  EXPECT_EQ(post.body, std::to_string(big.size()));
  EXPECT_EQ(client.Ask(Post("/length", "")).body, "0");
  EXPECT_EQ(client.Ask("POST /length HTTP/1.1\r\nHost: a\r\n\r\n").body, "0");
  EXPECT_EQ(client.Ask(kChunkedPost + Chunk("hello") + Chunk(big) + "0\r\n\r\n").body,
            std::to_string(5 + big.size()));
  EXPECT_EQ(client.Ask(Get("/none")).status, 204);
  client.Send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
  const ClientReply head = client.Read(true);
  EXPECT_EQ(head.Field("content-length"), "10") << "that of \"HEAD /head\"";
  EXPECT_EQ(client.Ask(Get("/last", "Connection: close\r\n")).Field("connection"), "close");
  EXPECT_TRUE(client.IsClosed());

  std::set<std::string> ids;
  for (size_t i = 0; i < 8; ++i) ids.insert(handler_.WaitForFinished(i).head.id);
  EXPECT_EQ(ids.size(), 8u);
  const Exchange exchange = handler_.WaitForFinished(1);
  EXPECT_EQ(exchange.head.id, post.Field("x-request-id"));
  EXPECT_EQ(exchange.head.client, "127.0.0.1");
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.outcome, Outcome::kSent);
  EXPECT_EQ(exchange.bytes_in, big.size());
  EXPECT_EQ(exchange.bytes_out, post.head.size() + 2 + post.body.size());
  EXPECT_EQ(exchange.log, "log of /length");
  EXPECT_GT(exchange.read_seconds, 0);
  EXPECT_EQ(handler_.budget.used(), 0u);
}

TEST_F(HttpServerTest, AnswersHttp10AndCloses) {
  TestClient client(Start());
  const ClientReply reply =
      client.Ask("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Field("connection"), "close");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  TestClient client(Start());
  std::string requests = Get("/waits");
  for (int i = 0; i < 50; ++i) requests += Post("/length", std::string(i * 100, 'x')) + Get("/g");
  requests += Get("/end", "Connection: close\r\n");
  ASSERT_TRUE(client.Send(requests));
  std::this_thread::sleep_for(50ms);
  handler_.TakeWaiting().reply({.body = "first"});
  EXPECT_EQ(client.Read().body, "first");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Read().body, std::to_string(i * 100));
    EXPECT_EQ(client.Read().body, "GET /g");
  }
  EXPECT_EQ(client.Read().body, "GET /end");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, TakesRequestsByteByByte) {
  TestClient client(Start());
  for (const char byte : Post("/length", "hello") + kChunkedPost + Chunk("abc") + "0\r\n\r\n") {
    ASSERT_TRUE(client.Send(std::string_view(&byte, 1)));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(client.Read().body, "5");
  EXPECT_EQ(client.Read().body, "3");
}

TEST_F(HttpServerTest, AnswersExpectationsByTheVerdict) {
  options_.max_body_bytes = 100;
  options_.drop_time = 200ms;
  const uint16_t port = Start();
  const auto head = [](const std::string& target, int size) {
    return "POST " + target + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " +
           std::to_string(size) + "\r\n\r\n";
  };
  TestClient good(port);
  EXPECT_EQ(good.Ask(head("/length", 5)).status, 100);
  EXPECT_EQ(good.Ask("hello").body, "5");
  EXPECT_EQ(good.Ask(head("/length", 5) + "hello").body, "5") << "did not wait";
  TestClient large(port);
  EXPECT_EQ(large.Ask(head("/length", 101)).status, 413);
  EXPECT_TRUE(large.IsClosed());
  TestClient refused(port);
  const Stopwatch watch;
  EXPECT_EQ(refused.Ask(head("/refused", 5)).status, 401);
  EXPECT_TRUE(refused.IsClosed());
  EXPECT_LT(watch.elapsed(), kLate);
}

TEST_F(HttpServerTest, StreamsRepliesAsFastAsTheyAreRead) {
  options_.reply_time = 20s;
  const uint16_t port = Start();
  TestClient client(port);
  const uint64_t size = 32 * kMegabyte + 5;
  const std::string target =
      "/stream?gives=" + std::to_string(size) + "&says=" + std::to_string(size);
  ASSERT_TRUE(client.Send(Get(target)));
  // What the system buffers for a client that does not read yet is far from everything.
  for (int last = -1; last != handler_.asked; std::this_thread::sleep_for(300ms)) {
    last = handler_.asked;
  }
  EXPECT_LT(handler_.asked, 300) << "of 513 chunks";
  const ClientReply reply = client.Read();
  EXPECT_EQ(reply.body, std::string(size, 's'));
  EXPECT_EQ(client.Ask(Get("/next")).status, 200);
}

TEST_F(HttpServerTest, CutsStreamsOfAnotherSizeThanAnnounced) {
  const uint16_t port = Start();
  TestClient few(port);
  EXPECT_EQ(few.Ask(Get("/stream?gives=70000&says=70001")).body.size(), 70'000u);
  EXPECT_TRUE(few.IsClosed());
  EXPECT_EQ(handler_.WaitForFinished(0).outcome, Outcome::kFailed);
  TestClient many(port);
  EXPECT_LT(many.Ask(Get("/stream?gives=70000&says=69999")).body.size(), 69'999u);
  EXPECT_TRUE(many.IsClosed());
  EXPECT_EQ(handler_.WaitForFinished(1).outcome, Outcome::kFailed);
}

// --- What handlers may do ------------------------------------------------------------------------

TEST_F(HttpServerTest, AnswersForHandlersThatFail) {
  TestClient client(Start());
  for (const char* const path : {"/throws", "/forgets", "/admit-throws", "/injects"}) {
    const ClientReply reply = client.Ask(Get(path));
    EXPECT_EQ(reply.status, 500) << path;
    EXPECT_NE(reply.body.find("\"server_error\""), std::string::npos) << reply.body;
    EXPECT_EQ(reply.Field("set-cookie"), "");
  }
  EXPECT_EQ(client.Ask(Get("/still-there")).status, 200);
}

TEST_F(HttpServerTest, TellsHandlersWhenClientsLeave) {
  const uint16_t port = Start();
  TestClient closes(port);
  closes.Send(Get("/waits"));
  const TestHandler::Waiting first = handler_.TakeWaiting();
  EXPECT_FALSE(first.request.client->gone());
  closes.Close();
  EXPECT_TRUE(handler_.WaitForGone(1));
  EXPECT_TRUE(first.request.client->gone());
  EXPECT_EQ(handler_.WaitForFinished(0).outcome, Outcome::kClientLeft);
  first.reply({});  // too late, and harmless

  TestClient resets(port);
  resets.Send(Get("/waits") + Get("/pipelined"));
  const TestHandler::Waiting second = handler_.TakeWaiting();
  resets.Reset();
  EXPECT_TRUE(handler_.WaitForGone(2));

  TestClient stays(port);
  stays.Send(Get("/waits"));
  const TestHandler::Waiting third = handler_.TakeWaiting();
  third.reply({.body = "done"});
  EXPECT_EQ(stays.Read().body, "done");
  stays.Close();
  WaitForConnections(0);
  EXPECT_FALSE(third.request.client->gone());
}

TEST_F(HttpServerTest, RepliesMayComeAfterTheEndOfTheServer) {
  const uint16_t port = Start();
  TestClient client(port);
  client.Send(Get("/waits"));
  TestHandler::Waiting waiting = handler_.TakeWaiting();
  server_->Stop();
  EXPECT_FALSE(Result()) << "a request was cut";
  thread_.join();
  EXPECT_EQ(handler_.WaitForFinished(0).outcome, Outcome::kStopped);
  server_.reset();
  waiting.reply({.body = "nobody"});
  waiting = {};
}

// --- Limits and what clients see of them ---------------------------------------------------------

TEST_F(HttpServerTest, RefusesBodiesThatNeverFitAndLetsClientsSeeIt) {
  options_.max_body_bytes = 4 * kMegabyte;
  const uint16_t port = Start();
  const std::string large(4 * kMegabyte + 1, 'x');
  TestClient announced(port);
  ASSERT_TRUE(announced.Send(Post("/length", large)));  // all of it before it looks
  EXPECT_EQ(announced.Read().status, 413);
  EXPECT_TRUE(announced.IsClosed());
  TestClient chunked(port);
  ASSERT_TRUE(chunked.Send(kChunkedPost + Chunk(large) + "0\r\n\r\n"));
  EXPECT_EQ(chunked.Read().status, 413);
  TestClient fits(port);
  EXPECT_EQ(fits.Ask(Post("/length", large.substr(1))).status, 200);
  TestClient number(port);
  EXPECT_EQ(number
                .Ask("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: "
                     "99999999999999999999999\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .status,
            413);
  EXPECT_TRUE(number.IsClosed()) << "what follows is a body, not a request";
  EXPECT_EQ(handler_.WaitForFinished(0).code, "body_too_large");
}

TEST_F(HttpServerTest, RefusesBodiesLargerThanTheBudget) {
  handler_.budget = options_.budget = MemoryBudget(kMegabyte);
  const uint16_t port = Start();
  TestClient single(port);
  EXPECT_EQ(single.Ask(Post("/length", std::string(kMegabyte, 'x'))).status, 200);
  TestClient twice(port);
  EXPECT_EQ(twice.Ask(Post("/double", std::string(kMegabyte / 2 + 1, 'x'))).status, 413);
}

TEST_F(HttpServerTest, RefusesBodiesForWhichThereIsNoRoomNow) {
  const uint16_t port = Start();
  auto taken = handler_.budget.Reserve(handler_.budget.capacity() - kMegabyte);
  const std::string body(9 * kMegabyte, 'x');  // more than drop_bytes
  TestClient announced(port);
  ASSERT_TRUE(announced.Send(Post("/length", body)));
  const ClientReply reply = announced.Read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Field("retry-after"), "1");
  TestClient chunked(port);
  ASSERT_TRUE(chunked.Send(kChunkedPost + Chunk(body) + "0\r\n\r\n"));
  EXPECT_EQ(chunked.Read().status, 503);
  TestClient small(port);
  EXPECT_EQ(small.Ask(Post("/length", "hello")).status, 200);
  taken.reset();
  TestClient later(port);
  EXPECT_EQ(later.Ask(Post("/length", body)).status, 200);
  EXPECT_EQ(handler_.budget.used(), 0u);
}

TEST_F(HttpServerTest, RefusesAtOnceBeforeTheBodyCame) {
  options_.drop_time = 100ms;
  options_.body_time = 100ms;
  TestClient client(Start());
  const Stopwatch watch;
  const ClientReply reply =
      client.Ask("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  EXPECT_EQ(reply.status, 401);
  EXPECT_LT(watch.elapsed(), 400ms);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, KeepsConnectionsOfSmallRefusedRequests) {
  TestClient client(Start());
  EXPECT_EQ(client.Ask(Get("/refused")).status, 401);
  EXPECT_EQ(client.Ask(Post("/refused", "hello") + Get("/next")).status, 401);
  EXPECT_EQ(client.Read().body, "GET /next");
  EXPECT_EQ(client.Ask("GET /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").status,
            400);
  EXPECT_EQ(client.Ask(Get("/next")).status, 200);
}

TEST_F(HttpServerTest, SlowReadersHoldTheBudgetUntilTheyAreCut) {
  options_.reply_time = 500ms;
  options_.bytes_per_second = 100 * kMegabyte;
  const uint16_t port = Start();
  std::vector<std::unique_ptr<TestClient>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(std::make_unique<TestClient>(port, 4096));
    slow.back()->Send(Get("/big"));
  }
  for (int i = 0; i < 500 && handler_.budget.used() < 32 * kMegabyte; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  const Stopwatch watch;
  TestClient next(port);
  EXPECT_EQ(next.Ask(Get("/big")).status, 503);
  EXPECT_EQ(next.Ask(Get("/others")).status, 200);
  for (size_t i = 0; i < 6; ++i) handler_.WaitForFinished(i);
  EXPECT_GE(watch.elapsed(), 300ms);
  EXPECT_LT(watch.elapsed(), 600ms + kLate);
  EXPECT_EQ(handler_.WaitForFinished(3).outcome, Outcome::kDeadline);
  EXPECT_EQ(handler_.budget.used(), 0u);
  EXPECT_EQ(next.Ask(Get("/big")).body.size(), 8 * kMegabyte);
}

TEST_F(HttpServerTest, TellsClientsForWhomThereIsNoRoom) {
  options_.max_connections = 2;
  const uint16_t port = Start();
  TestClient first(port);
  TestClient second(port);
  first.Send(Get("/waits"));
  second.Send(Get("/waits"));
  const TestHandler::Waiting one = handler_.TakeWaiting();
  const TestHandler::Waiting two = handler_.TakeWaiting();
  TestClient third(port);
  const ClientReply reply = third.Ask(Get("/a"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Field("retry-after"), "1");
  EXPECT_EQ(handler_.WaitForFinished(0).code, "too_many_connections");
  EXPECT_TRUE(third.IsClosed());
  EXPECT_EQ(server_->statistics().turned_away, 1u);
  one.reply({.body = "one"});
  EXPECT_EQ(first.Read().body, "one");
  handler_.WaitForFinished(1);
  for (int i = 0; i < 1000 && server_->statistics().idle_connections == 0; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  TestClient fourth(port);  // in the place of the first, which is idle
  EXPECT_EQ(fourth.Ask(Get("/a")).status, 200);
  EXPECT_TRUE(first.IsClosed());
  two.reply({.body = "two"});
  EXPECT_EQ(second.Read().body, "two");
}

TEST_F(HttpServerTest, MoreClientsThanCanBeTurnedAwayAtOnceAreStillAnswered) {
  options_.max_connections = 1;
  const uint16_t port = Start();
  TestClient first(port);
  first.Send(Get("/waits"));
  const TestHandler::Waiting waiting = handler_.TakeWaiting();
  std::list<TestClient> crowd;
  for (int i = 0; i < 150; ++i) crowd.emplace_back(port);
  for (TestClient& client : crowd) EXPECT_EQ(client.Ask(Get("/a")).status, 503);
  waiting.reply({});
}

/// An address of this machine that is not a loopback one, or "".
std::string OtherAddress() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return "";
  std::string address;
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(entry->ifa_addr)->sin_addr, text,
              sizeof(text));
    if (!std::string_view(text).starts_with("127.")) address = text;
  }
  freeifaddrs(list);
  return address;
}

TEST_F(HttpServerTest, LimitsTheConnectionsOfOneAddress) {
  const std::string address = OtherAddress();
  if (address.empty()) GTEST_SKIP() << "no other address than loopback ones";
  options_.address = "0.0.0.0";
  options_.max_connections_per_address = 1;
  const uint16_t port = Start();
  TestClient first(port, 0, address);
  EXPECT_EQ(first.Ask(Get("/a")).status, 200);
  EXPECT_EQ(handler_.WaitForFinished(0).head.client, address);
  TestClient second(port, 0, address);
  EXPECT_EQ(second.Ask(Get("/a")).status, 503);
  TestClient loopback(port);
  TestClient also_loopback(port);
  EXPECT_EQ(loopback.Ask(Get("/a")).status, 200);
  EXPECT_EQ(also_loopback.Ask(Get("/a")).status, 200);
  first.Close();
  WaitForConnections(2);
  TestClient third(port, 0, address);
  EXPECT_EQ(third.Ask(Get("/a")).status, 200);
}

// --- Deadlines -----------------------------------------------------------------------------------

/// Sends `bytes` one every 20 ms until the connection ends. Returns how long that took.
milliseconds Drip(TestClient& client, char byte) {
  const Stopwatch watch;
  while (watch.elapsed() < 10s && client.Send(std::string_view(&byte, 1))) {
    std::this_thread::sleep_for(20ms);
  }
  return watch.elapsed();
}

TEST_F(HttpServerTest, CutsSlowHeadersWhileOthersAreServed) {
  options_.header_time = 400ms;
  const uint16_t port = Start();
  std::list<TestClient> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(port);
    slow.back().Send("GET / HTTP/1.1\r\nX-Slow: ");
  }
  const Stopwatch watch;
  TestClient good(port);
  while (watch.elapsed() < 300ms) {
    EXPECT_EQ(good.Ask(Get("/a")).status, 200);
    for (TestClient& client : slow) EXPECT_TRUE(client.Send("x"));
    std::this_thread::sleep_for(50ms);
  }
  WaitForConnections(1);
  EXPECT_GE(watch.elapsed(), 350ms);
  EXPECT_LT(watch.elapsed(), 400ms + kLate);
  EXPECT_EQ(good.Ask(Get("/a")).status, 200);
}

TEST_F(HttpServerTest, TellsClientsThatTheyAreTooSlow) {
  options_.header_time = 200ms;
  options_.body_time = 300ms;
  const uint16_t port = Start();
  TestClient header(port);
  EXPECT_EQ(header.Ask("GET / HTTP/1.1\r\n").status, 408);
  EXPECT_TRUE(header.IsClosed());
  EXPECT_EQ(handler_.WaitForFinished(0).outcome, Outcome::kDeadline);
  EXPECT_EQ(handler_.WaitForFinished(0).code, "header_timeout");
  TestClient body(port);
  EXPECT_EQ(body.Ask("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell").status,
            408);
  EXPECT_EQ(handler_.WaitForFinished(1).code, "body_timeout");
  EXPECT_EQ(handler_.WaitForFinished(1).bytes_in, 4u);
}

TEST_F(HttpServerTest, CutsSlowBodies) {
  options_.body_time = 400ms;
  options_.bytes_per_second = 1000;
  const uint16_t port = Start();
  TestClient announced(port);
  announced.Send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n");
  EXPECT_GE(Drip(announced, 'x'), 550ms) << "400 + 200";
  TestClient chunked(port);
  chunked.Send(kChunkedPost);
  const milliseconds took = Drip(chunked, '0');
  EXPECT_GE(took, 380ms);
  EXPECT_LT(took, 400ms + kLate);
  TestClient chunks(port);
  chunks.Send(kChunkedPost + Chunk(std::string(300, 'x')) + "1\r\n");
  EXPECT_GE(Drip(chunks, '\r'), 20ms);  // broken at once, and told so
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(handler_.WaitForFinished(i).outcome, Outcome::kDeadline);
}

TEST_F(HttpServerTest, ClosesSilentConnections) {
  options_.header_time = 200ms;
  options_.keep_alive_time = 400ms;
  const uint16_t port = Start();
  const Stopwatch watch;
  TestClient silent(port);
  EXPECT_TRUE(silent.IsClosed());
  EXPECT_GE(watch.elapsed(), 180ms);
  EXPECT_LT(watch.elapsed(), 200ms + kLate);

  TestClient kept(port);
  EXPECT_EQ(kept.Ask(Get("/a")).status, 200);
  std::this_thread::sleep_for(300ms);  // longer than a header may take
  EXPECT_EQ(kept.Ask(Get("/a")).status, 200);
  const Stopwatch idle;
  EXPECT_TRUE(kept.IsClosed());
  EXPECT_GE(idle.elapsed(), 380ms);
  EXPECT_LT(idle.elapsed(), 400ms + kLate);
}

TEST_F(HttpServerTest, HeadersOfKeptConnectionsHaveADeadlineFromTheirFirstByte) {
  options_.header_time = 300ms;
  options_.keep_alive_time = 5s;
  TestClient client(Start());
  EXPECT_EQ(client.Ask(Get("/a")).status, 200);
  std::this_thread::sleep_for(400ms);
  const Stopwatch watch;
  EXPECT_EQ(client.Ask("GET /a HTTP/1.1\r\n").status, 408);
  EXPECT_GE(watch.elapsed(), 280ms);
  EXPECT_LT(watch.elapsed(), 300ms + kLate);
}

TEST_F(HttpServerTest, ComputingHasNoDeadline) {
  options_.header_time = options_.body_time = options_.reply_time = options_.keep_alive_time =
      100ms;
  TestClient client(Start());
  client.Send(Get("/waits"));
  const TestHandler::Waiting waiting = handler_.TakeWaiting();
  std::this_thread::sleep_for(300ms);
  waiting.reply({.body = "done"});
  EXPECT_EQ(client.Read().body, "done");
}

// --- The end -------------------------------------------------------------------------------------

TEST_F(HttpServerTest, DrainFinishesWhatWasAccepted) {
  const uint16_t port = Start();
  TestClient computing(port);
  computing.Send(Get("/waits") + Get("/pipelined"));
  const TestHandler::Waiting waiting = handler_.TakeWaiting();
  TestClient sending(port);
  sending.Send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  TestClient reading(port, 4096);
  reading.Send(Get("/big"));
  TestClient busy(port);
  EXPECT_EQ(busy.Ask(Get("/a")).status, 200);
  TestClient idle(port);
  EXPECT_EQ(idle.Ask(Get("/a")).status, 200);
  std::this_thread::sleep_for(100ms);

  server_->Drain(20s);
  const ClientReply refused = busy.Ask(Get("/late"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.Field("retry-after"), "");
  EXPECT_TRUE(busy.IsClosed());
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_FALSE(TestClient(port).is_connected());
  EXPECT_EQ(sending.Ask("lo").body, "5");
  waiting.reply({.body = "done"});
  const ClientReply done = computing.Read();
  EXPECT_EQ(done.body, "done");
  EXPECT_EQ(done.Field("connection"), "close");
  computing.Close();
  EXPECT_EQ(reading.Read().body.size(), 8 * kMegabyte);
  EXPECT_TRUE(Result());
}

TEST_F(HttpServerTest, DrainEndsAtItsLimit) {
  const uint16_t port = Start();
  TestClient client(port);
  client.Send(Get("/waits"));
  const TestHandler::Waiting waiting = handler_.TakeWaiting();
  const Stopwatch watch;
  server_->Drain(300ms);
  EXPECT_FALSE(Result());
  EXPECT_GE(watch.elapsed(), 280ms);
  EXPECT_LT(watch.elapsed(), 300ms + kLate);
  EXPECT_TRUE(client.IsClosed());
  EXPECT_TRUE(handler_.WaitForGone());
}

TEST_F(HttpServerTest, DrainWithoutConnectionsEndsAtOnce) {
  Start();
  const Stopwatch watch;
  server_->Drain(20s);
  EXPECT_TRUE(Result());
  EXPECT_LT(watch.elapsed(), kLate);
}

TEST_F(HttpServerTest, DrainUnderLoadLosesNothing) {
  const uint16_t port = Start();
  std::atomic<int> good = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      TestClient client(port);
      for (;;) {
        if (!client.Send(Post("/length", "hello"))) return;
        const ClientReply reply = client.Read();
        if (reply.status == 503) return;
        reply.body == "5" ? ++good : ++lost;
        if (reply.Field("connection") == "close") return;
      }
    });
  }
  std::this_thread::sleep_for(200ms);
  server_->Drain(10s);
  EXPECT_TRUE(Result());
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(good, 8);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  const uint16_t port = Start();
  TestHandler handler;
  HttpServerOptions options;
  options.port = port;
  ExpectError(ErrorCode::kIo, {"127.0.0.1", std::to_string(port), "in use"},
              [&] { HttpServer(options, handler); });
  options.address = "192.0.2.1";  // for documentation: nobody has it
  ExpectError(ErrorCode::kIo, {"192.0.2.1"}, [&] { HttpServer(options, handler); });
  options.address = "localhost";
  ExpectError(ErrorCode::kInvalidArgument, {"localhost", "IP address"},
              [&] { HttpServer(options, handler); });
}

// --- Bad requests --------------------------------------------------------------------------------

struct BadRequest {
  const char* name;
  std::string bytes;
  int status;
};

std::vector<BadRequest> BadRequests() {
  using namespace std::literals;
  const auto get = [](const std::string& fields) { return Get("/", fields); };
  const auto post = [](const std::string& fields) {
    return "POST /length HTTP/1.1\r\nHost: a\r\n" + fields + "\r\nhello";
  };
  const auto line = [](const std::string& first) { return first + "\r\nHost: a\r\n\r\n"; };
  const auto chunks = [](const std::string& bytes) { return kChunkedPost + bytes; };
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "A: b\r\n";
  return {
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", get("Host: evil.example\r\n"), 400},
      {"two equal hosts", get("Host: localhost\r\n"), 400},
      {"folded line", get("A: b\r\n c\r\n"), 400},
      {"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"blank before colon", post("Content-Length : 5\r\n"), 400},
      {"no colon", get("Abc\r\n"), 400},
      {"no name", get(": a\r\n"), 400},
      {"NUL in a value", get("A: b\0c\r\n"s), 400},
      {"NUL in a name", get("A\0: b\r\n"s), 400},
      {"NUL in the target", line("GET /\0 HTTP/1.1"s), 400},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"one bare LF", "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", 400},
      {"bare CR", "GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n", 400},
      {"bytes above ASCII in a value", get("A: \xC3\xA4\r\n"), 400},
      {"bytes above ASCII in the target", line("GET /\xC3\xA4 HTTP/1.1"), 400},
      {"escape in a value", get("A: \x1B[2J\r\n"), 400},
      {"two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n"), 400},
      {"negative length", post("Content-Length: -1\r\n"), 400},
      {"length with a sign", post("Content-Length: +5\r\n"), 400},
      {"hexadecimal length", post("Content-Length: 0x5\r\n"), 400},
      {"length with text", post("Content-Length: 5x\r\n"), 400},
      {"empty length", post("Content-Length:\r\n"), 400},
      {"length beyond 64 bits", post("Content-Length: 18446744073709551621\r\n"), 413},
      {"length at 64 bits", post("Content-Length: 18446744073709551615\r\n"), 413},
      {"length too large", post("Content-Length: 30000000\r\n"), 413},
      {"length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {"two encodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400},
      {"gzip", post("Transfer-Encoding: gzip\r\n"), 501},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n"), 501},
      {"chunked with a tab before", post("Transfer-Encoding:\tchunked, \r\n"), 501},
      {"chunks in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunk size of text", chunks("zz\r\nhello\r\n0\r\n\r\n"), 400},
      {"negative chunk size", chunks("-1\r\nhello\r\n0\r\n\r\n"), 400},
      {"chunk size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"chunk size beyond 64 bits", chunks("ffffffffffffffffff\r\nhello\r\n"), 400},
      {"chunk without end", chunks("5\r\nhelloXX0\r\n\r\n"), 400},
      {"chunk size after a blank", chunks(" 5\r\nhello\r\n0\r\n\r\n"), 400},
      {"endless chunk extension", chunks("5;a=" + std::string(20'000, 'a')), 400},
      {"header of 100 kB", get("A: " + std::string(100'000, 'a') + "\r\n"), 431},
      {"target of 100 kB", line("GET /" + std::string(100'000, 'a') + " HTTP/1.1"), 431},
      {"target of 9 kB", line("GET /" + std::string(9'000, 'a') + " HTTP/1.1"), 400},
      {"2000 fields", get(many), 431},
      {"absolute target", line("GET http://localhost/ HTTP/1.1"), 400},
      {"target *", line("OPTIONS * HTTP/1.1"), 400},
      {"target without slash", line("GET health HTTP/1.1"), 400},
      {"target upwards", line("GET /a/../../etc/passwd HTTP/1.1"), 400},
      {"target upwards, encoded", line("GET /%2e%2e/etc/passwd HTTP/1.1"), 400},
      {"encoded slash", line("GET /..%2fetc HTTP/1.1"), 400},
      {"encoded NUL", line("GET /a%00b HTTP/1.1"), 400},
      {"encoded line end", line("GET /a%0d%0ab HTTP/1.1"), 400},
      {"bad UTF-8", line("GET /%c0%af HTTP/1.1"), 400},
      {"half an escape", line("GET /%2 HTTP/1.1"), 400},
      {"fragment", line("GET /#a HTTP/1.1"), 400},
      {"blanks in the target", line("GET /a b HTTP/1.1"), 400},
      {"two blanks", line("GET  / HTTP/1.1"), 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/9.9", line("GET / HTTP/9.9"), 505},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version in small letters", line("GET / http/1.1"), 400},
      {"TRACE", line("TRACE / HTTP/1.1"), 405},
      {"CONNECT", line("CONNECT localhost:80 HTTP/1.1"), 405},
      {"method of punctuation", line("G@T / HTTP/1.1"), 400},
      {"empty lines", "\r\n\r\n\r\n\r\n", 400},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00"s, 400},
      {"another expectation", post("Content-Length: 5\r\nExpect: gold\r\n"), 417},
      {"a body for GET", Get("/", "Content-Length: 5\r\n") + "hello", 400},
  };
}

TEST_F(HttpServerTest, RefusesBadRequestsAndServesOn) {
  options_.drop_time = 100ms;
  options_.header_time = 2s;
  const uint16_t port = Start();
  const auto requests = BadRequests();
  EXPECT_GE(requests.size(), 40u);
  for (const BadRequest& request : requests) {
    const Stopwatch watch;
    TestClient client(port);
    client.Send(request.bytes);
    const ClientReply reply = client.Read();
    EXPECT_EQ(reply.status, request.status) << request.name;
    EXPECT_NE(reply.body.find("{\"error\":{\"message\":\""), std::string::npos) << request.name;
    EXPECT_EQ(reply.body.find("evil"), std::string::npos);
    EXPECT_LT(watch.elapsed(), kLate) << request.name;
  }
  EXPECT_EQ(TestClient(port).Ask(Get("/a")).status, 200);
  EXPECT_EQ(handler_.budget.used(), 0u);
}

}  // namespace
}  // namespace siglip::server
