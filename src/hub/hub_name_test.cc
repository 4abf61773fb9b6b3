// Names of models: what the validation of huggingface_hub 2.4 accepts and refuses, and revisions.
#include "hub/hub_name.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip {
namespace {

TEST(HubName, TakesWhatHuggingfaceHubTakes) {
  for (const std::string& name :
       {std::string("google/siglip-base-patch16-224"), std::string("a/b"), std::string("_a/b_"),
        std::string("A.b-c_d/0.1"), std::string("timm/ViT-B-16-SigLIP"), std::string("a.git/b"),
        std::string("a/b.gitx"), std::string(96, 'a') + "/" + std::string(96, 'b')}) {
    const std::optional<HubName> parsed = ParseHubName(name, "");
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->repository, name);
    EXPECT_EQ(parsed->revision, "main");
    EXPECT_EQ(parsed->ToString(), name);
  }
}

TEST(HubName, RefusesWhatHuggingfaceHubRefuses) {
  for (const std::string& name : {std::string("a/b/c"),
                                  std::string("/b"),
                                  std::string("a/"),
                                  std::string("/"),
                                  std::string("-a/b"),
                                  std::string("a/-b"),
                                  std::string("a-/b"),
                                  std::string("a/b-"),
                                  std::string(".a/b"),
                                  std::string("a/.b"),
                                  std::string("a/b."),
                                  std::string("a--b/c"),
                                  std::string("a/b--c"),
                                  std::string("a..b/c"),
                                  std::string("a/b..c"),
                                  std::string("../a"),
                                  std::string("a/.."),
                                  std::string("a/b.git"),
                                  std::string("a b/c"),
                                  std::string("a/b\n"),
                                  std::string("a\\b/c"),
                                  std::string("a/b\0c", 5),
                                  std::string("caf\xC3\xA9/b"),
                                  std::string("a/b?c"),
                                  std::string("a/b%2F"),
                                  std::string(97, 'a') + "/b",
                                  "a/" + std::string(97, 'b')}) {
    EXPECT_FALSE(ParseHubName(name, "")) << name;
  }
}

TEST(HubName, OnlyNamesWithAnOrganisation) {
  for (const char* name : {"", "siglip", "~/models", "./a", "models/siglip/base"}) {
    EXPECT_FALSE(ParseHubName(name, "")) << name;
  }
}

TEST(HubName, Revisions) {
  const std::string commit(40, 'a');
  EXPECT_EQ(ParseHubName("a/b", "v1.0")->revision, "v1.0");
  EXPECT_EQ(ParseHubName("a/b@" + commit, "")->revision, commit);
  EXPECT_EQ(ParseHubName("a/b@refs/pr/1", "refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(ParseHubName("a/b@v1", "")->repository, "a/b");
  EXPECT_EQ(ParseHubName("a/b@v1", "")->ToString(), "a/b@v1");
  EXPECT_EQ(ParseHubName("a/b@main", "")->ToString(), "a/b");
  ExpectError(ErrorCode::kInvalidArgument, {"a/b@v1", "'v2'"},
              [] { ParseHubName("a/b@v1", "v2"); });
}

TEST(HubName, RevisionsThatWouldLeaveTheirFolderOrUrl) {
  for (const std::string& revision :
       {std::string(".."), std::string("../x"), std::string("a/../../x"), std::string("/etc"),
        std::string("a//b"), std::string("a/"), std::string("a/.b"), std::string("a..b"),
        std::string("a\\b"), std::string("a b"), std::string("a?b"), std::string("a@b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string(251, 'a')}) {
    ExpectError(ErrorCode::kInvalidArgument, {"a/b", "cannot be a revision"},
                [&] { ParseHubName("a/b", revision); });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"''"}, [] { ParseHubName("a/b@", ""); });
}

TEST(HubName, CommitHashes) {
  EXPECT_TRUE(IsCommitHash("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(IsCommitHash("0123456789ABCDEF0123456789ABCDEF01234567"));
  EXPECT_FALSE(IsCommitHash("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(IsCommitHash("0123456789abcdef0123456789abcdef0123456g"));
}

}  // namespace
}  // namespace siglip
