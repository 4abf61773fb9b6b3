// Decoding against Pillow's own pixels, for every kind of picture, orientation and alpha policy;
// limits; files that cannot be read.
#include "image/decode.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <ostream>
#include <random>
#include <thread>

#include "expect_error.h"
#include "golden_tensors.h"
#include "picture_files.h"
#include "scratch_folder.h"
#include "source_folders.h"

namespace siglip {
namespace {

DecodeOptions OptionsFor(AlphaPolicy alpha) {
  DecodeOptions options;
  options.alpha = alpha;
  return options;
}

void ExpectPixels(const Image& image, const GoldenTensor& expected, const std::string& what) {
  const std::vector<int64_t> shape = {image.height, image.width, 3};
  ASSERT_EQ(shape, expected.shape) << what;
  ASSERT_EQ(image.rgb.size(), expected.bytes.size()) << what;
  const auto [found, wanted] =
      std::mismatch(image.rgb.begin(), image.rgb.end(), expected.bytes.begin());
  if (found == image.rgb.end()) return;
  const int64_t at = (found - image.rgb.begin()) / 3;
  ADD_FAILURE() << what << ": pixel " << at % image.width << ", " << at / image.width << " is "
                << int{*found} << ", expected " << int{*wanted};
}

// Every picture that expected.safetensors of a folder knows, with both policies, unless this build
// lacks its codec.
int ExpectFolder(const std::filesystem::path& folder) {
  const std::map<std::string, GoldenTensor> expected =
      ReadGoldenTensors(folder / "expected.safetensors");
  int pictures = 0;
  for (const auto& [key, pixels] : expected) {
    if (!key.ends_with("/rgb")) continue;
    ++pictures;
    const std::string name = key.substr(0, key.size() - 4);
    if (LacksCodec(ReadBytes(folder / name))) continue;
    const auto on_white = expected.find(key + ".white");
    ExpectPixels(DecodeImageFile(folder / name, OptionsFor(AlphaPolicy::kDrop)), pixels,
                 name + ", alpha dropped");
    ExpectPixels(DecodeImageFile(folder / name, OptionsFor(AlphaPolicy::kWhite)),
                 on_white == expected.end() ? pixels : on_white->second, name + ", on white");
  }
  return pictures;
}

TEST(DecodeTest, GoldenPicturesAreExact) { EXPECT_GE(ExpectFolder(kGoldenImages), 31); }

TEST(DecodeTest, PicturesOfEveryKindAreExact) { EXPECT_GE(ExpectFolder(PictureFolder()), 164); }

TEST(DecodeTest, TiffsOfEveryKindAreExact) {
  EXPECT_EQ(ExpectFolder(PictureFolder().parent_path() / "tiff"), 104);
}

TEST(DecodeTest, FaultsThatPillowReadsOver) { EXPECT_GE(ExpectFolder(FaultyPictureFolder()), 101); }

// The picture that HEIC test files hold, before its lossy compression.
void ExpectRamp(const Image& image, bool half_transparent) {
  ASSERT_EQ(image.width, 48);
  ASSERT_EQ(image.height, 32);
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 48; ++x) {
      if (half_transparent && std::abs(x - 24) < 2) continue;
      const bool hidden = half_transparent && x >= 24;
      const uint8_t* rgb = image.rgb.data() + 3 * (y * 48 + x);
      EXPECT_NEAR(rgb[0], hidden ? 255 : x * 255 / 47, 16) << x << ", " << y;
      EXPECT_NEAR(rgb[1], hidden ? 255 : y * 255 / 31, 16) << x << ", " << y;
      EXPECT_NEAR(rgb[2], hidden ? 255 : 128, 16) << x << ", " << y;
    }
  }
}

TEST(DecodeTest, HeicIsRead) {
  if (!CanDecode(ImageFormat::kHeic)) GTEST_SKIP() << "built without HEIC";
  ExpectRamp(DecodeImageFile(PictureFolder() / "colour.heic"), false);
  ExpectRamp(DecodeImageFile(PictureFolder() / "alpha.heic"), true);
  ExpectRamp(DecodeImageFile(PictureFolder() / "alpha.heic", OptionsFor(AlphaPolicy::kDrop)),
             false);
}

