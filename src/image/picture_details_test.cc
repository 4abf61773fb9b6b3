// When pictures were taken, in files of all formats and in odd blocks of EXIF; their mean grey
// values. The files are Pillow's, see tests/support/make_times.py, and so is the meaning of their
// fields.
#include "siglip/picture_details.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "image/encoded_image.h"
#include "image/exif.h"
#include "image/grey_means.h"
#include "image/image_test_support.h"
#include "noise_picture.h"
#include "picture_files.h"

namespace siglip {
namespace {

// 2024-05-17T09:30:05, by `date -u -d ... +%s`.
constexpr int64_t kMay = 1715938205;

std::optional<TimeTaken> TimeOfFile(const std::string& name) {
  const std::string bytes = ReadBytes(PictureFolder().parent_path() / "times" / name);
  const DecodeOptions options;
  return EncodedImage(AsBytes(bytes), options, name).time_taken();
}

TEST(TimeTakenTest, IsFoundInAllFormatsThatHaveExif) {
  for (const std::string name :
       {"all.jpg", "all.png", "text.png", "all.webp", "all.tiff", "all.avif", "all.heic"}) {
    const std::string bytes = ReadBytes(PictureFolder().parent_path() / "times" / name);
    if (LacksCodec(bytes)) continue;
    const auto taken = TimeOfFile(name);
    ASSERT_TRUE(taken) << name;
    EXPECT_EQ(taken->local_seconds, kMay) << name;
    EXPECT_EQ(taken->offset_minutes, 330) << name;
    EXPECT_EQ(taken->utc_seconds(), kMay - 330 * 60) << name;
    EXPECT_EQ(taken->ToString(), "2024-05-17T09:30:05+05:30") << name;
  }
}

TEST(TimeTakenTest, IsTheOriginalOneOrElseThatOfDigitising) {
  EXPECT_EQ(TimeOfFile("no-offset.jpg"), (TimeTaken{kMay, std::nullopt}));
  EXPECT_EQ(TimeOfFile("no-offset.jpg")->ToString(), "2024-05-17T09:30:05");
  EXPECT_EQ(TimeOfFile("no-offset.jpg")->utc_seconds(), std::nullopt);
  // Each with its own offset.
  EXPECT_EQ(TimeOfFile("no-original.jpg")->ToString(), "2024-05-18T23:59:59-03:00");
  EXPECT_EQ(TimeOfFile("no-time.jpg"), std::nullopt);  // only that of the last change
}

TEST(TimeTakenTest, OfPicturesThatSayNothing) {
  for (const std::string name : {"rgb-stored.jpg", "orientation-6.png", "orientation-6.webp",
                                 "orientation-6.tiff", "tiff-big.tiff", "orientation-6.avif",
                                 "colour.heic", "gif-plain.gif", "bmp-24.bmp", "pnm-plain-1.pnm"}) {
    const std::string bytes = ReadPicture(name);
    if (LacksCodec(bytes)) continue;
    const DecodeOptions options;
    EXPECT_EQ(EncodedImage(AsBytes(bytes), options, name).time_taken(), std::nullopt) << name;
  }
}

/// A block of EXIF that says these of its original time and offset.
std::string Block(const std::string& time, const std::string& offset = {}, uint32_t type = 2) {
  constexpr uint32_t kDirectory = 26;  // behind the first
  constexpr uint32_t kTexts = kDirectory + 2 + 2 * 12 + 4;
  const auto entry = [&](int tag, const std::string& text, uint32_t at) {
    return LittleEndian(static_cast<uint64_t>(tag), 2) + LittleEndian(type, 2) +
           LittleEndian(text.size(), 4) + LittleEndian(at, 4);
  };
  const auto at = static_cast<uint32_t>(kTexts + time.size());
  return Tiff({{0x8769, 4, kDirectory}}) + LittleEndian(2, 2) + entry(0x9003, time, kTexts) +
         entry(0x9011, offset, at) + LittleEndian(0, 4) + time + offset;
}

std::string TextOf(const std::string& block) {
  const auto taken = ExifTimeTaken(AsUint8(block));
  return taken ? taken->ToString() : "none";
}

TEST(TimeTakenTest, OfPossibleTimesOnly) {
  const auto said = [](const std::string& time) { return TextOf(Block(time)); };
  EXPECT_EQ(said(std::string("2024:02:29 00:00:00\0", 20)), "2024-02-29T00:00:00");
  EXPECT_EQ(said("1969:12:31 23:59:59"), "1969-12-31T23:59:59");  // without the zero at its end
  EXPECT_EQ(said(std::string("0001:01:01 00:00:00\0junk", 24)), "0001-01-01T00:00:00");
  EXPECT_EQ(said("9999:12:31 23:59:59"), "9999-12-31T23:59:59");
  for (const std::string time :
       {"0000:00:00 00:00:00", "0000:01:01 00:00:00", "    :  :     :  :  ", "2023:02:29 00:00:00",
        "2024:13:01 00:00:00", "2024:00:10 00:00:00", "2024:04:31 00:00:00", "2024:04:00 00:00:00",
        "2024:05:17 24:00:00", "2024:05:17 09:60:00", "2024:05:17 09:30:60", "2024:05:17 09:30",
        "2024:05:17 09:30:005", "2024-05-17T09:30:05", "2024:05:17 09:30:0x", "+024:05:17 09:30:05",
        "garbage", ""}) {
    EXPECT_EQ(said(time), "none") << time;
  }
  EXPECT_EQ(TextOf(Block("2024:05:17 09:30:05", "+01:00", 7)), "none");  // not a text
}

TEST(TimeTakenTest, OfPossibleOffsetsOnly) {
  const auto said = [](const std::string& offset) {
    return TextOf(Block("2024:05:17 09:30:05", offset)).substr(19);
  };
  EXPECT_EQ(said("+00:00"), "+00:00");
  EXPECT_EQ(said(std::string("-09:30\0", 7)), "-09:30");
  EXPECT_EQ(said("-00:30"), "-00:30");
  EXPECT_EQ(said("+23:59"), "+23:59");
  for (const std::string offset :
       {"", "Z", "+24:00", "+01:60", "+1:00", "   :  ", "01:00", "*01:00"}) {
    EXPECT_EQ(said(offset), "") << offset;
  }
}

TEST(TimeTakenTest, OfDamagedBlocks) {
  const std::string good = Block("2024:05:17 09:30:05", "+05:30");
  ASSERT_EQ(TextOf(good), "2024-05-17T09:30:05+05:30");
  // Without an offset where only that is cut.
  for (size_t length = 0; length < good.size(); ++length) {
    const bool has_time = length >= good.size() - 6;
    EXPECT_EQ(TextOf(good.substr(0, length)), has_time ? "2024-05-17T09:30:05" : "none") << length;
  }
  EXPECT_EQ(TextOf(Patched(good, 18, LittleEndian(8, 4))), "none");  // the same directory again
  EXPECT_EQ(TextOf(Patched(good, 18, LittleEndian(0xFFFFFFFF, 4))), "none");
  EXPECT_EQ(TextOf(Patched(good, 12, LittleEndian(3, 2))), "none");  // not of the right type
  EXPECT_EQ(TextOf(Patched(good, 32, LittleEndian(0xFFFFFFFF, 4))), "none");  // longer than all
}

// By fractions of pixels, as one would on paper.
PictureGreys NaiveGreys(const Image& image) {
  PictureGreys greys;
  const auto overlap = [](double begin, double end, int64_t pixel) {
    return std::max(0.0, std::min(end, static_cast<double>(pixel + 1)) -
                             std::max(begin, static_cast<double>(pixel)));
  };
  const auto width = static_cast<double>(image.width);
  const auto height = static_cast<double>(image.height);
  for (int row = 0; row < 8; ++row) {
    for (int column = 0; column < 9; ++column) {
      double sum = 0;
      for (int64_t y = 0; y < image.height; ++y) {
        for (int64_t x = 0; x < image.width; ++x) {
          const uint8_t* const rgb = image.rgb.data() + 3 * (y * image.width + x);
          const double grey = std::floor(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] + 0.5);
          sum += grey * overlap(row * height / 8, (row + 1) * height / 8, y) *
                 overlap(column * width / 9, (column + 1) * width / 9, x);
        }
      }
      greys[static_cast<size_t>(row * 9 + column)] =
          static_cast<uint8_t>(std::floor(sum / (width * height / 72) + 0.5));
    }
  }
  return greys;
}

TEST(GreyMeansTest, AreTheMeansOfEqualFields) {
  for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{
           {8, 9}, {224, 224}, {1, 1}, {1, 40}, {40, 1}, {5, 7}, {7, 5}, {16, 18}, {33, 100}}) {
    const Image image = NoisePicture(height, width);
    EXPECT_EQ(GreyMeans(image), NaiveGreys(image)) << height << " x " << width;
  }
}

