// Pictures from files, from bytes and from pixels: the same values, whatever they are called, and
// errors that say their names.
#include "siglip/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "picture_files.h"
#include "scratch_folder.h"
#include "siglip/transformers/image_processor.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

SiglipImageProcessor Fixed(int64_t side) {
  ImageProcessorConfig config;
  config.height = config.width = side;
  return {config, PreprocessMode::kPillow13};
}

SiglipImageProcessor NeverResizing() {
  ImageProcessorConfig config;
  config.do_resize = false;
  return {config, PreprocessMode::kPillow13};
}

SiglipImageProcessor Cropping() {
  ImageProcessorConfig config;
  config.shortest_edge = 12;
  config.do_center_crop = true;
  config.crop_height = config.crop_width = 10;
  return {config, PreprocessMode::kTorchvision};
}

SiglipImageProcessor Nearest() {
  ImageProcessorConfig config;
  config.resample = Resample::kNearest;
  return {config, PreprocessMode::kPillow13};
}

std::vector<ImageProcessor> Processors() {
  return {Fixed(16), NeverResizing(), Cropping(), Nearest(),
          Siglip2ImageProcessor({}, PreprocessMode::kTorchvision)};
}

std::vector<float> Values(const ImageProcessor& processor, const Picture& picture,
                          const DecodeOptions& options = {}) {
  PreparedPicture prepared;
  processor.Prepare(picture, options, prepared);
  const auto values = prepared.pixel_values.floats();
  return {values.begin(), values.end()};
}

std::vector<float> Values(const ImageProcessor& processor, const Image& image) {
  PreparedPicture prepared;
  processor.Prepare(image, prepared);
  const auto values = prepared.pixel_values.floats();
  return {values.begin(), values.end()};
}

std::vector<uint8_t> SomePixels(size_t count) {
  std::vector<uint8_t> pixels;
  for (size_t i = 0; i < count; ++i) pixels.push_back(static_cast<uint8_t>(i * i % 251 ^ i));
  return pixels;
}

TEST(PictureTest, FilesBytesAndPixelsHaveTheSameValues) {
  for (const char* file : {"exif-6.jpg", "alpha.png", "grey.jpg", "rgb.ppm"}) {
    SCOPED_TRACE(file);
    const std::filesystem::path path = kGoldenImages / file;
    const Image image = DecodeImageFile(path);
    const PixelLayout layout{.width = image.width, .height = image.height};
    for (const ImageProcessor& processor : Processors()) {
      const std::vector<float> expected = Values(processor, image);
      EXPECT_EQ(Values(processor, Picture::File(path)), expected);
      EXPECT_EQ(Values(processor, Picture::Bytes(ReadBytes(path))), expected);
      EXPECT_EQ(Values(processor, Picture::Pixels(image.rgb, layout)), expected);
    }
  }
}

TEST(PictureTest, NamesDecideNothing) {
  const ScratchFolder folder;
  const std::filesystem::path jpeg = kGoldenImages / "rgb.jpg";
  const std::vector<float> expected = Values(Fixed(16), Picture::File(jpeg));
  for (const char* name : {"text:a.jpg", "a.png", "list.txt", "-", "a\nb"}) {
    std::filesystem::copy_file(jpeg, folder / name);
    EXPECT_EQ(Picture::File(folder / name).name(), (folder / name).string());
    EXPECT_EQ(Values(Fixed(16), Picture::File(folder / name)), expected) << name;
    const Picture bytes = Picture::Bytes(ReadBytes(jpeg), name);
    EXPECT_EQ(bytes.name(), name);
    EXPECT_EQ(Values(Fixed(16), bytes), expected) << name;
  }
  EXPECT_EQ(Picture::File(jpeg, "the first").name(), "the first");
  EXPECT_EQ(Picture::Bytes({}).name(), "picture");
  EXPECT_EQ(Picture::Pixels({}, {}).name(), "picture");
}

