// Resizing against Pillow's and torchvision's own results, and every fast path against the naive
// twin.
#include "image/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "golden_tensors.h"
#include "image/image_test_support.h"
#include "image/resize_reference.h"
#include "image/resize_weights.h"
#include "noise_picture.h"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

constexpr PreprocessMode kModes[] = {PreprocessMode::kTorchvision, PreprocessMode::kPillow,
                                     PreprocessMode::kPillow13};
constexpr Resample kFilters[] = {Resample::kNearest, Resample::kLanczos, Resample::kBilinear,
                                 Resample::kBicubic, Resample::kBox,     Resample::kHamming};

bool HasFilter(Resample resample, PreprocessMode mode) {
  return mode != PreprocessMode::kTorchvision ||
         (resample != Resample::kBox && resample != Resample::kHamming);
}

std::string Describe(const Image& image, int64_t height, int64_t width, Resample resample,
                     PreprocessMode mode, InstructionSet isa) {
  std::ostringstream text;
  text << image.height << " x " << image.width << " to " << height << " x " << width << ", "
       << ToString(resample) << ", " << ToString(mode) << ", " << ToString(isa);
  return text.str();
}

void ExpectSameAsReference(const Image& image, int64_t height, int64_t width, Resample resample,
                           PreprocessMode mode) {
  const Image expected = ResizeReference(image, height, width, resample, mode);
  for (const InstructionSet isa : SupportedInstructionSets()) {
    const Image found =
        ResizeWith(ResizeKernelsFor(isa), image,
                   {.height = height, .width = width, .resample = resample, .mode = mode});
    ASSERT_EQ(found.height, height);
    ASSERT_EQ(found.width, width);
    ASSERT_TRUE(found.rgb == expected.rgb) << Describe(image, height, width, resample, mode, isa);
  }
}

TEST(ResizeTest, EqualsTheOriginals) {
  const auto cases = ReadGoldenTensors(SIGLIP_SOURCE_DIR "/tests/data/resize/sizes.safetensors");
  ASSERT_EQ(cases.size(), 13 * 16);
  for (const auto& [key, expected] : cases) {
    std::istringstream fields(key);
    int64_t in_height = 0;
    int64_t in_width = 0;
    int64_t height = 0;
    int64_t width = 0;
    std::string filter;
    std::string mode;
    fields >> in_height >> in_width >> height >> width >> filter >> mode;
    const Image image = NoisePicture(in_height, in_width);
    for (const InstructionSet isa : SupportedInstructionSets()) {
      const Image found = ResizeWith(ResizeKernelsFor(isa), image,
                                     {.height = height,
                                      .width = width,
                                      .resample = ParseResample(filter),
                                      .mode = ParsePreprocessMode(mode)});
      EXPECT_TRUE(found.rgb == expected.bytes) << key << " with " << ToString(isa);
    }
    EXPECT_TRUE(
        ResizeReference(image, height, width, ParseResample(filter), ParsePreprocessMode(mode))
            .rgb == expected.bytes)
        << key << " with the naive twin";
  }
}

TEST(ResizeTest, APartIsThatOfTheWhole) {
  const Image image = NoisePicture(61, 47);
  for (const auto mode :
       {PreprocessMode::kTorchvision, PreprocessMode::kPillow, PreprocessMode::kPillow13}) {
    for (const auto& [height, width] : {std::pair{20, 31}, {90, 111}, {61, 20}, {20, 47}}) {
      const Image whole = ResizeReference(image, height, width, Resample::kLanczos, mode);
      const CropWindow window = {.top = height / 5, .left = width / 3, .height = 11, .width = 13};
      std::vector<uint8_t> expected;
      for (int64_t y = window.top; y < window.top + window.height; ++y) {
        const auto row = whole.rgb.begin() + (y * width + window.left) * 3;
        expected.insert(expected.end(), row, row + window.width * 3);
      }
      for (const InstructionSet isa : SupportedInstructionSets()) {
        const Image found = ResizeWith(ResizeKernelsFor(isa), image,
                                       {.height = height,
                                        .width = width,
                                        .resample = Resample::kLanczos,
                                        .mode = mode,
                                        .crop = window});
        EXPECT_TRUE(found.rgb == expected)
            << Describe(image, height, width, Resample::kLanczos, mode, isa);
      }
    }
  }
}

