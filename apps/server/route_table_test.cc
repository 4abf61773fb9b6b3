#include "server/route_table.h"

#include <gtest/gtest.h>

namespace siglip::server {
namespace {

TEST(RouteTableTest, FindsRoutesByMethodAndPath) {
  EXPECT_EQ(FindRoute("POST", "/v1/embeddings").route->path, "/v1/embeddings");
  EXPECT_EQ(FindRoute("GET", "/").route->path, "/");
  EXPECT_EQ(FindRoute("HEAD", "/health").route->path, "/health");
  EXPECT_EQ(FindRoute("GET", "/page/main.js").route->path, "/page/*");
}

TEST(RouteTableTest, TakesTheArgumentOutOfThePath) {
  const FoundRoute image = FindRoute("GET", "/v1/images/42");
  EXPECT_EQ(image.route->path, "/v1/images/{id}");
  EXPECT_EQ(image.argument, "42");
  const FoundRoute thumbnail = FindRoute("GET", "/v1/images/42/thumbnail");
  EXPECT_EQ(thumbnail.route->path, "/v1/images/{id}/thumbnail");
  EXPECT_EQ(thumbnail.argument, "42");
}

TEST(RouteTableTest, TellsWhatAPathAllows) {
  for (const char* const path :
       {"/v1", "/v1/embeddings/", "/v1/images/", "/v1/images/4/x", "/healthy", "", "/page"}) {
    const FoundRoute found = FindRoute("GET", path);
    EXPECT_EQ(found.route, nullptr) << path;
    EXPECT_EQ(found.allowed, "") << path;
  }
  EXPECT_EQ(FindRoute("GET", "/v1/embeddings").allowed, "POST");
  EXPECT_EQ(FindRoute("POST", "/health").allowed, "GET, HEAD");
  EXPECT_EQ(FindRoute("PUT", "/v1/session").allowed, "POST, DELETE");
}

TEST(RouteTableTest, OnlyPageAndStateAreOpen) {
  for (const char* const path : {"/", "/page/main.js", "/favicon.ico", "/health", "/ready"}) {
    EXPECT_EQ(FindRoute("GET", path).route->exposure, Exposure::kOpen) << path;
  }
  for (const char* const path :
       {"/metrics", "/openapi.json", "/v1/models", "/v1/index", "/v1/images/1"}) {
    EXPECT_EQ(FindRoute("GET", path).route->exposure, Exposure::kGuarded) << path;
  }
}

}  // namespace
}  // namespace siglip::server