TEST(DecodeTest, FormatsLeftOutAreNamed) {
  for (const std::string name : {"webp-lossy-alpha.webp", "gif-plain.gif", "tiff-lzw.tiff",
                                 "avif-444.avif", "colour.heic"}) {
    const std::string bytes = ReadPicture(name);
    if (!LacksCodec(bytes)) continue;
    const std::string format(ToString(*DetectImageFormat(AsBytes(bytes))));
    ExpectError(ErrorCode::kUnsupported, {name + ": siglip was built without " + format},
                [&] { DecodeImageFile(PictureFolder() / name); });
  }
}

TEST(DecodeTest, OrientationIsOptional) {
  DecodeOptions options;
  options.apply_exif_orientation = false;
  for (const std::string ending : {".png", ".webp", ".jpg", ".tiff", ".avif"}) {
    if (LacksCodec(ReadPicture("orientation-1" + ending))) continue;
    const Image upright = DecodeImageFile(PictureFolder() / ("orientation-1" + ending));
    for (int orientation = 2; orientation <= 8; ++orientation) {
      const std::string name = "orientation-" + std::to_string(orientation) + ending;
      const Image stored = DecodeImageFile(PictureFolder() / name, options);
      EXPECT_EQ(stored.width, upright.width) << name;
      // Pillow stores AVIF and TIFF pixels as given, with the orientation beside them.
      EXPECT_TRUE(stored.rgb == upright.rgb) << name;
      const Image turned = DecodeImageFile(PictureFolder() / name);
      EXPECT_EQ(turned.width, orientation >= 5 ? upright.height : upright.width) << name;
    }
  }
}

// Whether Pillow 13 turns a TIFF whose orientation, a quarter turn, is of this type.
TEST(DecodeTest, OrientationOfUnusualTypesInTiff) {
  if (!CanDecode(ImageFormat::kTiff)) GTEST_SKIP() << "built without TIFF";
  constexpr uint32_t kSixAsFloat = 0x40C00000;
  struct Case {
    int type;
    uint32_t value;
    bool turned;
  };
  for (const auto& [type, value, turned] : {Case{1, 6, false},
                                            {2, 6, false},
                                            {3, 6, true},
                                            {4, 6, true},
                                            {6, 6, true},
                                            {7, 6, false},
                                            {8, 6, true},
                                            {9, 6, true},
                                            {11, kSixAsFloat, true},
                                            {13, 6, true},
                                            {17, 6, false}}) {
    const std::string file = Tiff({{256, 4, 4},
                                   {257, 4, 2},
                                   {258, 3, 8},
                                   {259, 3, 1},
                                   {262, 3, 1},
                                   {273, 4, 8 + 2 + 9 * 12 + 4},
                                   {274, type, value},
                                   {278, 4, 2},
                                   {279, 4, 8}},
                                  "abcdefgh");
    EXPECT_EQ(DecodeImage(AsBytes(file), {}, "picture").width, turned ? 2 : 4) << type;
  }
}

// Writers pad the last strip, and some leave the checksum out.
TEST(DecodeTest, DeflatedStripsOfTiffMayHoldMoreRowsAndLackTheChecksum) {
  if (!CanDecode(ImageFormat::kTiff)) GTEST_SKIP() << "built without TIFF";
  constexpr size_t kWidth = 64;
  std::mt19937 random(1);
  std::string rows(4 * kWidth, '\0');  // of which the picture has two
  for (char& grey : rows) grey = static_cast<char>(random());
  std::string expected;
  for (const char grey : rows.substr(0, 2 * kWidth)) expected += std::string(3, grey);
  const std::string checked = Deflated(rows.substr(0, 2 * kWidth));
  for (const std::string& data : {Deflated(rows), checked.substr(0, checked.size() - 4)}) {
    const std::string file = Tiff({{256, 4, kWidth},
                                   {257, 4, 2},
                                   {258, 3, 8},
                                   {259, 3, 8},
                                   {262, 3, 1},
                                   {273, 4, 8 + 2 + 8 * 12 + 4},
                                   {278, 4, 4},
                                   {279, 4, static_cast<uint32_t>(data.size())}},
                                  data);
    const Image image = DecodeImage(AsBytes(file), {}, "picture");
    EXPECT_TRUE(std::string(image.rgb.begin(), image.rgb.end()) == expected) << data.size();
  }
}

