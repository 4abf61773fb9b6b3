// Requests that break the rules: each is refused, none hurts.
#include <gtest/gtest.h>

#include <vector>

#include "server/http/http_server_fixture.h"

namespace siglip::server {
namespace {

using HttpBadRequestsTest = HttpServerTest;

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

TEST_F(HttpBadRequestsTest, RefusesBadRequestsAndServesOn) {
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