TEST(PictureTest, RowsMayHaveGaps) {
  constexpr int64_t kHeight = 21;
  for (const int64_t width : {1, 5, 64}) {
    const int64_t row_bytes = 3 * width;
    const std::vector<uint8_t> dense = SomePixels(static_cast<size_t>(kHeight * row_bytes));
    const ImageProcessor processor = Fixed(16);
    const std::vector<float> expected =
        Values(processor, Picture::Pixels(dense, {.width = width, .height = kHeight}));
    for (const int64_t gap : {1, 7, 100}) {
      const PixelLayout layout{.width = width, .height = kHeight, .row_stride = row_bytes + gap};
      // Memory ends with the last pixel.
      std::vector<uint8_t> pixels((kHeight - 1) * layout.row_stride + row_bytes, 99);
      for (int64_t y = 0; y < kHeight; ++y) {
        std::copy_n(dense.begin() + y * row_bytes, row_bytes,
                    pixels.begin() + y * layout.row_stride);
      }
      EXPECT_EQ(Values(processor, Picture::Pixels(std::move(pixels), layout)), expected)
          << width << " and " << gap;
    }
  }
}

TEST(PictureTest, GreyIsEqualChannels) {
  const std::vector<uint8_t> grey = SomePixels(size_t{30} * 20);
  std::vector<uint8_t> rgb;
  for (const uint8_t value : grey) rgb.insert(rgb.end(), 3, value);
  for (const ImageProcessor& processor : Processors()) {
    EXPECT_EQ(Values(processor, Picture::Pixels(grey, {.width = 30, .height = 20, .channels = 1})),
              Values(processor, Picture::Pixels(rgb, {.width = 30, .height = 20, .channels = 3})));
  }
}

TEST(PictureTest, AlphaIsThatOfAFile) {
  const std::vector<uint8_t> rgba = SomePixels(size_t{30} * 20 * 4);
  std::string rows;
  for (size_t y = 0; y < 20; ++y) {
    rows += '\0';  // the filter that changes nothing
    rows.append(rgba.begin() + y * 120, rgba.begin() + (y + 1) * 120);
  }
  const std::string png = PngHeader(30, 20, 8, 6) + PngPixels(rows);
  const Picture pixels = Picture::Pixels(rgba, {.width = 30, .height = 20, .channels = 4});
  for (const AlphaPolicy alpha : {AlphaPolicy::kWhite, AlphaPolicy::kDrop}) {
    DecodeOptions options;
    options.alpha = alpha;
    EXPECT_EQ(Values(NeverResizing(), pixels, options),
              Values(NeverResizing(), Picture::Bytes(png), options));
  }
}

TEST(PictureTest, BorrowedMemoryLivesAsLongAsThePicture) {
  const auto bytes = std::make_shared<const std::string>(ReadPicture("jpeg-411111.jpg"));
  const auto pixels = std::make_shared<const std::vector<uint8_t>>(SomePixels(300));
  std::vector<Picture> pictures = {
      Picture::BorrowedBytes(AsBytes(*bytes), bytes),
      Picture::BorrowedPixels(*pixels, {.width = 10, .height = 10}, pixels)};
  EXPECT_EQ(bytes.use_count(), 2);
  EXPECT_EQ(pixels.use_count(), 2);
  const std::vector<Picture> copies = pictures;
  pictures.clear();
  EXPECT_EQ(bytes.use_count(), 2);
  EXPECT_EQ(Values(Fixed(16), copies[0]),
            Values(Fixed(16), Picture::File(PictureFolder() / "jpeg-411111.jpg")));
  EXPECT_EQ(pixels.use_count(), 2);
}

