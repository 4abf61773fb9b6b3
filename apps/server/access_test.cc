#include "server/access.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "scratch_folder.h"

namespace siglip::server {
namespace {

using Fields = std::vector<HttpField>;

RequestHead Head(const std::string& method, Fields fields, const std::string& host = "127.0.0.1") {
  fields.push_back({"host", host});
  return {.method = method, .target = {}, .resource = {}, .fields = fields, .client = {}, .id = {}};
}

int StatusOf(const std::optional<Refusal>& refusal) { return refusal ? refusal->status : 200; }

class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    std::ofstream(file_) << kKey << "\n";
    std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
    keys_.emplace(file_);
    sessions_.emplace(*keys_);
  }
  int Ask(const RequestHead& head, const std::string& path = "/v1/models",
          const AccessRules& rules = {}) const {
    return StatusOf(Access(rules, nullptr, nullptr).Check(head, path, Exposure::kGuarded));
  }
  int AskWithKeys(const RequestHead& head, Exposure exposure = Exposure::kGuarded) const {
    const Access access({}, &*keys_, &*sessions_);
    return StatusOf(access.Check(head, "/v1/models", exposure));
  }

  static constexpr const char* kKey = "0123456789abcdef-key";
  const ScratchFolder scratch_;
  const std::filesystem::path file_ = scratch_ / "keys";
  std::optional<ApiKeys> keys_;
  std::optional<Sessions> sessions_;
};

TEST_F(AccessTest, HostsAreComparedWholeAndWithoutPort) {
  for (const char* const host : {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]",
                                 "[::1]:8080", "192.168.1.7:80", "localhost:"}) {
    EXPECT_EQ(Ask(Head("GET", {}, host)), 200) << host;
  }
  for (const char* const host :
       {"localhost.evil.com", "127.0.0.1.evil.com", "evil.com", "evil.com:80", "", ":80", "[::1",
        "[localhost]", "localhost:80:80", "localhost:http", "::1", "xlocalhost", "127.0.0.1 ,x",
        "photos.home", "localhost:123456"}) {
    EXPECT_EQ(Ask(Head("GET", {}, host)), 421) << host;
  }
  const AccessRules rules = {.allowed_hosts = {"photos.home"}, .cors_origins = {}};
  EXPECT_EQ(Ask(Head("GET", {}, "Photos.Home:443"), "/v1/models", rules), 200);
  EXPECT_EQ(Ask(Head("GET", {}, "photos.home.evil.com"), "/v1/models", rules), 421);
}

TEST_F(AccessTest, PagesOfOtherSitesMayNotAsk) {
  EXPECT_EQ(Ask(Head("GET", {{"sec-fetch-site", "none"}})), 200);
  EXPECT_EQ(Ask(Head("GET", {{"sec-fetch-site", "same-origin"}})), 200);
  EXPECT_EQ(Ask(Head("GET", {{"sec-fetch-site", "same-site"}})), 403);
  EXPECT_EQ(Ask(Head("GET", {{"sec-fetch-site", "cross-site"}})), 403);
  // A link to the page may be followed, and nothing else.
  const Fields navigation = {{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}};
  EXPECT_EQ(Ask(Head("GET", navigation), "/"), 200);
  EXPECT_EQ(Ask(Head("GET", navigation), "/v1/models"), 403);
  EXPECT_EQ(Ask(Head("GET", {{"sec-fetch-site", "cross-site"}}), "/"), 403);
}

TEST_F(AccessTest, OriginsMustBeOurs) {
  EXPECT_EQ(Ask(Head("GET", {{"origin", "http://127.0.0.1:8080"}}, "127.0.0.1:8080")), 200);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "https://127.0.0.1"}})), 200);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "http://127.0.0.1:8080"}}, "127.0.0.1:9090")), 403);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "null"}})), 403);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "http://127.0.0.1.evil.com"}})), 403);
}

