// Limits, deadlines, and what clients see of them.
#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <list>
#include <memory>
#include <vector>

#include "server/http/http_server_fixture.h"

namespace siglip::server {
namespace {

using HttpLimitsTest = HttpServerTest;

// --- Limits and what clients see of them ---

TEST_F(HttpLimitsTest, RefusesBodiesThatNeverFitAndLetsClientsSeeIt) {
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

TEST_F(HttpLimitsTest, RefusesBodiesLargerThanTheBudget) {
  handler_.budget = options_.budget = MemoryBudget(kMegabyte);
  const uint16_t port = Start();
  TestClient single(port);
  EXPECT_EQ(single.Ask(Post("/length", std::string(kMegabyte, 'x'))).status, 200);
  TestClient twice(port);
  EXPECT_EQ(twice.Ask(Post("/double", std::string(kMegabyte / 2 + 1, 'x'))).status, 413);
}

TEST_F(HttpLimitsTest, RefusesBodiesForWhichThereIsNoRoomNow) {
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
  TestClient sending(port);
  ASSERT_TRUE(sending.Send(kChunkedPost + Chunk(std::string(2 * kMegabyte, 'x'))));
  EXPECT_EQ(sending.Read().status, 503);
  EXPECT_EQ(handler_.budget.used(), taken->bytes()) << "also while the rest is dropped";
  TestClient small(port);
  EXPECT_EQ(small.Ask(Post("/length", "hello")).status, 200);
  taken.reset();
  TestClient later(port);
  EXPECT_EQ(later.Ask(Post("/length", body)).status, 200);
  EXPECT_EQ(handler_.budget.used(), 0u);
}

TEST_F(HttpLimitsTest, RefusesAtOnceBeforeTheBodyCame) {
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

TEST_F(HttpLimitsTest, KeepsConnectionsOfSmallRefusedRequests) {
  TestClient client(Start());
  EXPECT_EQ(client.Ask(Get("/refused")).status, 401);
  EXPECT_EQ(client.Ask(Post("/refused", "hello") + Get("/next")).status, 401);
  EXPECT_EQ(client.Read().body, "GET /next");
  EXPECT_EQ(client.Ask("GET /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").status,
            400);
  EXPECT_EQ(client.Ask(Get("/next")).status, 200);
}

TEST_F(HttpLimitsTest, SlowReadersHoldTheBudgetUntilTheyAreCut) {
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

TEST_F(HttpLimitsTest, TellsClientsForWhomThereIsNoRoom) {
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

TEST_F(HttpLimitsTest, ClientsThatSayNothingMakeRoom) {
  options_.max_connections = 2;
  const uint16_t port = Start();
  std::list<TestClient> silent;
  for (int i = 0; i < 100; ++i) silent.emplace_back(port);
  const Stopwatch watch;
  TestClient good(port);
  EXPECT_EQ(good.Ask(Get("/a")).status, 200);
  EXPECT_LT(watch.elapsed(), kLate);
  EXPECT_TRUE(silent.front().IsClosed());
}

TEST_F(HttpLimitsTest, MoreClientsThanCanBeTurnedAwayAtOnceAreStillAnswered) {
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

TEST_F(HttpLimitsTest, LimitsTheConnectionsOfOneAddress) {
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

// --- Deadlines ---

/// Sends `bytes` one every 20 ms until the connection ends. Returns how long that took.
milliseconds Drip(TestClient& client, char byte) {
  const Stopwatch watch;
  while (watch.elapsed() < 10s && client.Send(std::string_view(&byte, 1))) {
    std::this_thread::sleep_for(20ms);
  }
  return watch.elapsed();
}

TEST_F(HttpLimitsTest, CutsSlowHeadersWhileOthersAreServed) {
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

TEST_F(HttpLimitsTest, TellsClientsThatTheyAreTooSlow) {
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

TEST_F(HttpLimitsTest, CutsSlowBodies) {
  options_.body_time = 400ms;
  options_.bytes_per_second = 1000;
  options_.drop_time = 100ms;
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

TEST_F(HttpLimitsTest, ClosesSilentConnections) {
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

TEST_F(HttpLimitsTest, HeadersOfKeptConnectionsHaveADeadlineFromTheirFirstByte) {
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

TEST_F(HttpLimitsTest, ComputingHasNoDeadline) {
  options_.header_time = options_.body_time = options_.reply_time = options_.keep_alive_time =
      100ms;
  TestClient client(Start());
  client.Send(Get("/waits"));
  const TestHandler::Waiting waiting = handler_.TakeWaiting();
  std::this_thread::sleep_for(300ms);
  waiting.reply({.body = "done"});
  EXPECT_EQ(client.Read().body, "done");
}

}  // namespace
}  // namespace siglip::server
