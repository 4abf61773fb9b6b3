#include "server/http/http_body_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace siglip::server {
namespace {

using Result = HttpBodyParser::Result;

constexpr std::string_view kChunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Parsed {
  Result result = Result::kMore;
  std::string body;
  std::string rest;
};

/// Gives the parser `step` more bytes at a time.
Parsed Parse(std::string_view header, std::string_view bytes, size_t step) {
  HttpBodyParser parser;
  EXPECT_TRUE(parser.Begin(header));
  Parsed parsed;
  while (parsed.result == Result::kMore && !(bytes.empty() && parsed.rest.empty())) {
    parsed.rest += bytes.substr(0, step);
    const bool was_last = bytes.size() <= step;
    bytes.remove_prefix(std::min(step, bytes.size()));
    std::string_view unread = parsed.rest;
    parsed.result = parser.Parse(unread, [&](std::string_view piece) {
      parsed.body += piece;
      return true;
    });
    parsed.rest = std::string(unread);
    if (was_last) break;
  }
  EXPECT_EQ(parser.is_whole(), parsed.result == Result::kWhole);
  parsed.rest += bytes;
  return parsed;
}

TEST(HttpBodyParserTest, ReadsAKnownLength) {
  for (const size_t step : {1, 3, 100}) {
    const Parsed parsed = Parse("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "helloGET", step);
    EXPECT_EQ(parsed.result, Result::kWhole);
    EXPECT_EQ(parsed.body, "hello");
    EXPECT_EQ(parsed.rest, "GET");
  }
}

TEST(HttpBodyParserTest, ReadsChunks) {
  const std::string big(40'000, 'x');
  const std::string bytes = "5\r\nhello\r\n9c40;a=b\r\n" + big + "\r\n000\r\nTrailer: a\r\n\r\nGET";
  for (const size_t step : {1, 7, 16'000, 100'000}) {
    const Parsed parsed = Parse(kChunked, bytes, step);
    EXPECT_EQ(parsed.result, Result::kWhole) << step;
    EXPECT_EQ(parsed.body, "hello" + big) << step;
    EXPECT_EQ(parsed.rest, "GET") << step;
  }
}

TEST(HttpBodyParserTest, ReadsTheEndByteByByte) {
  for (const char* const bytes : {"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "000;a=b\r\n\r\n"}) {
    const Parsed parsed = Parse(kChunked, bytes, 1);
    EXPECT_EQ(parsed.result, Result::kWhole) << bytes;
    EXPECT_EQ(parsed.body + parsed.rest, "");
  }
}

TEST(HttpBodyParserTest, RefusesWhatAreNoChunks) {
  for (const char* const bytes :
       {"zz\r\nhello\r\n0\r\n\r\n", "-1\r\nhello\r\n", "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffffff\r\nhello\r\n", "5\r\nhelloXX0\r\n\r\n",
        "\r\n\r\n0", "5 5\r\nhello\r\n"}) {
    EXPECT_EQ(Parse(kChunked, bytes, 100).result, Result::kBroken) << bytes;
  }
  EXPECT_EQ(Parse(kChunked, "5\nhello\n0\n\n", 100).result, Result::kMore) << "until a deadline";
  const std::string long_line = "5;a=" + std::string(20'000, 'a');
  EXPECT_EQ(Parse(kChunked, long_line, 100).result, Result::kBroken);
}

TEST(HttpBodyParserTest, StopsWhenTold) {
  HttpBodyParser parser;
  ASSERT_TRUE(parser.Begin(kChunked));
  std::string_view bytes = "1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
  EXPECT_EQ(parser.Parse(bytes, [](std::string_view) { return false; }), Result::kStopped);
  std::string rest;
  EXPECT_EQ(parser.Parse(bytes,
                         [&](std::string_view piece) {
                           rest += piece;
                           return true;
                         }),
            Result::kWhole);
  EXPECT_EQ(rest, "b");
}

}  // namespace
}  // namespace siglip::server