TEST_F(AccessTest, AnAllowedOriginPassesBothChecks) {
  const AccessRules rules = {.allowed_hosts = {}, .cors_origins = {"https://example.org"}};
  const Fields fields = {{"origin", "https://example.org"}, {"sec-fetch-site", "cross-site"}};
  EXPECT_EQ(Ask(Head("GET", fields), "/v1/models", rules), 200);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "https://example.org.evil.com"}}), "/v1/models", rules),
            403);
  EXPECT_EQ(Ask(Head("GET", {{"origin", "http://example.org"}}), "/v1/models", rules), 403);
  const Access access(rules, nullptr, nullptr);
  EXPECT_EQ(*access.CorsOrigin(Head("GET", fields)), "https://example.org");
  EXPECT_EQ(access.CorsOrigin(Head("GET", {{"origin", "https://evil.com"}})), nullptr);
}

TEST_F(AccessTest, BodiesAreOfTypesThatNoFormCanSend) {
  EXPECT_EQ(StatusOf(Access::CheckContentType(
                Head("POST", {{"content-type", "application/json; charset=utf-8"}}))),
            200);
  EXPECT_EQ(StatusOf(Access::CheckContentType(Head("POST", {{"content-type", "Image/PNG"}}))), 200);
  EXPECT_EQ(StatusOf(Access::CheckContentType(Head("POST", {{"content-type", "text/plain"}}))),
            415);
  EXPECT_EQ(StatusOf(Access::CheckContentType(
                Head("POST", {{"content-type", "multipart/form-data; boundary=x"}}))),
            415);
  EXPECT_EQ(StatusOf(Access::CheckContentType(Head("POST", {}))), 415);
}

TEST_F(AccessTest, KeysAreAskedForWhereTheyAre) {
  EXPECT_EQ(AskWithKeys(Head("GET", {})), 401);
  EXPECT_EQ(AskWithKeys(Head("GET", {}), Exposure::kOpen), 200);
  const std::string key = kKey;
  EXPECT_EQ(AskWithKeys(Head("GET", {{"authorization", "Bearer " + key}})), 200);
  EXPECT_EQ(AskWithKeys(Head("GET", {{"authorization", "bearer  " + key}})), 200);
  EXPECT_EQ(AskWithKeys(Head("GET", {{"authorization", "Bearer " + key + "x"}})), 401);
  EXPECT_EQ(AskWithKeys(Head("GET", {{"authorization", key}})), 401);
  EXPECT_EQ(AskWithKeys(Head("GET", {{"authorization", "Basic " + key}})), 401);
}

TEST_F(AccessTest, ACookieCountsOnOurOwnPageOnly) {
  EXPECT_FALSE(sessions_->Begin("0123456789abcdef-another"));
  const std::string secret = *sessions_->Begin(kKey);
  EXPECT_NE(*sessions_->Begin(kKey), secret);
  const HttpField cookie = {"cookie", "a=b; siglip_session=" + secret};
  EXPECT_EQ(AskWithKeys(Head("GET", {cookie, {"sec-fetch-site", "same-origin"}})), 200);
  EXPECT_EQ(AskWithKeys(Head("GET", {cookie, {"origin", "http://127.0.0.1"}})), 200);
  EXPECT_EQ(AskWithKeys(Head("GET", {cookie})), 401);
  EXPECT_EQ(AskWithKeys(Head("GET", {cookie, {"sec-fetch-site", "none"}})), 401);
  const HttpField wrong = {"cookie", "siglip_session=" + secret.substr(1)};
  EXPECT_EQ(AskWithKeys(Head("GET", {wrong, {"sec-fetch-site", "same-origin"}})), 401);
  sessions_->End(secret);
  EXPECT_EQ(AskWithKeys(Head("GET", {cookie, {"sec-fetch-site", "same-origin"}})), 401);
}

TEST_F(AccessTest, ASessionEndsWithItsKey) {
  const std::string secret = *sessions_->Begin(kKey);
  EXPECT_TRUE(sessions_->Has(secret));
  std::filesystem::remove(file_);
  std::ofstream(file_) << "another key: 0123456789abcdef\n";
  std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  EXPECT_ANY_THROW(keys_->Reload());  // blanks
  EXPECT_TRUE(sessions_->Has(secret));
  std::filesystem::remove(file_);
  std::ofstream(file_) << "another-key-0123456789abcdef\n";
  std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  keys_->Reload();
  EXPECT_FALSE(sessions_->Has(secret));
}

}  // namespace
}  // namespace siglip::server
