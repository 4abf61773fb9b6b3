#include "server/http/http_message.h"

#include <gtest/gtest.h>

#include "server/http/called_once.h"

namespace siglip::server {
namespace {

TEST(ClientTest, TellsOnceThatItIsGone) {
  Client client;
  int calls = 0;
  client.OnGone([&] { ++calls; });
  EXPECT_FALSE(client.gone());
  client.Leave();
  client.Leave();
  EXPECT_TRUE(client.gone());
  EXPECT_EQ(calls, 1);
  client.OnGone([&] { calls += 10; });
  EXPECT_EQ(calls, 11) << "too late: at once";
}

TEST(ClientTest, ForgetsWhomToTellWhenComplete) {
  Client client;
  const auto held = std::make_shared<int>();
  client.OnGone([held] { FAIL(); });
  client.Complete();
  EXPECT_EQ(held.use_count(), 1);
  client.OnGone([] { FAIL(); });
  client.Leave();
  EXPECT_FALSE(client.gone());
}

TEST(ErrorReplyTest, SaysWhenToComeAgain) {
  const Reply reply = ErrorReply(503, "busy", "too much", 7);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_NE(reply.body.find("\"busy\""), std::string::npos);
  ASSERT_EQ(reply.fields.size(), 1u);
  EXPECT_EQ(reply.fields[0].name, "retry-after");
  EXPECT_EQ(reply.fields[0].value, "7");
  EXPECT_TRUE(ErrorReply(400, "bad", "bad").fields.empty());
}

TEST(CalledOnceTest, DeliversTheFirstValueOnly) {
  std::vector<int> delivered;
  {
    const auto call =
        CalledOnce<int>([&](int value) { delivered.push_back(value); }, [] { return -1; });
    const auto copy = call;
    copy(1);
    call(2);
  }
  EXPECT_EQ(delivered, std::vector<int>{1});
}

TEST(CalledOnceTest, DeliversSomethingWhenLetGoOf) {
  std::vector<int> delivered;
  auto call = CalledOnce<int>([&](int value) { delivered.push_back(value); }, [] { return -1; });
  auto copy = call;
  call = nullptr;
  EXPECT_TRUE(delivered.empty());
  copy = nullptr;
  EXPECT_EQ(delivered, std::vector<int>{-1});
}

}  // namespace
}  // namespace siglip::server