// A row for every colour; its grey by Pillow's convert("L").
TEST(GreyMeansTest, AreOfPillowsGrey) {
  const std::vector<std::pair<std::vector<uint8_t>, int>> colours = {
      {{255, 0, 0}, 76},      {{0, 255, 0}, 150}, {{0, 0, 255}, 29},   {{10, 20, 30}, 18},
      {{255, 255, 255}, 255}, {{254, 1, 7}, 77},  {{77, 200, 3}, 141}, {{128, 127, 129}, 128}};
  Image image{.width = 1, .height = 8, .rgb = {}};
  for (const auto& [rgb, grey] : colours) image.rgb.insert(image.rgb.end(), rgb.begin(), rgb.end());
  const PictureGreys greys = GreyMeans(image);
  for (size_t i = 0; i < greys.size(); ++i) EXPECT_EQ(greys[i], colours[i / 9].second) << i;
}

TEST(GreyMeansTest, TakeRowsOfAnyStride) {
  const Image image = NoisePicture(13, 20);
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < 13; ++y) {
    pixels.insert(pixels.end(), image.rgb.begin() + y * 60, image.rgb.begin() + (y + 1) * 60);
    pixels.insert(pixels.end(), 7, 99);
  }
  EXPECT_EQ(GreyMeans({20, 13, pixels.data(), 67}), GreyMeans(image));
}

}  // namespace
}  // namespace siglip
