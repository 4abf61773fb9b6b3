#include "image/heif_references.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "picture_files.h"

namespace siglip {
namespace {

std::string Reference(const std::string& type, uint32_t from, const std::vector<uint32_t>& to) {
  std::string content = BigEndian(from, 2) + BigEndian(to.size(), 2);
  for (const uint32_t id : to) content += BigEndian(id, 2);
  return MediaBox(type, content);
}

std::string File(const std::string& references) {
  return MediaBox("ftyp", "heic") +
         MediaBox("meta", BigEndian(0, 4) + MediaBox("iref", BigEndian(0, 4) + references));
}

TEST(HeifReferences, PartsCountAsOftenAsTheyAreDecoded) {
  EXPECT_EQ(CountHeifItems(MediaBox("ftyp", "heic")), 0U);
  EXPECT_EQ(CountHeifItems(File("")), 0U);
  EXPECT_EQ(CountHeifItems(File(Reference("dimg", 1, {2, 3, 4, 5}))), 5U);
  EXPECT_EQ(CountHeifItems(File(Reference("dimg", 1, {2, 2, 2}))), 4U);
  // A grid of two grids of three tiles each, and an alpha for one of the tiles.
  EXPECT_EQ(CountHeifItems(File(Reference("dimg", 1, {2, 2}) + Reference("dimg", 2, {3, 4, 5}) +
                                Reference("auxl", 6, {5}))),
            1U + 2 + 6 + 2);
  EXPECT_EQ(CountHeifItems(File(Reference("thmb", 1, {1}))), 0U);  // not decoded
}

TEST(HeifReferences, GridsOfGridsMultiply) {
  std::string references;
  for (uint32_t id = 1; id <= 20; ++id) {
    references += Reference("dimg", id, std::vector<uint32_t>(60000, id + 1));
  }
  EXPECT_EQ(CountHeifItems(File(references)), UINT64_MAX);
}

TEST(HeifReferences, CirclesAreFound) {
  EXPECT_EQ(CountHeifItems(File(Reference("dimg", 1, {1}))), std::nullopt);
  EXPECT_EQ(CountHeifItems(File(Reference("dimg", 1, {2}) + Reference("dimg", 2, {3}) +
                                Reference("dimg", 3, {4, 2}))),
            std::nullopt);
  EXPECT_EQ(CountHeifItems(File(Reference("auxl", 1, {2}) + Reference("auxl", 2, {1}))),
            std::nullopt);
  const std::string wide =
      BigEndian(1 << 24, 4) + MediaBox("dimg", BigEndian(7, 4) + BigEndian(1, 2) + BigEndian(7, 4));
  EXPECT_EQ(CountHeifItems(MediaBox("meta", BigEndian(0, 4) + MediaBox("iref", wide))),
            std::nullopt);
}

TEST(HeifReferences, DamageEndsTheReading) {
  const std::string file = File(Reference("dimg", 1, {2, 3}));
  for (size_t length = 0; length < file.size(); ++length) {
    const auto count = CountHeifItems(std::string_view(file).substr(0, length));
    ASSERT_TRUE(count.has_value()) << length;
    EXPECT_LE(*count, 3U) << length;
  }
  EXPECT_EQ(CountHeifItems(BigEndian(3, 4) + "meta"), 0U);
}

}  // namespace
}  // namespace siglip
