#include "server/http/error_body.h"

#include <gtest/gtest.h>

namespace siglip::server {
namespace {

TEST(ErrorBodyTest, HasTheFormOfOpenAi) {
  EXPECT_EQ(ErrorBody(404, "not_found", "there is no \"/x\""),
            R"({"error":{"message":"there is no \"/x\"","type":"not_found_error","param":null,)"
            R"("code":"not_found"}})"
            "\n");
}

TEST(ErrorBodyTest, TypesFollowTheStatus) {
  EXPECT_EQ(ErrorType(400), "invalid_request_error");
  EXPECT_EQ(ErrorType(401), "authentication_error");
  EXPECT_EQ(ErrorType(403), "permission_error");
  EXPECT_EQ(ErrorType(410), "not_found_error");
  EXPECT_EQ(ErrorType(429), "rate_limit_error");
  EXPECT_EQ(ErrorType(503), "server_error");
}

}  // namespace
}  // namespace siglip::server
