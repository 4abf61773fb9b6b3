#include "server/known_duplicates.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scratch_folder.h"
#include "siglip/embedder.hpp"

namespace siglip::server {
namespace {

class KnownDuplicatesTest : public testing::Test {
 protected:
  KnownDuplicatesTest() {
    std::filesystem::create_directory(pictures_);
    Copy("00.jpg", "a.jpg");
    Copy("00.jpg", "b.jpg");
    Copy("01.jpg", "c.jpg");
    Index();
  }

  void Copy(const char* from, const char* to) const {
    std::filesystem::copy(kRoot / "examples/images" / from, pictures_ / to);
  }
  void Index() const {
    IndexWriter(folder_).Update(embedder_, "demo", pictures_.string(), {}, {}, nullptr);
  }

  const std::filesystem::path kRoot = SIGLIP_SOURCE_DIR;
  const ScratchFolder scratch_;
  const std::filesystem::path pictures_ = scratch_ / "pictures";
  const std::filesystem::path folder_ = scratch_ / "index";
  const Embedder embedder_ = Embedder::Open(kRoot / "models/demo");
};

TEST_F(KnownDuplicatesTest, AreFoundAnewOnlyWhereTheyMayBeOthers) {
  MemoryBudget budget(1 << 20);
  ServedIndex served(folder_, embedder_);
  KnownDuplicates known;
  const auto find = [&](DuplicateKind kind) -> const std::vector<DuplicateGroup>& {
    return known.Find(served, {.kind = kind}, budget);
  };
  const DuplicateGroup* const first = find(DuplicateKind::kSameBytes).data();
  ASSERT_EQ(find(DuplicateKind::kSameBytes).size(), 1);
  EXPECT_EQ(first->files.size(), 2);
  EXPECT_EQ(find(DuplicateKind::kSameBytes).data(), first);
  EXPECT_GE(budget.used(), sizeof(DuplicateGroup) + 2 * sizeof(DuplicateFile));

  EXPECT_NE(find(DuplicateKind::kSamePicture).data(), first);
  Copy("01.jpg", "d.jpg");
  Index();
  EXPECT_EQ(find(DuplicateKind::kSamePicture).size(), 2);
}

TEST_F(KnownDuplicatesTest, AreNotKeptWithoutRoom) {
  MemoryBudget budget(1000);
  ServedIndex served(folder_, embedder_);
  KnownDuplicates known;
  EXPECT_EQ(known.Find(served, {}, budget).size(), 1);
  EXPECT_EQ(budget.used(), 0);
  EXPECT_EQ(known.Find(served, {}, budget).size(), 1);
}

}  // namespace
}  // namespace siglip::server
