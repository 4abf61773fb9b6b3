#include "server/api_keys.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "expect_error.h"
#include "scratch_folder.h"

namespace siglip::server {
namespace {

namespace fs = std::filesystem;

class ApiKeysTest : public testing::Test {
 protected:
  fs::path Write(const std::string& text, fs::perms mode = fs::perms::owner_read) const {
    const fs::path file = scratch_ / "keys";
    fs::remove(file);
    std::ofstream(file) << text;
    fs::permissions(file, mode);
    return file;
  }

  const ScratchFolder scratch_;
};

TEST_F(ApiKeysTest, FindsEachOfItsKeys) {
  const ApiKeys keys(Write("# for the page\n0123456789abcdef\r\n\nABCDEFGHIJKLMNOPQ\n"));
  EXPECT_TRUE(keys.Find("0123456789abcdef"));
  EXPECT_TRUE(keys.Find("ABCDEFGHIJKLMNOPQ"));
  EXPECT_TRUE(keys.Has(*keys.Find("ABCDEFGHIJKLMNOPQ")));
  for (const char* const wrong : {"", "# for the page", "0123456789abcde", "0123456789abcdef\r"}) {
    EXPECT_FALSE(keys.Find(wrong)) << wrong;
  }
}

TEST_F(ApiKeysTest, RefusesWhatIsNotSafe) {
  ExpectError(ErrorCode::kNotFound, {"nothing"}, [&] { ApiKeys(scratch_ / "nothing"); });
  const fs::perms open = fs::perms::owner_read | fs::perms::group_read;
  ExpectError(ErrorCode::kUnsupported, {"other users", "chmod 600"},
              [&] { ApiKeys(Write("0123456789abcdef\n", open)); });
  ExpectError(ErrorCode::kMalformedFile, {"line 2", "16 bytes", "15"},
              [&] { ApiKeys(Write("\n0123456789abcde\n")); });
  ExpectError(ErrorCode::kMalformedFile, {"line 1"},
              [&] { ApiKeys(Write("0123456789 abcdef\n")); });
  ExpectError(ErrorCode::kMalformedFile, {"no key"}, [&] { ApiKeys(Write("# none\n")); });
}

}  // namespace
}  // namespace siglip::server