TEST(PictureTest, BytesFailAsFilesDo) {
  const ScratchFolder folder;
  const std::string whole = ReadPicture("jpeg-411111.jpg");
  const std::string png = ReadBytes(kGoldenImages / "rgb.png");
  const std::string contents[] = {"",
                                  "hello",
                                  whole.substr(0, whole.size() / 2),
                                  whole.substr(0, 20),
                                  png.substr(0, png.size() / 2),
                                  "P6 0 0 255 "};
  for (const std::string& content : contents) {
    const auto message = [&](const Picture& picture, const std::string& name) {
      try {
        Values(Fixed(16), picture);
      } catch (const Error& error) {
        EXPECT_TRUE(error.message().starts_with(name + ": ")) << error.what();
        return std::string(ToString(error.code())) + error.message().substr(name.size());
      }
      ADD_FAILURE() << "no error";
      return std::string();
    };
    const std::filesystem::path path = folder / "file";
    std::ofstream(path, std::ios::binary) << content;
    const std::string expected = message(Picture::File(path), path.string());
    EXPECT_EQ(message(Picture::File(path, "other"), "other"), expected);
    EXPECT_EQ(message(Picture::Bytes(content), "picture"), expected);
    EXPECT_EQ(message(Picture::Bytes(content, "text:a.jpg"), "text:a.jpg"), expected);
  }
  ExpectError(ErrorCode::kNotFound, {"a cat: expected a picture, found no such file"},
              [&] { Values(Fixed(16), Picture::File(folder / "missing", "a cat")); });
  DecodeOptions options;
  options.limits.max_file_bytes = 10;
  ExpectError(ErrorCode::kLimitExceeded, {"a cat: ", "10"},
              [&] { Values(Fixed(16), Picture::Bytes(whole, "a cat"), options); });
}

TEST(PictureTest, PreprocessingNamesThePicture) {
  const Picture picture = Picture::Pixels(SomePixels(300), {.width = 10, .height = 10}, "a cat");
  PreparedPicture prepared;
  ExpectError(ErrorCode::kMismatch, {"a cat: preprocessed to 10x10"},
              [&] { ImageProcessor(NeverResizing()).Prepare(picture, {}, prepared, 20); });
}

TEST(PictureTest, PixelsAreChecked) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  struct Case {
    PixelLayout layout;
    ErrorCode code;
    std::string expected;
  };
  const Case cases[] = {
      {{.width = 10, .height = 10, .channels = 2}, ErrorCode::kInvalidArgument, "found 2"},
      {{.width = 10, .height = 10, .channels = 0}, ErrorCode::kInvalidArgument, "found 0"},
      {{.width = 0, .height = 10}, ErrorCode::kInvalidArgument, "found 0 x 10"},
      {{.width = 10, .height = -1}, ErrorCode::kInvalidArgument, "found 10 x -1"},
      {{.width = 10, .height = 11}, ErrorCode::kInvalidArgument, "expected 330 bytes"},
      {{.width = 10, .height = 10, .row_stride = 29},
       ErrorCode::kInvalidArgument,
       "a stride of 29"},
      {{.width = 10, .height = 10, .row_stride = -30},
       ErrorCode::kInvalidArgument,
       "stride of -30"},
      {{.width = 10, .height = 10, .row_stride = 31}, ErrorCode::kInvalidArgument, "309 bytes"},
      {{.width = 10, .height = 10, .row_stride = kMost}, ErrorCode::kInvalidArgument, "bytes"},
      {{.width = kMost, .height = kMost}, ErrorCode::kLimitExceeded, "--max-pixels"},
      {{.width = kMost, .height = 1}, ErrorCode::kLimitExceeded, "--max-pixels"},
      {{.width = 13400, .height = 13400, .channels = 1}, ErrorCode::kLimitExceeded, "--max-pixels"},
  };
  for (const Case& test : cases) {
    const Picture picture = Picture::Pixels(SomePixels(300), test.layout, "text:a.jpg");
    ExpectError(test.code, {"text:a.jpg: expected ", test.expected},
                [&] { Values(Fixed(16), picture); });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"expected 300 bytes of pixels, found 299"}, [&] {
    Values(Fixed(16), Picture::Pixels(SomePixels(299), {.width = 10, .height = 10}));
  });
  DecodeOptions options;
  options.limits.max_memory_bytes = 299;
  ExpectError(ErrorCode::kLimitExceeded, {"--max-memory"}, [&] {
    Values(Fixed(16), Picture::Pixels(SomePixels(300), {.width = 10, .height = 10}), options);
  });
}

}  // namespace
}  // namespace siglip
