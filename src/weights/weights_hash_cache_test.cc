#include "weights/weights_hash_cache.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/sha256.h"
#include "file_bytes.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

const std::vector<FileVersion> kFiles = {{1, 2, 3, 4}, {1, 5, 6, 7}};
const std::string kTensorList = Sha256Of("tensors");
const std::string kHash = Sha256Of("weights");

std::filesystem::path OnlyFileIn(const std::filesystem::path& folder) {
  std::filesystem::path file;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_TRUE(file.empty());
    file = entry.path();
  }
  return file;
}

TEST(WeightsHashCacheTest, KeepsHashesOfTheVeryFiles) {
  const ScratchFolder scratch;
  const WeightsHashCache cache(scratch / "a/b");  // made when first needed
  EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt);
  cache.Store(kFiles, kTensorList, kHash);
  EXPECT_EQ(cache.Find(kFiles, kTensorList), kHash);
  EXPECT_EQ(cache.Find(kFiles, Sha256Of("others")), std::nullopt);
  for (size_t i = 0; i < kFiles.size(); ++i) {
    for (auto field : {&FileVersion::device, &FileVersion::inode}) {
      std::vector<FileVersion> files = kFiles;
      ++(files[i].*field);
      EXPECT_EQ(cache.Find(files, kTensorList), std::nullopt);
    }
    for (auto field : {&FileVersion::size, &FileVersion::mtime}) {
      std::vector<FileVersion> files = kFiles;
      ++(files[i].*field);
      EXPECT_EQ(cache.Find(files, kTensorList), std::nullopt);
    }
  }
  EXPECT_EQ(cache.Find({kFiles[0]}, kTensorList), std::nullopt);
}

TEST(WeightsHashCacheTest, ADamagedFileIsNone) {
  const ScratchFolder scratch;
  const WeightsHashCache cache(scratch.path());
  cache.Store(kFiles, kTensorList, kHash);
  const std::filesystem::path file = OnlyFileIn(scratch.path());
  const std::string content = ReadBytes(file);
  for (size_t i = 0; i < content.size(); ++i) {
    std::string damaged = content;
    damaged[i] ^= 1;
    WriteBytes(file, damaged);
    EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt) << i;
    WriteBytes(file, content.substr(0, i));
    EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt) << i;
  }
  WriteBytes(file, content + "\n");
  EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt);
  cache.Store(kFiles, kTensorList, kHash);
  EXPECT_EQ(cache.Find(kFiles, kTensorList), kHash);
}

TEST(WeightsHashCacheTest, WhatCannotBeReadOrWrittenIsNone) {
  const ScratchFolder scratch;
  WriteBytes(scratch / "file", "");
  for (const auto& folder : {scratch / "file", scratch / "file/below", std::filesystem::path()}) {
    const WeightsHashCache cache(folder);
    cache.Store(kFiles, kTensorList, kHash);
    EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt) << folder;
  }
  const WeightsHashCache cache(scratch / "cache");
  cache.Store(kFiles, kTensorList, kHash);
  const std::filesystem::path file = OnlyFileIn(scratch / "cache");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  cache.Store(kFiles, kTensorList, kHash);
  EXPECT_EQ(cache.Find(kFiles, kTensorList), std::nullopt);
}

TEST(WeightsHashCacheTest, WhatWasJustModifiedIsNotSettled) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kNow = 1'700'000'000 * kSecond;
  EXPECT_TRUE(AreSettled({{1, 1, 1, kNow - 60 * kSecond}}, kNow));
  EXPECT_FALSE(AreSettled({{1, 1, 1, kNow - 60 * kSecond}, {1, 2, 1, kNow - 2 * kSecond}}, kNow));
  EXPECT_FALSE(AreSettled({{1, 1, 1, kNow + 60 * kSecond}}, kNow));
}

}  // namespace
}  // namespace siglip
