// Orientation tags of all kinds, damaged ones included, and what the eight orientations do.
#include "image/exif.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "image/orientation.h"
#include "picture_files.h"

namespace siglip {
namespace {

std::span<const uint8_t> View(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

std::string BigEndianExif(int type, uint32_t count, const std::string& value) {
  return std::string("MM\0*", 4) + BigEndian(8, 4) + BigEndian(1, 2) + BigEndian(0x112, 2) +
         BigEndian(static_cast<uint32_t>(type), 2) + BigEndian(count, 4) + value;
}

TEST(ExifTest, ReadsBothByteOrdersAndPrefixes) {
  const std::string prefix("Exif\0\0", 6);
  const std::string little = Tiff({{0x100, 4, 5}, {0x112, 3, 6}});
  const std::string big = BigEndianExif(3, 1, BigEndian(8, 2) + BigEndian(0, 2));
  EXPECT_EQ(ExifOrientation(View(little)), 6);
  EXPECT_EQ(ExifOrientation(View(prefix + little)), 6);
  EXPECT_EQ(ExifOrientation(View(prefix + prefix + little)), 6);
  EXPECT_EQ(ExifOrientation(View(big)), 8);
  EXPECT_EQ(ExifOrientation(View(BigEndianExif(4, 1, BigEndian(3, 4)))), 3);
  // More values than fit: they lie elsewhere, and the first one counts.
  EXPECT_EQ(ExifOrientation(View(BigEndianExif(3, 3, BigEndian(22, 4)) + BigEndian(5, 2))), 5);
}

TEST(ExifTest, DamageGivesNothing) {
  const std::string good = Tiff({{0x112, 3, 6}});
  for (size_t length = 0; length < 20; ++length) {
    EXPECT_EQ(ExifOrientation(View(good.substr(0, length))), std::nullopt) << length;
  }
  const std::string garbage[] = {
      std::string(200, '\xFF'),
      "Exif",
      Tiff({{0x100, 3, 6}}),
      BigEndianExif(2, 1, std::string("6\0\0\0", 4)),  // a text
      BigEndianExif(3, 0, BigEndian(0, 4)),            // no value
      BigEndianExif(3, 9, BigEndian(0xFFFFFFF0, 4)),   // values behind the end
      BigEndianExif(4, 1, BigEndian(0xFFFFFFFF, 4)),
      Patched(good, 4, LittleEndian(0xFFFFFFFF, 4)),  // a directory behind the end
      Patched(good, 8, LittleEndian(0, 2)),           // a directory without entries
  };
  for (const std::string& bytes : garbage) {
    EXPECT_EQ(ExifOrientation(View(bytes)), std::nullopt);
    EXPECT_EQ(FindOrientation(View(bytes), "tiff:Orientation=\"7\""), 7);
  }
}

TEST(ExifTest, XmpCountsWhereExifIsSilent) {
  EXPECT_EQ(XmpOrientation("<a tiff:Orientation=\"6\">"), 6);
  EXPECT_EQ(XmpOrientation("<tiff:Orientation>3</tiff:Orientation>"), 3);
  EXPECT_EQ(XmpOrientation("tiff:Orientation tiff:Orientation>8"), 8);
  EXPECT_EQ(XmpOrientation("tiff:Orientation=\""), std::nullopt);
  EXPECT_EQ(XmpOrientation(""), std::nullopt);
  EXPECT_EQ(FindOrientation(View(Tiff({{0x112, 3, 2}})), "tiff:Orientation=\"6\""), 2);
  EXPECT_EQ(FindOrientation({}, ""), 1);
}

// Where each orientation's first row and column lie, as the EXIF standard words it.
TEST(OrientationTest, MatchesTheStandard) {
  for (const auto& [width, height] : {std::pair{5, 3}, {1, 4}, {4, 1}, {70, 41}}) {
    Image stored{.width = width, .height = height, .rgb = {}};
    for (int i = 0; i < width * height * 3; ++i)
      stored.rgb.push_back(static_cast<uint8_t>(i % 251));
    for (int orientation = 0; orientation <= 9; ++orientation) {
      const bool swaps = orientation >= 5 && orientation <= 8;
      const Image upright = ApplyOrientation(stored, orientation);
      ASSERT_EQ(upright.width, swaps ? height : width);
      ASSERT_EQ(upright.height, swaps ? width : height);
      for (int row = 0; row < height; ++row) {
        for (int column = 0; column < width; ++column) {
          const int right = width - 1 - column;
          const int bottom = height - 1 - row;
          const std::array<std::pair<int, int>, 10> places = {{{column, row},
                                                               {column, row},
                                                               {right, row},
                                                               {right, bottom},
                                                               {column, bottom},
                                                               {row, column},
                                                               {bottom, column},
                                                               {bottom, right},
                                                               {row, right},
                                                               {column, row}}};
          const auto [x, y] = places[orientation];
          const uint8_t* from = stored.rgb.data() + 3 * (row * width + column);
          const uint8_t* to = upright.rgb.data() + 3 * (y * upright.width + x);
          ASSERT_TRUE(std::equal(from, from + 3, to)) << orientation << ": " << x << ", " << y;
        }
      }
    }
  }
}

}  // namespace
}  // namespace siglip
