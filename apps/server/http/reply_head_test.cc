#include "server/http/reply_head.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip::server {
namespace {

constexpr std::time_t kNow = 784111777;  // the example of RFC 9110, 5.6.7

TEST(ReplyHeadTest, WritesAllFields) {
  Reply reply;
  reply.content_type = "text/plain";
  reply.fields = {{"etag", "\"7\""}};
  reply.body = "hello";
  EXPECT_EQ(ReplyHead(reply, "id7", false, kNow),
            "HTTP/1.1 200 OK\r\n"
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "content-length: 5\r\n"
            "content-type: text/plain\r\n"
            "etag: \"7\"\r\n"
            "x-request-id: id7\r\n"
            "x-content-type-options: nosniff\r\n"
            "\r\n");
}

TEST(ReplyHeadTest, KnowsStatusesWithoutBody) {
  for (const int status : {204, 304}) {
    Reply reply;
    reply.status = status;
    reply.content_type = "text/plain";
    reply.body = "ignored";
    const std::string head = ReplyHead(reply, "a", true, kNow);
    EXPECT_EQ(head.find("content-"), head.find("content-type-options")) << head;
    EXPECT_NE(head.find("\r\nconnection: close\r\n\r\n"), std::string::npos);
    EXPECT_FALSE(HasBody(status));
  }
  EXPECT_TRUE(HasBody(200));
}

TEST(ReplyHeadTest, RefusesWhatWouldBreakOut) {
  const auto refuses = [](const std::string& name, const std::string& value) {
    Reply reply;
    reply.fields = {{name, value}};
    ExpectError(ErrorCode::kInternal, {"repl"}, [&] { ReplyHead(reply, "a", false, kNow); });
  };
  using namespace std::literals;
  for (const std::string& value : {"a\r\nb: c"s, "a\n"s, "a\r"s, "a\0"s, "\x7F"s, "\x80"s}) {
    refuses("a", value);
  }
  for (const char* const name : {"", "a b", "a:", "A", "a\r", "content-length", "connection",
                                 "transfer-encoding", "x-request-id"}) {
    refuses(name, "b");
  }
  Reply reply;
  reply.content_type = "a\r\n";
  ExpectError(ErrorCode::kInternal, {"field"}, [&] { ReplyHead(reply, "a", false, kNow); });
  for (const int status : {0, 100, 199, 600}) {
    ExpectError(ErrorCode::kInternal, {std::to_string(status)}, [&] {
      Reply bad;
      bad.status = status;
      ReplyHead(bad, "a", false, kNow);
    });
  }
}

}  // namespace
}  // namespace siglip::server