TEST(ResizeTest, EqualsGoldenImages) {
  const auto golden =
      ReadGoldenTensors(SIGLIP_SOURCE_DIR "/tests/golden/images/expected.safetensors");
  int compared = 0;
  for (const auto& [key, expected] : golden) {
    // PICTURE/MODE.SIZE.FILTER.u8
    const size_t slash = key.find('/');
    std::istringstream fields(key.substr(slash + 1));
    std::string mode;
    std::string size;
    std::string filter;
    std::getline(fields, mode, '.');
    std::getline(fields, size, '.');
    std::getline(fields, filter, '.');
    if (mode != "torchvision" && mode != "pillow") continue;
    // The values were made from pictures after convert("RGB"), which drops alpha, but keeps the
    // transparent colour of grey and RGB pictures, so that transformers composited these on white.
    const std::string picture = key.substr(0, slash);
    const bool white = picture == "grey-transparent.png" || picture == "rgb-transparent.png";
    const GoldenTensor& pixels = golden.at(picture + (white ? "/rgb.white" : "/rgb"));
    const Image image{.width = pixels.shape[1], .height = pixels.shape[0], .rgb = pixels.bytes};
    ImageProcessorConfig config;
    config.height = config.width = std::stoll(size);
    config.resample = ParseResample(filter);
    const SiglipImageProcessor processor(
        config, mode == "pillow" ? PreprocessMode::kPillow13 : PreprocessMode::kTorchvision);
    std::vector<float> values(expected.bytes.size());
    processor.Preprocess(image, values);
    EXPECT_TRUE(Levels(values) == expected.bytes) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 31 * 4);
}

TEST(ResizeTest, FastPathsEqualTheNaiveTwinOverAllRemainders) {
  for (const PreprocessMode mode : kModes) {
    for (const Resample resample : kFilters) {
      if (!HasFilter(resample, mode)) continue;
      for (int64_t width = 1; width <= 40; ++width) {
        ExpectSameAsReference(NoisePicture(11, width), 5, 13, resample, mode);
        ExpectSameAsReference(NoisePicture(23, 9), 4, width, resample, mode);
        ExpectSameAsReference(NoisePicture(width, 17), 17, 6, resample, mode);
      }
    }
  }
}

TEST(ResizeTest, FastPathsEqualTheNaiveTwinForRandomSizes) {
  std::mt19937 random(7);
  const auto side = [&random](int most) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(most)) + 1;
  };
  for (int i = 0; i < 150; ++i) {
    const Image image = NoisePicture(side(120), side(120));
    const int64_t height = i % 8 == 0 ? image.height : side(70);
    const int64_t width = i % 8 == 1 ? image.width : side(70);
    for (const PreprocessMode mode : kModes) {
      const Resample resample = kFilters[random() % 6];
      if (HasFilter(resample, mode)) ExpectSameAsReference(image, height, width, resample, mode);
    }
  }
}

TEST(ResizeTest, ManyTapsNeitherOverflowNorLoseBits) {
  Image white{.width = 20000, .height = 2, .rgb = std::vector<uint8_t>(120000, 255)};
  for (const PreprocessMode mode : kModes) {
    ExpectSameAsReference(white, 1, 3, Resample::kLanczos, mode);
    ExpectSameAsReference(NoisePicture(2, 65536), 1, 2, Resample::kLanczos, mode);
    ExpectSameAsReference(NoisePicture(65536, 1), 1, 2, Resample::kBicubic, mode);
  }
}

TEST(ResizeTest, TallPicturesDistinguishPillowVersions) {
  const Image image = NoisePicture(120, 30);
  const Image pillow = Resize(image, 12, 12, Resample::kBicubic, PreprocessMode::kPillow);
  const Image pillow13 = Resize(image, 12, 12, Resample::kBicubic, PreprocessMode::kPillow13);
  EXPECT_NE(pillow.rgb, pillow13.rgb);
  // 100 rows less is not more than twice 50 columns less; 101 is.
  EXPECT_FALSE(VerticalPassFirst(200, 150, 100, 100, PreprocessMode::kPillow13));
  EXPECT_TRUE(VerticalPassFirst(201, 150, 100, 100, PreprocessMode::kPillow13));
  EXPECT_FALSE(VerticalPassFirst(201, 150, 100, 100, PreprocessMode::kPillow));
  EXPECT_FALSE(VerticalPassFirst(50, 10, 100, 200, PreprocessMode::kPillow13));
}

TEST(ResizeTest, SameSizeIsTheSamePicture) {
  const Image image = NoisePicture(10, 12);
  for (const PreprocessMode mode : kModes) {
    EXPECT_EQ(Resize(image, 10, 12, Resample::kLanczos, mode).rgb, image.rgb);
  }
}

TEST(ResizeTest, RefusesBadArguments) {
  const Image image = NoisePicture(4, 5);
  const auto resize = [](Image input, int64_t height, int64_t width) {
    return [=] { Resize(input, height, width, Resample::kBicubic, PreprocessMode::kPillow); };
  };
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{65537}, INT64_MAX, INT64_MIN}) {
    ExpectError(ErrorCode::kInvalidArgument, {"output height", "65536", std::to_string(bad)},
                resize(image, bad, 8));
    ExpectError(ErrorCode::kInvalidArgument, {"output width"}, resize(image, 8, bad));
    ExpectError(ErrorCode::kInvalidArgument, {"input height"},
                resize({.width = 1, .height = bad, .rgb = {0, 0, 0}}, 8, 8));
    ExpectError(ErrorCode::kInvalidArgument, {"input width"},
                resize({.width = bad, .height = 1, .rgb = {0, 0, 0}}, 8, 8));
  }
  ExpectError(ErrorCode::kInvalidArgument, {"3 bytes", "found 59"},
              resize({.width = 5, .height = 4, .rgb = std::vector<uint8_t>(59)}, 8, 8));
  ExpectError(ErrorCode::kLimitExceeded, {"65536 x 65536"}, resize(image, 65536, 65536));
  ExpectError(ErrorCode::kLimitExceeded, {"between the passes", "65536 x 60000"},
              resize(NoisePicture(60000, 1), 1, 65536));
}

