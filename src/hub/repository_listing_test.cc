// The hub's answers, and the choice of files.
#include "hub/repository_listing.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace siglip {
namespace {

using Files = std::vector<std::string>;

const std::string kSha(40, 'c');

TEST(RepositoryListing, IsRead) {
  const RepositoryListing listing = ParseListing(
      R"({"id": "a/b", "sha": ")" + kSha +
          R"(", "tags": [], "siblings": [{"rfilename": "config.json"}, {"rfilename": "a/b", "size": 1}]})",
      "answer");
  EXPECT_EQ(listing.commit, kSha);
  EXPECT_EQ(listing.files, (Files{"config.json", "a/b"}));
}

TEST(RepositoryListing, RefusesOtherAnswers) {
  const std::string begin = R"({"sha": ")" + kSha + R"(", "siblings": )";
  for (const std::string& answer :
       {std::string(), std::string("<html>"), std::string("[]"), std::string("{}"),
        R"({"sha": ")" + kSha + R"("})", std::string(R"({"siblings": []})"),
        std::string(R"({"sha": 7, "siblings": []})"),
        std::string(R"({"sha": "main", "siblings": []})"),
        std::string(R"({"sha": "../../../../../../../../../../../../../x", "siblings": []})"),
        begin + "{}}", begin + "[7]}", begin + "[{}]}", begin + R"([{"rfilename": 7}]})"}) {
    ExpectError(ErrorCode::kMalformedFile, {"answer"}, [&] { ParseListing(answer, "answer"); });
  }
}

TEST(NeededFiles, ConfigurationExtrasAndOneFormOfWeights) {
  EXPECT_EQ(
      NeededFiles({".gitattributes", "README.md", "config.json", "model.safetensors",
                   "preprocessor_config.json", "pytorch_model.bin", "tokenizer.json",
                   "model-00001-of-00002.safetensors", "model.safetensors.index.json",
                   "open_clip_model.safetensors", "onnx/config.json"},
                  "a/b"),
      (Files{"config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"}));
  EXPECT_EQ(NeededFiles({"model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors",
                         "config.json", "model.safetensors.index.json",
                         "model-00001-of-00002.safetensors.bak", "model-0001-of-0002.safetensors"},
                        "a/b"),
            (Files{"config.json", "model.safetensors.index.json",
                   "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}));
  EXPECT_EQ(NeededFiles({"open_clip_config.json", "open_clip_model.safetensors",
                         "open_clip_pytorch_model.bin"},
                        "a/b"),
            (Files{"open_clip_config.json", "open_clip_model.safetensors"}));
}

TEST(NeededFiles, NamesThatAreNotExactlyTheseAreNotTaken) {
  EXPECT_EQ(NeededFiles({"config.json", "model.safetensors", "../config.json", "/config.json",
                         "./tokenizer.json", "a\\tokenizer.json", std::string("spiece.model\0", 13),
                         "model-00001-of-00002.safetensors/../../x", "", ".."},
                        "a/b"),
            (Files{"config.json", "model.safetensors"}));
}

TEST(NeededFiles, WithoutConfigurationOrWeights) {
  ExpectError(ErrorCode::kUnsupported, {"a/b", "config.json"},
              [] { NeededFiles({"model.safetensors"}, "a/b"); });
  for (const char* file :
       {"pytorch_model.bin", "model.safetensors.index.json", "model-00001-of-00002.safetensors"}) {
    ExpectError(ErrorCode::kUnsupported, {"a/b", "safetensors"}, [&] {
      NeededFiles({"config.json", file}, "a/b");
    });
  }
}

}  // namespace
}  // namespace siglip
