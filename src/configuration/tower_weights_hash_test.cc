// Which files of golden models a hash is of, and when it is computed anew.
#include "configuration/tower_weights_hash.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/checkpoint.hpp"
#include "siglip/safetensors.hpp"
#include "source_folders.h"
#include "weights/packed_file.h"

namespace siglip {
namespace {

class TowerWeightsHashTest : public testing::Test {
 protected:
  TowerWeightsHashTest() : model_(scratch_ / "model"), cache_(scratch_ / "cache") {
    std::filesystem::copy(kGolden / "siglip-full", model_);
    SetAge(std::chrono::hours(1));
  }

  /// Of model.safetensors.
  void SetAge(std::chrono::seconds age) const {
    std::filesystem::last_write_time(model_ / "model.safetensors",
                                     std::filesystem::file_time_type::clock::now() - age);
  }
  std::string Vision() const { return TowerWeightsHash(model_, Part::kVision, cache_); }
  std::string Text() const { return TowerWeightsHash(model_, Part::kText, cache_); }
  size_t CachedFiles() const {
    if (!std::filesystem::exists(scratch_ / "cache")) return 0;
    const std::filesystem::directory_iterator files(scratch_ / "cache");
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  /// Replaces what the cache holds for the model's image tower.
  void Pretend(const std::string& hash) const {
    for (const auto& entry : std::filesystem::directory_iterator(scratch_ / "cache")) {
      std::ifstream file(entry.path());
      std::string line;
      std::string tensors;
      while (std::getline(file, line)) {
        if (line.starts_with("tensors ")) tensors = line.substr(8);
      }
      const auto files = FileVersionsOf(Checkpoint::Open(model_));
      if (cache_.Find(*files, tensors) == vision_) cache_.Store(*files, tensors, hash);
    }
  }

  const ScratchFolder scratch_;
  const std::filesystem::path model_;
  const WeightsHashCache cache_;
  const std::string vision_ = TowerWeightsHash(kGolden / "siglip-full", Part::kVision,
                                               WeightsHashCache(std::filesystem::path()));
};

TEST_F(TowerWeightsHashTest, TheSameModelInOtherNamesAndTypes) {
  for (const char* name :
       {"names-legacy", "names-open-clip", "names-paligemma", "names-sharded", "names-timm-gelu",
        "names-timm-gelu_tanh", "names-tutorial", "vision-float16", "vision-bfloat16",
        "siglip2-naflex", "vision-no-head"}) {
    ConvertToTransformers(kGolden / name, scratch_ / name);
    EXPECT_EQ(TowerWeightsHash(scratch_ / name, Part::kVision, cache_),
              TowerWeightsHash(kGolden / name, Part::kVision, cache_))
        << name;
  }
}

TEST_F(TowerWeightsHashTest, OneHashForEachTower) {
  EXPECT_EQ(Vision(), vision_);
  EXPECT_NE(Text(), Vision());
  EXPECT_EQ(CachedFiles(), 2U);
  ExpectError(ErrorCode::kMismatch, {"no text tower"},
              [&] { TowerWeightsHash(kGolden / "vision-head", Part::kText, cache_); });
}

TEST_F(TowerWeightsHashTest, IsComputedOnceForTheSameFiles) {
  Vision();
  const std::string pretended = Sha256Of("another");
  Pretend(pretended);
  EXPECT_EQ(Vision(), pretended) << "computed again";
  SetAge(std::chrono::minutes(30));
  EXPECT_EQ(Vision(), vision_) << "not computed again for a file that was modified";
}

TEST_F(TowerWeightsHashTest, OfAFileJustModifiedIsNotKept) {
  SetAge(std::chrono::seconds(0));
  EXPECT_EQ(Vision(), vision_);
  EXPECT_EQ(CachedFiles(), 0U);
  SetAge(-std::chrono::hours(1));
  EXPECT_EQ(Vision(), vision_);
  EXPECT_EQ(CachedFiles(), 0U);
}

TEST_F(TowerWeightsHashTest, NeedsNoCache) {
  std::ofstream(scratch_ / "cache") << "no folder";
  EXPECT_EQ(Vision(), vision_);
  EXPECT_EQ(Vision(), vision_);
}

class PackedHashTest : public TowerWeightsHashTest {
 protected:
  void WritePacked(const std::map<std::string, std::string>& more) const {
    const std::string config = R"({"model_type":"siglip_vision_model"})";
    std::map<std::string, std::string> metadata = ToMetadata({.precision = "f32",
                                                              .layout = "32x1",
                                                              .config = config,
                                                              .vision_weights = {},
                                                              .text_weights = {}});
    metadata.insert(more.begin(), more.end());
    const Tensor probe(DType::kF32, {1, 1, 8});
    std::filesystem::create_directories(scratch_ / "packed");
    std::ofstream(scratch_ / "packed/config.json") << config;
    WriteSafetensors(scratch_ / "packed" / kPackedFile,
                     {{"vision_model.head.probe", probe.view()},
                      {"vision_model.post_layernorm.weight", probe.view()},
                      {"vision_model.embeddings.patch_embedding.weight", probe.view()}},
                     metadata);
  }
  std::string Hash() const { return TowerWeightsHash(scratch_ / "packed", Part::kVision, cache_); }
};

TEST_F(PackedHashTest, IsCarried) {
  WritePacked({{"vision_weights_sha256", vision_}});
  EXPECT_EQ(Hash(), vision_);
}

TEST_F(PackedHashTest, OfAnOlderFileIsMissing) {
  WritePacked({{"source_hash", "0123456789abcdef"}});
  ExpectError(ErrorCode::kUnsupported, {"packed.safetensors", "image tower", "convert"},
              [&] { Hash(); });
}

TEST_F(PackedHashTest, MustBeOne) {
  for (const std::string& hash : {std::string("0"), std::string(64, 'G'), std::string(65, '0')}) {
    WritePacked({{"vision_weights_sha256", hash}});
    ExpectError(ErrorCode::kMalformedFile, {"'vision_weights_sha256'", "64 hexadecimal digits"},
                [&] { Hash(); });
  }
}

}  // namespace
}  // namespace siglip