TEST(DecodeTest, ManyThreadsDecodeAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> failures(4, 0);
  const auto expected = ReadGoldenTensors(PictureFolder() / "expected.safetensors");
  for (int rank = 0; rank < 4; ++rank) {
    threads.emplace_back([&, rank] {
      for (const auto& [key, pixels] : expected) {
        if (!key.ends_with("/rgb")) continue;
        const std::string name = key.substr(0, key.size() - 4);
        const std::string cut = ReadPicture(name).substr(0, 40);
        if (LacksCodec(cut)) continue;
        const DecodeOptions options = OptionsFor(AlphaPolicy::kDrop);
        if (DecodeImageFile(PictureFolder() / name, options).rgb != pixels.bytes) ++failures[rank];
        try {  // errors must not meet either
          DecodeImage(AsBytes(cut), options, "cut");
          ++failures[rank];
        } catch (const Error&) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4, 0));
}

// One picture per format, its pixels counted from its size.
const std::vector<std::string> kOnePerFormat = {
    "cmyk-progressive.jpg",  "restarts.jpg",    "png-8-6.png",      "png-16-6-interlaced.png",
    "webp-lossy-alpha.webp", "gif-plain.gif",   "bmp-24.bmp",       "bmp-rle8.bmp",
    "tiff-lzw.tiff",         "tiff-ycbcr.tiff", "tiff-planes.tiff", "pnm-plain-3-255.pnm",
    "pnm-binary-2-255.pnm",  "avif-420.avif"};

TEST(DecodeLimitsTest, PixelsAreCountedBeforeDecoding) {
  for (const std::string& name : kOnePerFormat) {
    const std::string bytes = ReadPicture(name);
    if (LacksCodec(bytes)) continue;
    DecodeOptions options;
    options.limits.max_pixels = 23 * 17;
    EXPECT_EQ(DecodeImage(AsBytes(bytes), options, name).width, 23) << name;
    options.limits.max_pixels = 23 * 17 - 1;
    ExpectError(ErrorCode::kLimitExceeded, {name, "390", "23 x 17", "--max-pixels"},
                [&] { DecodeImage(AsBytes(bytes), options, name); });
  }
}

TEST(DecodeLimitsTest, MemoryIncludesIntermediates) {
  for (const std::string& name : kOnePerFormat) {
    const std::string bytes = ReadPicture(name);
    if (LacksCodec(bytes)) continue;
    DecodeOptions options;
    options.limits.max_memory_bytes = 23 * 17 * 3;  // the picture alone
    ExpectError(ErrorCode::kLimitExceeded, {name, "1173", "--max-memory"},
                [&] { DecodeImage(AsBytes(bytes), options, name); });
  }
}

DecodeOptions WithinSeconds(double seconds) {
  DecodeOptions options;
  options.limits.max_seconds = seconds;
  return options;
}

TEST(DecodeLimitsTest, DecodingMayTakeSoLong) {
  for (const std::string& name : kOnePerFormat) {
    const std::string bytes = ReadPicture(name);
    if (LacksCodec(bytes)) continue;
    for (const double enough : {0.0, 1000.0, 1e300}) {
      EXPECT_EQ(DecodeImage(AsBytes(bytes), WithinSeconds(enough), name).width, 23) << name;
    }
    ExpectError(ErrorCode::kLimitExceeded, {name, "within 1e-09 seconds", "max_seconds"},
                [&] { DecodeImage(AsBytes(bytes), WithinSeconds(1e-9), name); });
  }
}

// What is wrong at the end of a picture is not found when there is no time to get there.
TEST(DecodeLimitsTest, DecodingEndsWhereTheTimeDoes) {
  std::string sample = ReadPicture("pnm-plain-3-255.pnm");
  while (sample.back() == '\n' || sample.back() == ' ') sample.pop_back();
  sample.back() = 'x';
  const std::string bit = "P1 3 2 0 0 0 1 1 x";
  const std::string png = ReadPicture("png-8-6.png");
  const std::string interlaced = ReadPicture("png-16-6-interlaced.png");
  const std::string gif = ReadPicture("gif-plain.gif");
  const std::string jpeg = ReadPicture("restarts.jpg");
  const std::string scans = ReadPicture("cmyk-progressive.jpg");
  std::string tiff = ReadPicture("tiff-lzw.tiff");
  std::fill_n(tiff.begin() + 8, 40, '\xFF');  // where its pixels are
  const auto cut = [](const std::string& bytes) { return bytes.substr(0, bytes.size() - 40); };
  for (const std::string& damaged :
       {sample, bit, tiff, cut(png), cut(interlaced), cut(gif), cut(jpeg), cut(scans)}) {
    if (LacksCodec(damaged)) continue;
    const std::string format(ToString(*DetectImageFormat(AsBytes(damaged))));
    ExpectError(ErrorCode::kMalformedFile, {format},
                [&] { DecodeImage(AsBytes(damaged), {}, format); });
    ExpectError(ErrorCode::kLimitExceeded, {format},
                [&] { DecodeImage(AsBytes(damaged), WithinSeconds(1e-9), format); });
  }
}

TEST(DecodeLimitsTest, TurningNeedsASecondPicture) {
  const std::string bytes = ReadPicture("orientation-6.png");
  DecodeOptions options;
  options.limits.max_memory_bytes = 23 * 17 * 3 * 2;
  EXPECT_EQ(DecodeImage(AsBytes(bytes), options, "turned").width, 17);
  options.limits.max_memory_bytes -= 1;
  ExpectError(ErrorCode::kLimitExceeded, {"turned"},
              [&] { DecodeImage(AsBytes(bytes), options, "turned"); });
  options.apply_exif_orientation = false;
  EXPECT_EQ(DecodeImage(AsBytes(bytes), options, "turned").width, 23);
}

TEST(DecodeLimitsTest, FilesAreMeasuredBeforeReading) {
  const std::string name = "png-8-6.png";
  const std::string bytes = ReadPicture(name);
  DecodeOptions options;
  options.limits.max_file_bytes = static_cast<int64_t>(bytes.size());
  EXPECT_EQ(DecodeImageFile(PictureFolder() / name, options).width, 23);
  options.limits.max_file_bytes -= 1;
  const std::vector<std::string> parts = {name, std::to_string(bytes.size()), "--max-file-bytes"};
  ExpectError(ErrorCode::kLimitExceeded, parts,
              [&] { DecodeImageFile(PictureFolder() / name, options); });
  ExpectError(ErrorCode::kLimitExceeded, parts,
              [&] { DecodeImage(AsBytes(bytes), options, name); });
}

TEST(DecodeFileTest, WhatIsNoFileIsNamed) {
  const ScratchFolder scratch;
  ExpectError(ErrorCode::kNotFound, {"absent.png", "no such file"},
              [&] { DecodeImageFile(scratch / "absent.png"); });
  ExpectError(ErrorCode::kIo, {scratch.path().string(), "folder"},
              [&] { DecodeImageFile(scratch.path()); });
  ASSERT_EQ(::mkfifo((scratch / "pipe.png").c_str(), 0600), 0);
  ExpectError(ErrorCode::kIo, {"pipe.png", "regular file"},
              [&] { DecodeImageFile(scratch / "pipe.png"); });
  std::ofstream(scratch / "empty.png").close();
  ExpectError(ErrorCode::kMalformedFile, {"empty.png", "empty file"},
              [&] { DecodeImageFile(scratch / "empty.png"); });
  std::ofstream(scratch / "text.png") << "this is a text, whatever its name says";
  ExpectError(ErrorCode::kUnsupported, {"text.png", "no known image format"},
              [&] { DecodeImageFile(scratch / "text.png"); });
  std::filesystem::create_symlink(scratch / "gone", scratch / "link.png");
  ExpectError(ErrorCode::kNotFound, {"link.png"}, [&] { DecodeImageFile(scratch / "link.png"); });
}

TEST(DecodeFileTest, NamesDoNotMatter) {
  const ScratchFolder scratch;
  std::filesystem::copy(PictureFolder() / "bmp-24.bmp", scratch / "picture.jpg");
  EXPECT_EQ(DecodeImageFile(scratch / "picture.jpg").rgb,
            DecodeImageFile(PictureFolder() / "bmp-24.bmp").rgb);
}

TEST(ImageFormatTest, IsDetectedByContent) {
  const std::map<std::string, ImageFormat> formats = {{"rgb-stored.jpg", ImageFormat::kJpeg},
                                                      {"png-8-2.png", ImageFormat::kPng},
                                                      {"webp-lossy-alpha.webp", ImageFormat::kWebp},
                                                      {"gif-plain.gif", ImageFormat::kGif},
                                                      {"bmp-24.bmp", ImageFormat::kBmp},
                                                      {"tiff-lzw.tiff", ImageFormat::kTiff},
                                                      {"tiff-rgb16.tiff", ImageFormat::kTiff},
                                                      {"tiff-big.tiff", ImageFormat::kTiff},
                                                      {"pnm-binary-1.pnm", ImageFormat::kPnm},
                                                      {"pnm-plain-3-100.pnm", ImageFormat::kPnm},
                                                      {"avif-444.avif", ImageFormat::kAvif},
                                                      {"colour.heic", ImageFormat::kHeic}};
  for (const auto& [name, format] : formats) {
    const std::string head = ReadPicture(name).substr(0, 32);
    EXPECT_EQ(DetectImageFormat(AsBytes(head)), format) << name;
    for (size_t length = 0; length < 3; ++length) {  // too short to say, never an overrun
      EXPECT_EQ(DetectImageFormat(AsBytes(head.substr(0, std::min<size_t>(length, 1)))),
                std::nullopt);
    }
  }
  for (const std::string_view other :
       {"", "P7\n", "P6#", "RIFF1234WAVE", "....ftypqt  ", "GIF88a"}) {
    EXPECT_EQ(DetectImageFormat(AsBytes(other)), std::nullopt) << other;
  }
}

// The first box of a media file with `others` brands before the last one.
std::string TypeBox(const std::string& major, int others, const std::string& last) {
  std::string data = major + std::string(4, '\0');
  for (int i = 0; i < others; ++i) data += "miaf";
  return MediaBox("ftyp", data + last);
}

TEST(ImageFormatTest, BrandsCountAsFarAsTheirBoxReaches) {
  const ScratchFolder scratch;
  for (const int others : {0, 3, 4, 5, 30, 1000}) {
    for (const std::string major : {"isom", "miaf", "mif1"}) {
      for (const std::string& behind :
           {std::string(), MediaBox("free", "heic"), std::string("x")}) {
        const std::string heic = TypeBox(major, others, "heic") + behind;
        const std::string avif = TypeBox(major, others, "heicavif") + behind;
        EXPECT_EQ(DetectImageFormat(AsBytes(heic)), ImageFormat::kHeic) << others;
        EXPECT_EQ(DetectImageFormat(AsBytes(avif)), ImageFormat::kAvif) << others;
        std::ofstream(scratch / "without-ending") << heic;
        EXPECT_TRUE(LooksLikeImage(scratch / "without-ending")) << others;
      }
    }
    EXPECT_EQ(DetectImageFormat(AsBytes(TypeBox("heic", others, "avif"))), ImageFormat::kHeic);
    // A video, whatever follows the box.
    const std::string video = TypeBox("isom", others, "mp42") + "heicavifheicavif";
    EXPECT_EQ(DetectImageFormat(AsBytes(video)), std::nullopt) << others;
  }
  const std::string brands = "isom" + std::string(4, '\0') + "mp42heic";
  const std::string to_the_end = std::string(4, '\0') + "ftyp" + brands;
  EXPECT_EQ(DetectImageFormat(AsBytes(to_the_end)), ImageFormat::kHeic);
  const std::string long_length = BigEndian(1, 4) + "ftyp" + BigEndian(32, 8) + brands;
  EXPECT_EQ(DetectImageFormat(AsBytes(long_length)), ImageFormat::kHeic);
}

TEST(ImageFormatTest, MessagesOverBrandsEndWithoutALineEnd) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "brandless") << TypeBox("mif1", 0, "miaf");
  try {
    DecodeImageFile(scratch / "brandless");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.what();
  }
}

TEST(ImageFormatTest, FolderEntriesCountByEndingOrContent) {
  const ScratchFolder scratch;
  EXPECT_TRUE(LooksLikeImage("absent.JPG"));
  EXPECT_TRUE(LooksLikeImage("a/b/absent.tiff"));
  EXPECT_FALSE(LooksLikeImage("absent.txt"));
  EXPECT_FALSE(LooksLikeImage(scratch.path()));
  std::filesystem::copy(PictureFolder() / "bmp-24.bmp", scratch / "without-ending");
  EXPECT_TRUE(LooksLikeImage(scratch / "without-ending"));
  std::ofstream(scratch / "notes") << "text";
  EXPECT_FALSE(LooksLikeImage(scratch / "notes"));
  ASSERT_EQ(::mkfifo((scratch / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(LooksLikeImage(scratch / "pipe"));
}

}  // namespace
}  // namespace siglip
