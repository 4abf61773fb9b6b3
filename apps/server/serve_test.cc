#include "server/serve.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/test_client.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

/// A service whose model never comes, which is asked while it waits for that.
class ServeTest : public testing::Test {
 protected:
  ServeTest() { options_.http.port = 0; }

  Embedder Load() {
    const std::string& line = said_.back();
    const size_t end = line.find("/ready");
    const size_t colon = line.rfind(':', end);
    port_ = static_cast<uint16_t>(std::stoi(line.substr(colon + 1, end - colon - 1)));
    for (const std::string& request : requests_) {
      TestClient client(port_);
      replies_.push_back(client.Ask(request));
    }
    throw Error(ErrorCode::kNotFound, "no model");
  }

  /// What Serve throws.
  std::string Serve() {
    const ServeSignals signals = {.stop = stop_,
                                  .reload = reload_,
                                  .say = [&](std::string_view line) { said_.emplace_back(line); }};
    try {
      server::Serve(options_, signals, [&] { return Load(); });
    } catch (const Error& error) {
      return error.message();
    }
    return {};
  }

  ServeOptions options_;
  std::vector<std::string> requests_;
  std::vector<ClientReply> replies_;
  std::vector<std::string> said_;
  uint16_t port_ = 0;

 private:
  const std::atomic<bool> stop_ = false;
  std::atomic<bool> reload_ = false;
};

TEST_F(ServeTest, AnswersWhileTheModelIsLoaded) {
  requests_ = {
      "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 13\r\n\r\n{\"input\":\"a\"}",
      "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /health HTTP/1.1\r\nHost: example.org\r\n\r\n"};
  EXPECT_EQ(Serve(), "no model");
  ASSERT_EQ(replies_.size(), requests_.size());
  std::vector<int> statuses;
  for (const ClientReply& reply : replies_) statuses.push_back(reply.status);
  EXPECT_EQ(statuses, (std::vector<int>{200, 503, 503, 503, 404, 421}));
  EXPECT_EQ(replies_[0].body, "{\"status\":\"ok\"}\n");
  EXPECT_NE(replies_[1].body.find("\"message\":\"loading\""), std::string::npos)
      << replies_[1].body;
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_NE(replies_[i].body.find("\"not_ready\""), std::string::npos) << replies_[i].body;
    EXPECT_NE(replies_[i].Field("retry-after"), "");
  }
  EXPECT_FALSE(TestClient(port_).is_connected());
}

class Unasked : public HttpHandler {
  Admission Admit(const RequestHead&) override { return {}; }
  void Handle(HttpRequest, std::function<void(Reply)>) override {}
};

TEST_F(ServeTest, ListensBeforeTheModelIsLoaded) {
  Unasked unasked;
  const HttpServer other({.address = "127.0.0.1", .port = 0}, unasked);
  options_.http.port = other.port();
  const std::string told = Serve();
  EXPECT_NE(told.find(std::to_string(other.port())), std::string::npos) << told;
  EXPECT_EQ(said_.size(), 0);
}

}  // namespace
}  // namespace siglip::server
