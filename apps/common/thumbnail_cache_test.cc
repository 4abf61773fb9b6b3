#include "common/thumbnail_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "scratch_folder.h"

namespace siglip::apps {
namespace {

const std::string kCat = "0123456789abcdef0123456789abcdef";
const std::string kDog = "ff23456789abcdef0123456789abcdef";

std::string Jpeg(char filling, size_t bytes = 96) {
  return "\xFF\xD8" + std::string(bytes, filling) + "\xFF\xD9";
}

class ThumbnailCacheTest : public testing::Test {
 protected:
  std::filesystem::path OnlyFile() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (entry.is_regular_file()) return entry.path();
    }
    return {};
  }

  const ScratchFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path() / "thumbnails";
};

TEST_F(ThumbnailCacheTest, FindsWhatWasPutForOneSizeOfOneContentOfOneIndex) {
  ThumbnailCache cache(folder_, "one");
  EXPECT_EQ(cache.Find(kCat, 320), std::nullopt);
  cache.Put(kCat, 320, Jpeg('c'));
  EXPECT_EQ(cache.Find(kCat, 320), Jpeg('c'));
  EXPECT_EQ(cache.Find(kCat, 640), std::nullopt);
  EXPECT_EQ(cache.Find(kDog, 320), std::nullopt);
  EXPECT_EQ(ThumbnailCache(folder_, "another").Find(kCat, 320), std::nullopt);
}

TEST_F(ThumbnailCacheTest, NobodyElseMayLook) {
  ThumbnailCache(folder_, "one").Put(kCat, 320, Jpeg('c'));
  for (auto path = OnlyFile().parent_path(); path != scratch_.path(); path = path.parent_path()) {
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
  }
}

TEST_F(ThumbnailCacheTest, WhatWasCutShortIsNotFound) {
  ThumbnailCache cache(folder_, "one");
  cache.Put(kCat, 320, Jpeg('c'));
  std::filesystem::resize_file(OnlyFile(), 50);
  EXPECT_EQ(cache.Find(kCat, 320), std::nullopt);
}

TEST_F(ThumbnailCacheTest, WhatWasUsedLongestAgoGoesFirst) {
  ThumbnailCache cache(folder_, "one", 300);
  cache.Put(kCat, 320, Jpeg('c'));
  cache.Put(kDog, 320, Jpeg('d'));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file()) {
      last_write_time(entry.path(), entry.last_write_time() - std::chrono::hours(1));
    }
  }
  EXPECT_TRUE(cache.Find(kCat, 320));  // counts as used
  cache.Put(kDog, 640, Jpeg('e'));
  cache.Put(kCat, 640, Jpeg('f', 1));
  EXPECT_TRUE(cache.Find(kCat, 320));
  EXPECT_FALSE(cache.Find(kDog, 320));
}

TEST_F(ThumbnailCacheTest, RemovesWhatIsNotToBeKept) {
  ThumbnailCache cache(folder_, "one");
  cache.Put(kCat, 320, Jpeg('c'));
  cache.Put(kCat, 640, Jpeg('c'));
  cache.Put(kDog, 320, Jpeg('d'));
  EXPECT_EQ(cache.RemoveUnless([](std::string_view hash) { return hash == kCat; }), 1U);
  EXPECT_TRUE(cache.Find(kCat, 320));
  EXPECT_FALSE(cache.Find(kDog, 320));
}

}  // namespace
}  // namespace siglip::apps
