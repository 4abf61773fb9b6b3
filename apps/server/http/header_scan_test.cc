#include "server/http/header_scan.h"

#include <gtest/gtest.h>

#include <limits>

namespace siglip::server {
namespace {

std::string Block(const std::string& first_line, const std::string& fields) {
  return first_line + "\r\n" + fields + "\r\n";
}

ScannedHeader Good(const std::string& block) {
  auto scanned = ScanHeader(block);
  if (const auto* const fault = std::get_if<HeaderFault>(&scanned)) {
    ADD_FAILURE() << fault->status << " " << fault->message << ": " << block;
    return {};
  }
  return std::get<ScannedHeader>(scanned);
}

/// The status of the fault; 0 if there is none.
int StatusOf(const std::string& block) {
  const auto scanned = ScanHeader(block);
  const auto* const fault = std::get_if<HeaderFault>(&scanned);
  return fault ? fault->status : 0;
}

int StatusOfFields(const std::string& fields) {
  return StatusOf(Block("POST / HTTP/1.1", "Host: a\r\n" + fields));
}

TEST(HeaderScanTest, ReadsAHeader) {
  const ScannedHeader header =
      Good(Block("POST /v1/search?a=b HTTP/1.1",
                 "Host: localhost:80\r\nContent-Length:12\r\nX-Empty:\r\nAccept: \t a, b \t\r\n"));
  EXPECT_EQ(header.head.method, "POST");
  EXPECT_EQ(header.head.target, "/v1/search?a=b");
  EXPECT_EQ(header.head.resource.path, "/v1/search");
  EXPECT_EQ(*header.head.Find("host"), "localhost:80");
  EXPECT_EQ(*header.head.Find("x-empty"), "");
  EXPECT_EQ(*header.head.Find("accept"), "a, b");
  EXPECT_EQ(header.head.Find("Accept"), nullptr);
  EXPECT_EQ(header.content_length, 12u);
  EXPECT_FALSE(header.chunked);
  EXPECT_TRUE(header.keep_alive);
  EXPECT_FALSE(header.expects_continue);
}

TEST(HeaderScanTest, ReadsHowTheBodyComes) {
  const ScannedHeader chunked = Good(Block(
      "POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n"));
  EXPECT_TRUE(chunked.chunked);
  EXPECT_FALSE(chunked.content_length);
  EXPECT_TRUE(chunked.expects_continue);
  const ScannedHeader huge =
      Good(Block("POST / HTTP/1.1", "Host: a\r\nContent-Length: 99999999999999999999999\r\n"));
  EXPECT_EQ(huge.content_length, std::numeric_limits<uint64_t>::max());
}

TEST(HeaderScanTest, KnowsWhichConnectionsAreKept) {
  const auto kept = [](const std::string& version, const std::string& fields) {
    return Good(Block("GET / HTTP/" + version, "Host: a\r\n" + fields)).keep_alive;
  };
  EXPECT_TRUE(kept("1.1", ""));
  EXPECT_TRUE(kept("1.1", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(kept("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(kept("1.1", "Connection: keep-alive\r\nConnection: te , close\r\n"));
  EXPECT_FALSE(kept("1.0", ""));
  EXPECT_FALSE(kept("1.0", "Connection: keep-alive\r\n"));
}

TEST(HeaderScanTest, RefusesFirstLines) {
  const auto status = [](const std::string& line) { return StatusOf(Block(line, "Host: a\r\n")); };
  EXPECT_EQ(status("GET / HTTP/1.1"), 0);
  for (const char* const line : {"GET  / HTTP/1.1",
                                 "GET /",
                                 "GET",
                                 "",
                                 " GET / HTTP/1.1",
                                 "GET / HTTP/1.1 ",
                                 "GET / a HTTP/1.1",
                                 "GET\t/\tHTTP/1.1",
                                 "G(T / HTTP/1.1",
                                 "GET / http/1.1",
                                 "GET / HTTP/1",
                                 "GET / HTTP/11",
                                 "GET / HTTP/a.b",
                                 "GET / HTTP/1.10",
                                 "GET a HTTP/1.1",
                                 "GET http://localhost/ HTTP/1.1",
                                 "OPTIONS * HTTP/1.1",
                                 "GET /#a HTTP/1.1",
                                 "GET /%zz HTTP/1.1",
                                 "GET /../a HTTP/1.1",
                                 "GET /%00 HTTP/1.1",
                                 "GET /a\x80 HTTP/1.1",
                                 "GET /a\tb HTTP/1.1"}) {
    EXPECT_EQ(status(line), 400) << line;
  }
  EXPECT_EQ(status("TRACE / HTTP/1.1"), 405);
  EXPECT_EQ(status("CONNECT a:80 HTTP/1.1"), 405);
  EXPECT_EQ(status("GET / HTTP/2.0"), 505);
  EXPECT_EQ(status("PRI * HTTP/2.0"), 505);
  EXPECT_EQ(status("GET / HTTP/1.2"), 505);
  EXPECT_EQ(status("GET / HTTP/0.9"), 505);
  EXPECT_EQ(status("GET /" + std::string(kMaxTargetBytes - 1, 'a') + " HTTP/1.1"), 0);
  EXPECT_EQ(status("GET /" + std::string(kMaxTargetBytes, 'a') + " HTTP/1.1"), 400);
}

TEST(HeaderScanTest, RefusesFields) {
  EXPECT_EQ(StatusOfFields("A: b\r\n"), 0);
  for (const char* const fields :
       {" folded: a\r\n", "A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A : b\r\n", "A\t: b\r\n", ": b\r\n",
        "A\r\n", "A(: b\r\n", "A: b\x7F\r\n", "A: b\x80\r\n", "A: b\x01\r\n"}) {
    EXPECT_EQ(StatusOfFields(fields), 400) << fields;
  }
  EXPECT_EQ(StatusOfFields(std::string("A: b\0\r\n", 7)), 400);
  EXPECT_EQ(StatusOf(Block("GET / HTTP/1.1", "A: b\r\n")), 400) << "no Host";
  EXPECT_EQ(StatusOf(Block("GET / HTTP/1.0", "A: b\r\n")), 400) << "no Host";
}

TEST(HeaderScanTest, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* const fields :
       {"HOST: a\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\ncontent-length: 2\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n", "Origin: a\r\nOrigin: a\r\n",
        "Authorization: a\r\nAuthorization: b\r\n", "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length:\r\n",
        "Content-Length: 1 1\r\n", "Content-Length: 0x1\r\n", "Content-Length: 1a\r\n"}) {
    EXPECT_EQ(StatusOfFields(fields), 400) << fields;
  }
  for (const char* const encoding :
       {"gzip", "xchunked", "chunked, chunked", "gzip, chunked", "chunked;q=1", "identity", ""}) {
    EXPECT_EQ(StatusOfFields("Transfer-Encoding: " + std::string(encoding) + "\r\n"), 501)
        << encoding;
  }
  EXPECT_EQ(StatusOf(Block("POST / HTTP/1.0", "Host: a\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(StatusOfFields("Expect: 200-ok\r\n"), 417);
}

TEST(HeaderScanTest, CountsFields) {
  std::string fields;  // and Host
  for (size_t i = 1; i < kMaxFields; ++i) fields += "A: b\r\n";
  EXPECT_EQ(StatusOfFields(fields), 0);
  EXPECT_EQ(StatusOfFields(fields + "A: b\r\n"), 431);
}

TEST(HeaderScanTest, WantsWholeBlocks) {
  EXPECT_EQ(StatusOf(""), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\r\n\r\nx"), 400);
}

TEST(FindHeaderEndTest, FindsTheEndHoweverTheBytesCome) {
  const std::string block = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string bytes = block + "\n\0body";
  size_t seen = 0;
  for (size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(FindHeaderEnd(bytes.substr(0, size), seen).index(), 0u) << size;
    EXPECT_EQ(seen, size);
  }
  EXPECT_EQ(std::get<size_t>(FindHeaderEnd(bytes, seen)), block.size());
  seen = 0;
  EXPECT_EQ(std::get<size_t>(FindHeaderEnd(bytes, seen)), block.size());
}

TEST(FindHeaderEndTest, SeesBadBytesAtOnce) {
  using namespace std::literals;
  for (const std::string& bytes : {"\n"s, "GET\n"s, "GET /\rX"s, "\r\r"s, "A\0"s, "A\x80"s,
                                   "\x16\x03\x01"s, "A\x7F"s, "A\x1B"s}) {
    size_t seen = 0;
    const auto end = FindHeaderEnd(bytes, seen);
    ASSERT_TRUE(std::holds_alternative<HeaderFault>(end)) << testing::PrintToString(bytes);
    EXPECT_EQ(std::get<HeaderFault>(end).status, 400);
  }
}

TEST(FindHeaderEndTest, LimitsTheHeader) {
  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string fits =
      start + std::string(kMaxHeaderBytes - start.size() - 4, 'a') + "\r\n\r\n";
  size_t seen = 0;
  EXPECT_EQ(std::get<size_t>(FindHeaderEnd(fits, seen)), kMaxHeaderBytes);
  seen = 0;
  const auto end = FindHeaderEnd("B" + fits, seen);
  ASSERT_TRUE(std::holds_alternative<HeaderFault>(end));
  EXPECT_EQ(std::get<HeaderFault>(end).status, 431);
}

}  // namespace
}  // namespace siglip::server
