// One processor for both kinds of models: the values of the processor it holds, in memory that is
// used again, and refusals.
#include "siglip/transformers/image_processor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/cpu_features.h"
#include "expect_error.h"
#include "image/preprocess.h"
#include "image/resize.h"
#include "picture_files.h"
#include "scoped_isa_variable.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

constexpr PreprocessMode kPillow = PreprocessMode::kPillow13;

SiglipImageProcessor Fixed(int64_t height, int64_t width) {
  ImageProcessorConfig config;
  config.height = height;
  config.width = width;
  return {config, kPillow};
}

Siglip2ImageProcessor Naflex(int64_t max_num_patches) {
  Siglip2ImageProcessorConfig config;
  config.max_num_patches = max_num_patches;
  return {config, kPillow};
}

std::filesystem::path Photo() { return SIGLIP_SOURCE_DIR "/tests/golden/images/exif-6.jpg"; }

void ExpectSameValues(std::span<const float> found, std::span<const float> expected) {
  EXPECT_TRUE(std::ranges::equal(found, expected));
}

/// Decoded beforehand and on the way.
void ForBothWays(const ImageProcessor& processor, const auto& check) {
  PreparedPicture picture;
  processor.Prepare(DecodeImageFile(Photo()), picture);
  check(picture);
  PreparedPicture again;
  processor.Prepare(Picture::Bytes(ReadBytes(Photo()), "photo"), {}, again);
  check(again);
}

TEST(EitherImageProcessorTest, PreparesPicturesOfOneSize) {
  const ImageProcessor processor = Fixed(20, 30);
  EXPECT_EQ(processor.resolution(), Resolution::kFixed);
  EXPECT_EQ(processor.mode(), kPillow);
  EXPECT_TRUE(processor.resizes());
  EXPECT_EQ(processor.FixedOutputSize(), (std::array<int64_t, 2>{20, 30}));
  const Tensor expected = Fixed(20, 30).PreprocessFile(Photo());
  ForBothWays(processor, [&](const PreparedPicture& picture) {
    EXPECT_EQ(picture.pixel_values.shape(), (Shape{1, 3, 20, 30}));
    EXPECT_EQ(picture.tokens(), 0);
    ExpectSameValues(picture.pixel_values.floats(), expected.floats());
  });
}

TEST(EitherImageProcessorTest, PreparesPatches) {
  const ImageProcessor processor = Naflex(20);
  EXPECT_EQ(processor.resolution(), Resolution::kNaflex);
  EXPECT_EQ(processor.FixedOutputSize(), std::nullopt);
  EXPECT_EQ(processor.patch_size(), 16);
  EXPECT_EQ(processor.max_num_patches(), 20);
  const Image photo = DecodeImageFile(Photo());
  const auto [rows, columns] = Naflex(20).SpatialShape(photo.height, photo.width);
  const VisionInputs expected = Naflex(20).PreprocessFile(Photo());
  ForBothWays(processor, [&, rows = rows, columns = columns](const PreparedPicture& picture) {
    EXPECT_EQ(picture.rows, rows);
    EXPECT_EQ(picture.columns, columns);
    EXPECT_EQ(picture.pixel_values.shape(), (Shape{1, rows * columns, 16 * 16 * 3}));
    const auto found = picture.pixel_values.floats();
    ExpectSameValues(found, expected.pixel_values.floats().first(found.size()));
  });
}

TEST(EitherImageProcessorTest, MemoryIsUsedAgainWhereItFits) {
  const Image photo = DecodeImageFile(Photo());
  const Image square{.width = 40, .height = 40, .rgb = std::vector<uint8_t>(size_t{40} * 40 * 3)};
  PreparedPicture picture;
  const ImageProcessor processor = Fixed(20, 30);
  processor.Prepare(photo, picture);
  const void* const memory = picture.pixel_values.bytes().data();
  processor.Prepare(square, picture);
  EXPECT_EQ(picture.pixel_values.bytes().data(), memory);

  const ImageProcessor naflex = Naflex(20);
  naflex.Prepare(photo, picture);
  naflex.Prepare(square, picture);
  EXPECT_EQ(picture.pixel_values.shape(), (Shape{1, 16, 768}));
  naflex.Prepare(photo, picture);
  const VisionInputs expected = Naflex(20).PreprocessFile(Photo());
  const auto found = picture.pixel_values.floats();
  ExpectSameValues(found, expected.pixel_values.floats().first(found.size()));
}

