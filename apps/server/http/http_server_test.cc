// What good clients and handlers see.
#include "server/http/http_server.h"

#include <set>

#include "expect_error.h"
#include "server/http/http_server_fixture.h"

namespace siglip::server {
namespace {

// --- What good clients see ---

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

// --- What handlers may do ---

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

// --- The end ---

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

TEST_F(HttpServerTest, DrainAnswersThoseWhoAreConnectedAlready) {
  server_ = std::make_unique<HttpServer>(options_, handler_);
  TestClient client(server_->port());
  client.Send(Get("/a"));
  server_->Drain(20s);
  thread_ = std::thread([this] { result_.set_value(server_->Run()); });
  EXPECT_EQ(client.Read().status, 503);
  EXPECT_TRUE(Result());
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

}  // namespace
}  // namespace siglip::server
