// Orientation tags of all kinds, damaged ones included, and what the eight orientations do.
#include "image/exif.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "image/image_test_support.h"
#include "image/orientation.h"
#include "picture_files.h"

namespace siglip {
namespace {

struct Entry {
  uint32_t tag;
  uint32_t type;
  uint32_t count;
  std::string value;  // four bytes
};

std::string BigEndianExif(const std::vector<Entry>& entries, const std::string& behind = {}) {
  std::string block = std::string("MM\0*", 4) + BigEndian(8, 4) + BigEndian(entries.size(), 2);
  for (const Entry& entry : entries) {
    block += BigEndian(entry.tag, 2) + BigEndian(entry.type, 2) + BigEndian(entry.count, 4);
    block += entry.value;
  }
  return block + behind;
}

std::string BigEndianExif(uint32_t type, uint32_t count, const std::string& value,
                          const std::string& behind = {}) {
  return BigEndianExif({{0x112, type, count, value}}, behind);
}

std::string Two(uint32_t value) { return BigEndian(value, 2) + BigEndian(0, 2); }
std::string Four(uint32_t value) { return BigEndian(value, 4); }

TEST(ExifTest, ReadsBothByteOrdersAndPrefixes) {
  const std::string prefix("Exif\0\0", 6);
  const std::string little = Tiff({{0x100, 4, 5}, {0x112, 3, 6}});
  const std::string big = BigEndianExif(3, 1, Two(8));
  EXPECT_EQ(ExifOrientation(AsUint8(little)), 6);
  EXPECT_EQ(ExifOrientation(AsUint8(prefix + little)), 6);
  EXPECT_EQ(ExifOrientation(AsUint8(prefix + prefix + little)), 6);
  EXPECT_EQ(ExifOrientation(AsUint8(big)), 8);
  EXPECT_EQ(ExifOrientation(AsUint8(BigEndianExif(4, 1, Four(3)))), 3);
  // Pillow takes these for classic TIFF, too.
  EXPECT_EQ(ExifOrientation(AsUint8(Patched(big, 0, std::string("MM*\0", 4)))), 8);
  EXPECT_EQ(ExifOrientation(AsUint8(Patched(big, 0, std::string("MM\0+", 4)))), 8);
  // More values than fit: they lie elsewhere, and the first one counts.
  EXPECT_EQ(ExifOrientation(AsUint8(BigEndianExif(3, 3, Four(22), BigEndian(0x500030003, 6)))), 5);
}

// All expected values: Pillow 13's ImageOps.exif_transpose of a JPEG with this EXIF, alone and
// beside XMP that says 7.
void ExpectOrientation(int expected, const std::string& exif, const char* what) {
  EXPECT_EQ(FindOrientation(AsUint8(exif), ""), expected) << what;
  EXPECT_EQ(FindOrientation(AsUint8(exif), "tiff:Orientation=\"7\""), expected) << what;
}
void ExpectSilence(const std::string& exif, const char* what) {
  EXPECT_EQ(FindOrientation(AsUint8(exif), ""), 1) << what;
  EXPECT_EQ(FindOrientation(AsUint8(exif), "tiff:Orientation=\"7\""), 7) << what;
}

TEST(ExifTest, NumbersOfAnyTypeCount) {
  const std::string behind = Four(22);  // where values lie that do not fit
  ExpectOrientation(6, BigEndianExif(3, 2, BigEndian(6, 2) + BigEndian(3, 2)), "two shorts");
  ExpectOrientation(6, BigEndianExif(5, 1, behind, Four(6) + Four(1)), "rational");
  ExpectOrientation(6, BigEndianExif(5, 1, behind, Four(12) + Four(2)), "unreduced rational");
  ExpectOrientation(6, BigEndianExif(6, 1, std::string("\6\0\0\0", 4)), "signed byte");
  ExpectOrientation(6, BigEndianExif(6, 4, "\6\1\1\1"), "four signed bytes");
  ExpectOrientation(6, BigEndianExif(8, 1, Two(6)), "signed short");
  ExpectOrientation(6, BigEndianExif(9, 1, Four(6)), "signed long");
  ExpectOrientation(6, BigEndianExif(10, 1, behind, Four(~5U) + Four(~0U)), "signed rational");
  ExpectOrientation(6, BigEndianExif(11, 1, Four(0x40C00000)), "float");
  ExpectOrientation(6, BigEndianExif(12, 1, behind, Four(0x40180000) + Four(0)), "double");
  ExpectOrientation(6, BigEndianExif(13, 1, Four(6)), "directory");
  ExpectOrientation(6, BigEndianExif(16, 1, behind, Four(0) + Four(6)), "long of 8 bytes");
}

TEST(ExifTest, WhatIsNoOrientationStillOutweighsXmp) {
  const std::string behind = Four(22);
  ExpectOrientation(1, BigEndianExif(1, 1, std::string("\6\0\0\0", 4)), "byte");
  ExpectOrientation(1, BigEndianExif(2, 1, std::string("6\0\0\0", 4)), "text");
  ExpectOrientation(1, BigEndianExif(7, 1, std::string("\6\0\0\0", 4)), "undefined");
  ExpectOrientation(1, BigEndianExif(3, 1, Two(0)), "0");
  ExpectOrientation(1, BigEndianExif(3, 1, Two(77)), "77");
  ExpectOrientation(1, BigEndianExif(4, 1, Four(0xFFFFFFFF)), "2^32-1");
  ExpectOrientation(1, BigEndianExif(6, 1, std::string("\xFA\0\0\0", 4)), "-6");
  ExpectOrientation(1, BigEndianExif(5, 1, behind, Four(13) + Four(2)), "6.5");
  ExpectOrientation(1, BigEndianExif(11, 1, Four(0x40D00000)), "6.5 as float");
  ExpectOrientation(1, BigEndianExif(5, 1, behind, Four(6) + Four(0)), "6 / 0");
  ExpectOrientation(1, BigEndianExif({{0x112, 2, 1, "6   "}, {0x112, 3, 1, Two(6)}}), "text first");
  ExpectOrientation(1, std::string(200, '\xFF'), "no TIFF structure");
  ExpectOrientation(1, std::string("MM\0*\0\0", 6), "half a header");
  ExpectOrientation(1, Patched(Tiff({{0x112, 3, 6}}), 2, "+"), "little-endian BigTIFF");
}

TEST(ExifTest, EntriesThatCannotBeReadSayNothing) {
  const std::string good = Tiff({{0x112, 3, 6}});
  for (size_t length = 8; length < 22; ++length) {
    ExpectSilence(good.substr(0, length), "cut inside the entry");
  }
  ExpectOrientation(6, good.substr(0, 22), "cut behind the entry");
  ExpectOrientation(6, Patched(good, 8, "\xFF\xFF"), "more entries than there are");
  ExpectSilence("", "empty");
  ExpectSilence(std::string("Exif\0\0", 6), "prefix only");
  ExpectSilence(Patched(good, 4, LittleEndian(0xFFFFFFFF, 4)), "directory behind the end");
  ExpectSilence(Patched(good, 8, LittleEndian(0, 2)), "directory without entries");
  ExpectSilence(BigEndianExif(0, 1, Two(6)), "type 0");
  ExpectSilence(BigEndianExif(14, 1, Two(6)), "type 14");
  ExpectSilence(BigEndianExif(17, 1, Two(6)), "type 17");
  ExpectSilence(BigEndianExif(3, 0, Two(6)), "no value");
  ExpectSilence(BigEndianExif(3, 9, Four(0xFFFFFFF0)), "values behind the end");
  ExpectSilence(BigEndianExif(3, 3, Four(22), BigEndian(0x60003, 4)), "values cut");
}

TEST(ExifTest, EntriesBeforeItMatter) {
  const Entry six = {0x112, 3, 1, Two(6)};
  ExpectOrientation(6, BigEndianExif({{0x112, 14, 1, Two(3)}, six}), "unknown type, then good");
  ExpectOrientation(6, BigEndianExif({{0x112, 3, 0, Two(3)}, six}), "no value, then good");
  ExpectOrientation(3, BigEndianExif({{0x112, 3, 1, Two(3)}, six}), "the first of two");
  ExpectOrientation(6, BigEndianExif({{0x10F, 99, 4000, Four(4000)}, six}), "unknown type");
  ExpectOrientation(6, BigEndianExif({{0x10F, 2, 4000, Four(8)}, six}), "longer than the block");
  ExpectSilence(BigEndianExif({{0x10F, 2, 20, Four(4000)}, six}), "values behind the end");
  // Values elsewhere may fill the block once; those of a tag that is known already do not count.
  const Entry make = {0x10F, 2, 30, Four(0)};
  const Entry model = {0x110, 2, 30, Four(0)};
  const Entry rational = {0x112, 5, 1, Four(46)};
  const std::string behind = Four(6) + Four(1);
  ExpectOrientation(6, BigEndianExif({make, make, rational}, behind), "the same twice");
  ExpectSilence(BigEndianExif({make, {0x110, 2, 20, Four(0)}, rational}, behind), "no room left");
  ExpectSilence(BigEndianExif({make, model, rational}, behind), "skipped, yet counted");
}

TEST(ExifTest, XmpCountsWhereExifIsSilent) {
  EXPECT_EQ(XmpOrientation("<a tiff:Orientation=\"6\">"), 6);
  EXPECT_EQ(XmpOrientation("<tiff:Orientation>3</tiff:Orientation>"), 3);
  EXPECT_EQ(XmpOrientation("tiff:Orientation tiff:Orientation>8"), 8);
  EXPECT_EQ(XmpOrientation("tiff:Orientation=\""), std::nullopt);
  EXPECT_EQ(XmpOrientation(""), std::nullopt);
  EXPECT_EQ(FindOrientation(AsUint8(Tiff({{0x112, 3, 2}})), "tiff:Orientation=\"6\""), 2);
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