TEST(EitherImageProcessorTest, AModelTakesPicturesOfItsSizeOnly) {
  ImageProcessorConfig config;
  config.do_resize = false;
  const ImageProcessor processor = SiglipImageProcessor(config, kPillow);
  EXPECT_FALSE(processor.resizes());
  const Image image{.width = 8, .height = 4, .rgb = std::vector<uint8_t>(size_t{8} * 4 * 3)};
  PreparedPicture picture;
  processor.Prepare(image, picture);
  EXPECT_EQ(picture.pixel_values.shape(), (Shape{1, 3, 4, 8}));
  ExpectError(ErrorCode::kMismatch, {"preprocessed to 8x4, the model takes 8x8"},
              [&] { processor.Prepare(image, picture, 8); });
}

TEST(EitherImageProcessorTest, OpensBothKinds) {
  const ScratchFolder folder;
  const auto write = [&](const std::string& json) {
    std::ofstream(folder.path() / "preprocessor_config.json") << json;
  };
  write(R"({"image_processor_type": "SiglipImageProcessor", "size": {"height": 32, "width": 48}})");
  const auto fixed = ImageProcessor::FromPretrained(folder.path(), Resolution::kFixed);
  EXPECT_EQ(fixed.FixedOutputSize(), (std::array<int64_t, 2>{32, 48}));
  EXPECT_EQ(fixed.mode(), PreprocessMode::kTorchvision);
  ExpectError(ErrorCode::kInvalidArgument, {folder.path().string(), "--max-num-patches"}, [&] {
    ImageProcessor::FromPretrained(folder.path(), Resolution::kFixed, std::nullopt, 64);
  });
  ExpectError(ErrorCode::kUnsupported, {"SiglipImageProcessor"},
              [&] { ImageProcessor::FromPretrained(folder.path(), Resolution::kNaflex); });

  write(R"({"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 100})");
  const auto open = [&](int64_t max_num_patches) {
    return ImageProcessor::FromPretrained(folder.path(), Resolution::kNaflex,
                                          PreprocessMode::kPillow, max_num_patches);
  };
  EXPECT_EQ(open(0).max_num_patches(), 100);
  EXPECT_EQ(open(64).max_num_patches(), 64);
  EXPECT_EQ(open(0).mode(), PreprocessMode::kPillow);
  ExpectError(ErrorCode::kInvalidArgument, {"max_num_patches"}, [&] { open(-1); });
  ExpectError(ErrorCode::kUnsupported, {"Siglip2ImageProcessor"},
              [&] { ImageProcessor::FromPretrained(folder.path(), Resolution::kFixed); });
}

TEST(EitherImageProcessorTest, TheInstructionSetIsChosenOnce) {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "preprocessor_config.json") << R"({"max_num_patches": 100})";
  const auto open = [&](Resolution resolution, std::string_view instruction_set) {
    return ImageProcessor::FromPretrained(folder.path(), resolution, kPillow, 0, instruction_set);
  };
  const auto kernels_of = [](const ImageProcessor& processor) {
    return processor.fixed() != nullptr ? &ResizeKernelsOf(*processor.fixed())
                                        : &ResizeKernelsOf(*processor.naflex());
  };
  const ResizeKernels* const fastest = &ResizeKernelsFor(SupportedInstructionSets().back());
  for (const Resolution resolution : {Resolution::kFixed, Resolution::kNaflex}) {
    const ScopedIsaVariable best(std::string(ToString(SupportedInstructionSets().back())));
    const ImageProcessor named = open(resolution, "generic");
    EXPECT_EQ(kernels_of(named), GenericResizeKernels());
    EXPECT_EQ(kernels_of(open(resolution, {})), fastest);

    const ScopedIsaVariable generic("generic");
    const ImageProcessor unnamed = open(resolution, {});
    EXPECT_EQ(kernels_of(unnamed), GenericResizeKernels());
    EXPECT_EQ(kernels_of(open(resolution, ToString(SupportedInstructionSets().back()))), fastest);

    const ScopedIsaVariable none("none");
    ExpectError(ErrorCode::kInvalidArgument, {"SIGLIP_ISA"}, [&] { open(resolution, {}); });
    ForBothWays(unnamed, [](const PreparedPicture&) {});  // does not ask again
  }
  ExpectError(ErrorCode::kInvalidArgument, {"'none'"}, [&] { open(Resolution::kFixed, "none"); });
}

}  // namespace
}  // namespace siglip