TEST(ResizeTest, TorchvisionLacksBoxAndHamming) {
  const Image image = NoisePicture(4, 5);
  for (const Resample resample : {Resample::kBox, Resample::kHamming}) {
    ExpectError(ErrorCode::kUnsupported, {std::string(ToString(resample)), "pillow"},
                [&] { Resize(image, 2, 2, resample, PreprocessMode::kTorchvision); });
  }
  ExpectError(ErrorCode::kInvalidArgument, {"99"},
              [&] { Resize(image, 2, 2, static_cast<Resample>(99), PreprocessMode::kPillow); });
  ExpectError(ErrorCode::kInvalidArgument, {"7"},
              [&] { Resize(image, 2, 2, Resample::kBox, static_cast<PreprocessMode>(7)); });
}

#if defined(__x86_64__)
TEST(ResizeTest, EveryInstructionSetHasItsOwnKernels) {
  for (const InstructionSet isa : SupportedInstructionSets()) {
    const ResizeKernels* expected = isa == InstructionSet::kGeneric    ? GenericResizeKernels()
                                    : isa <= InstructionSet::kAvx2Vnni ? Avx2ResizeKernels()
                                                                       : Avx512ResizeKernels();
    EXPECT_EQ(&ResizeKernelsFor(isa), expected) << ToString(isa);
  }
}
#elif defined(__aarch64__)
TEST(ResizeTest, EveryInstructionSetHasItsOwnKernels) {
  for (const InstructionSet isa : SupportedInstructionSets()) {
    const ResizeKernels* expected =
        isa == InstructionSet::kGeneric ? GenericResizeKernels() : NeonResizeKernels();
    EXPECT_EQ(&ResizeKernelsFor(isa), expected) << ToString(isa);
  }
}
#endif

TEST(ResizeWeightsTest, OutputsDivideWhatThePictureCovers) {
  for (const double covered : {100.0, 99.5, 99.125}) {
    const ResizeWeights weights(
        {.in = 100, .covered = covered, .out = 10, .first = 0, .wanted = 10}, Resample::kBilinear,
        PreprocessMode::kPillow);
    const ResizeTaps taps = weights.taps();
    for (int i = 1; i < 9; ++i) {  // windows at the ends are cut off
      double centre = 0;
      for (int j = 0; j < taps.count[i]; ++j) {
        centre += taps.weights[i * taps.stride + j] * (taps.start[i] + j + 0.5);
      }
      centre /= 1 << taps.shift;
      EXPECT_NEAR(centre, (i + 0.5) * covered / 10, 0.02) << i << " of " << covered;
    }
  }
}

TEST(ResizeWeightsTest, SplitWeightsAreWhole) {
  const ResizeWeights weights({.in = 100, .covered = 100, .out = 17, .first = 0, .wanted = 17},
                              Resample::kLanczos, PreprocessMode::kPillow);
  const ResizeTaps taps = weights.taps();
  EXPECT_EQ(taps.stride % 8, 0);
  for (int i = 0; i < 17; ++i) {
    EXPECT_GE(taps.start[i], 0);
    EXPECT_LE(taps.start[i] + taps.count[i], 100);
    for (int j = 0; j < taps.stride; ++j) {
      const int k = i * taps.stride + j;
      EXPECT_EQ(taps.high[k] * (1 << kResizeLowBits) + taps.low[k], taps.weights[k]);
      EXPECT_TRUE(j < taps.count[i] || taps.weights[k] == 0);
    }
  }
}

TEST(ImageNamesTest, NamesAreReadAsTheyAreWritten) {
  for (const Resample resample : kFilters) EXPECT_EQ(ParseResample(ToString(resample)), resample);
  for (const PreprocessMode mode : kModes) EXPECT_EQ(ParsePreprocessMode(ToString(mode)), mode);
  EXPECT_EQ(ParseAlphaPolicy("white"), AlphaPolicy::kWhite);
  EXPECT_EQ(ParseAlphaPolicy("drop"), AlphaPolicy::kDrop);
  EXPECT_EQ(ToString(ImageFormat::kHeic), "HEIC");
  ExpectError(ErrorCode::kInvalidArgument, {"'cubic'", "bicubic", "hamming"},
              [] { ParseResample("cubic"); });
  ExpectError(ErrorCode::kInvalidArgument, {"''", "torchvision, pillow, pillow13"},
              [] { ParsePreprocessMode(""); });
  ExpectError(ErrorCode::kInvalidArgument, {"'black'", "white, drop"},
              [] { ParseAlphaPolicy("black"); });
}

}  // namespace
}  // namespace siglip
