// NaFlex preprocessing: golden patches and shapes of transformers, properties of the target size,
// and hostile configurations.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "expect_error.h"
#include "file_bytes.h"
#include "golden_tensors.h"
#include "image/image_test_support.h"
#include "picture_files.h"
#include "scratch_folder.h"
#include "siglip/transformers/image_processor.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

using Shape2 = std::array<int64_t, 2>;

Siglip2ImageProcessorConfig ParseSiglip2(const std::string& json) {
  return Siglip2ImageProcessorConfig::FromJson(json, "the-file");
}

Siglip2ImageProcessor Processor(int64_t patch_size, int64_t max_num_patches) {
  Siglip2ImageProcessorConfig config;
  config.patch_size = patch_size;
  config.max_num_patches = max_num_patches;
  return {config, kTorchvision};
}

Image Gradient(int64_t height, int64_t width) {
  Image image{.width = width, .height = height, .rgb = {}};
  for (int64_t i = 0; i < height * width * 3; ++i) image.rgb.push_back(static_cast<uint8_t>(7 * i));
  return image;
}

TEST(Siglip2ImageProcessorTest, PatchesAndShapesEqualTransformersForEveryGoldenPicture) {
  const auto golden = ReadGoldenTensors(kGoldenImages / "expected.safetensors");
  Siglip2ImageProcessorConfig config;
  config.max_num_patches = 36;
  const Siglip2ImageProcessor processor(config, PreprocessMode::kPillow13);
  const std::string suffix = "/naflex.pillow.pixel_values.u8";
  int compared = 0;
  for (const auto& [key, expected] : golden) {
    if (!key.ends_with(suffix)) continue;
    const std::string name = key.substr(0, key.size() - suffix.size());
    SCOPED_TRACE(name);
    ++compared;
    if (LacksCodec(ReadBytes(kGoldenImages / name))) continue;
    DecodeOptions decode;
    decode.alpha = AlphaPolicy::kDrop;  // these were made of Pillow's convert("RGB")
    const VisionInputs inputs =
        processor(std::vector{DecodeImageFile(kGoldenImages / name, decode)});

    float shape[2];
    std::memcpy(shape, golden.at(name + "/naflex.spatial_shape").bytes.data(), sizeof(shape));
    const auto found_shape = inputs.spatial_shapes.values<int64_t>();
    EXPECT_EQ(found_shape[0], static_cast<int64_t>(shape[0]));
    EXPECT_EQ(found_shape[1], static_cast<int64_t>(shape[1]));

    ASSERT_EQ(inputs.pixel_values.shape(), (Shape{1, 36, 768}));
    const auto patches = static_cast<size_t>(found_shape[0] * found_shape[1]);
    size_t different = 0;
    for (size_t i = 0; i < 36 * 768; ++i) {
      const float found = inputs.pixel_values.floats()[i];
      if (i < patches * 768) {
        different += std::lround((found + 1.0F) * 127.5F) == expected.bytes[i] ? 0 : 1;
      } else {
        different += found == 0.0F ? 0 : 1;
      }
    }
    EXPECT_EQ(different, 0U);
    const auto mask = inputs.pixel_attention_mask.values<int32_t>();
    for (size_t i = 0; i < 36; ++i) EXPECT_EQ(mask[i], i < patches ? 1 : 0) << i;
  }
  EXPECT_EQ(compared, 31);
}

TEST(Siglip2ImageProcessorTest, PatchesGoByRowsAndHoldRowColumnChannel) {
  Siglip2ImageProcessorConfig config;
  config.patch_size = 2;
  config.do_resize = false;
  config.do_normalize = false;
  config.do_rescale = false;
  const Siglip2ImageProcessor processor(config, kTorchvision);
  Image image{.width = 4, .height = 4, .rgb = {}};
  for (uint8_t i = 0; i < 48; ++i) image.rgb.push_back(i);
  std::vector<float> patches(48);
  processor.Preprocess(image, patches);
  // The second patch: the right half of the first two rows.
  const std::vector<float> second = {6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23};
  EXPECT_EQ(std::vector<float>(patches.begin() + 12, patches.begin() + 24), second);
  EXPECT_EQ(patches[24], 24.0F);
}

TEST(Siglip2ImageProcessorTest, TargetSizesOfTransformers) {
  // get_image_size_for_max_num_patches of transformers 5.23, divided by the patch size.
  EXPECT_EQ(Processor(16, 256).SpatialShape(480, 640), (Shape2{14, 18}));
  EXPECT_EQ(Processor(16, 256).SpatialShape(256, 256), (Shape2{16, 16}));
  EXPECT_EQ(Processor(16, 256).SpatialShape(1, 1), (Shape2{7, 7}));
  EXPECT_EQ(Processor(16, 256).SpatialShape(1, 10000), (Shape2{1, 256}));
  EXPECT_EQ(Processor(16, 256).SpatialShape(10000, 1), (Shape2{256, 1}));
  EXPECT_EQ(Processor(14, 1024).SpatialShape(768, 1024), (Shape2{27, 36}));
}

TEST(Siglip2ImageProcessorTest, NeverMorePatchesThanAllowedAndNeverNone) {
  for (const int64_t patch : {1, 7, 14, 16, 32}) {
    for (const int64_t most : {1, 2, 3, 36, 255, 256, 1024}) {
      const Siglip2ImageProcessor processor = Processor(patch, most);
      for (const int64_t height : {1, 2, 15, 16, 17, 99, 480, 1000, 10000, 65536}) {
        for (const int64_t width : {1, 3, 16, 31, 224, 641, 10000, 65536}) {
          const auto [rows, columns] = processor.SpatialShape(height, width);
          EXPECT_GE(rows, 1);
          EXPECT_GE(columns, 1);
          EXPECT_LE(rows * columns, most) << height << " x " << width;
          EXPECT_EQ(processor.SpatialShape(width, height), (Shape2{columns, rows}));
        }
      }
    }
  }
}

TEST(Siglip2ImageProcessorTest, PicturesFillWhatIsAllowed) {
  const Siglip2ImageProcessor processor = Processor(16, 256);
  for (int64_t width = 60; width < 3000; width += 37) {
    const auto [rows, columns] = processor.SpatialShape(777, width);
    // One more row and column each would be too many.
    EXPECT_GT((rows + 1) * (columns + 1), 256) << width;
    const double ratio = static_cast<double>(columns) / static_cast<double>(rows);
    const double wanted = static_cast<double>(width) / 777;
    EXPECT_NEAR(std::log(ratio), std::log(wanted), 0.35) << width;
  }
}

TEST(Siglip2ImageProcessorTest, ExtremePicturesArePreprocessed) {
  const Siglip2ImageProcessor processor = Processor(16, 16);
  const VisionInputs inputs =
      processor(std::vector{Gradient(1, 10000), Gradient(10000, 1), Gradient(1, 1)});
  EXPECT_EQ(inputs.pixel_values.shape(), (Shape{3, 16, 768}));
  for (const float value : inputs.pixel_values.floats()) ASSERT_TRUE(std::isfinite(value));
}

TEST(Siglip2ImageProcessorTest, WithoutResizingPicturesMustFit) {
  const Siglip2ImageProcessor processor(
      ParseSiglip2(R"({"do_resize": false, "patch_size": 8, "max_num_patches": 6})"), kTorchvision);
  EXPECT_EQ(processor.SpatialShape(16, 24), (Shape2{2, 3}));
  for (const auto& [height, width] : {std::pair{16, 25}, {17, 24}, {16, 32}}) {
    ExpectError(ErrorCode::kMismatch,
                {"8 x 8", "6 at most", std::to_string(height) + " x " + std::to_string(width)},
                [&, h = height, w = width] { processor.SpatialShape(h, w); });
  }
}

TEST(Siglip2ImageProcessorTest, ChecksWhatItIsHanded) {
  const Siglip2ImageProcessor processor = Processor(4, 4);
  std::vector<float> values(4 * 48);
  ExpectError(ErrorCode::kMismatch, {"191", "2 x 2 patches of 48"},
              [&] { processor.Preprocess(Gradient(5, 5), std::span(values).first(191)); });
  Image broken = Gradient(5, 5);
  broken.rgb.pop_back();
  ExpectError(ErrorCode::kInvalidArgument, {"found 74"},
              [&] { processor.Preprocess(broken, values); });
  ExpectError(ErrorCode::kInvalidArgument, {"input height"}, [&] { processor.SpatialShape(0, 5); });
  ExpectError(ErrorCode::kInvalidArgument, {"no pictures"}, [&] { processor({}); });
  // Each of these is allowed, but not together.
  ExpectError(ErrorCode::kLimitExceeded, {"32768 x 32768"},
              [] { Processor(128, 65536).SpatialShape(60000, 60000); });
}

TEST(Siglip2ImageProcessorTest, ReadsWhatTransformersWrites) {
  const Siglip2ImageProcessorConfig defaults = ParseSiglip2("{}");
  EXPECT_EQ(defaults.patch_size, 16);
  EXPECT_EQ(defaults.max_num_patches, 256);
  EXPECT_EQ(defaults.resample, Resample::kBilinear);
  const Siglip2ImageProcessorConfig config = ParseSiglip2(R"({
      "image_processor_type": "Siglip2ImageProcessorFast", "processor_class": "Siglip2Processor",
      "do_convert_rgb": null, "do_resize": true, "size": null, "resample": 3,
      "patch_size": 14, "max_num_patches": 1024, "rescale_factor": 0.25,
      "image_mean": [0.1, 0.2, 0.3], "do_center_crop": null})");
  EXPECT_EQ(config.patch_size, 14);
  EXPECT_EQ(config.max_num_patches, 1024);
  EXPECT_EQ(config.resample, Resample::kBicubic);
  EXPECT_EQ(config.rescale_factor, 0.25);
  EXPECT_EQ(config.image_mean, (std::array{0.1, 0.2, 0.3}));
  const Siglip2ImageProcessorConfig again = ParseSiglip2(config.ToJson());
  EXPECT_EQ(again.ToJson(), config.ToJson());
  EXPECT_EQ(again.max_num_patches, 1024);
}

TEST(Siglip2ImageProcessorTest, RefusesHostileConfigs) {
  constexpr ErrorCode kBad = ErrorCode::kMalformedFile;
  struct Case {
    const char* json;
    ErrorCode code;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {"[]", kBad, {"an object"}},
      {R"({"patch_size": 0})", kBad, {"patch_size", "1 to 4096", "0"}},
      {R"({"patch_size": -16})", kBad, {"patch_size", "-16"}},
      {R"({"patch_size": 5000})", kBad, {"patch_size", "5000"}},
      {R"({"patch_size": "16"})", kBad, {"patch_size"}},
      {R"({"patch_size": null})", kBad, {"patch_size"}},
      {R"({"max_num_patches": 0})", kBad, {"max_num_patches", "1 to 65536"}},
      {R"({"max_num_patches": 1e18})", kBad, {"max_num_patches"}},
      {R"({"max_num_patches": 2.5})", kBad, {"max_num_patches"}},
      {R"({"resample": 9})", kBad, {"resample"}},
      {R"({"image_std": 0})", kBad, {"image_std[0]"}},
      {R"({"do_pan_and_scan": true})", ErrorCode::kUnsupported, {"do_pan_and_scan"}},
      {R"({"image_processor_type": "SiglipImageProcessor"})",
       ErrorCode::kUnsupported,
       {"image_processor_type", "Siglip2ImageProcessor", "NaFlex"}},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.json);
    std::vector<std::string> parts = bad.parts;
    parts.push_back("the-file");
    ExpectError(bad.code, parts, [&] { ParseSiglip2(bad.json); });
  }
  Siglip2ImageProcessorConfig config;
  config.max_num_patches = -1;
  ExpectError(ErrorCode::kInvalidArgument, {"max_num_patches", "-1"},
              [&] { Siglip2ImageProcessor(config, kTorchvision); });
  config = {};
  config.resample = Resample::kBox;
  ExpectError(ErrorCode::kUnsupported, {"box"},
              [&] { Siglip2ImageProcessor(config, kTorchvision); });
}

TEST(Siglip2ImageProcessorTest, FoldersSayWhichProcessorTheyNeed) {
  const ScratchFolder folder;
  const auto is_for = [&] { return Siglip2ImageProcessor::IsFor(folder.path()); };
  ExpectError(ErrorCode::kNotFound, {folder.path().string(), "is empty"}, is_for);
  ExpectError(ErrorCode::kNotFound, {folder.path().string(), "preprocessor_config.json"},
              [&] { Siglip2ImageProcessor::FromPretrained(folder.path()); });
  WriteBytes(folder / "preprocessor_config.json", "{}");
  EXPECT_FALSE(is_for());
  WriteBytes(folder / "config.json", R"({"model_type": "siglip2"})");
  EXPECT_TRUE(is_for());
  WriteBytes(folder / "config.json", R"({"model_type": "siglip"})");
  EXPECT_FALSE(is_for());
  WriteBytes(folder / "preprocessor_config.json", R"({"max_num_patches": 64})");
  EXPECT_TRUE(is_for());
  WriteBytes(folder / "preprocessor_config.json",
             R"({"image_processor_type": "SiglipImageProcessor", "max_num_patches": 64})");
  EXPECT_FALSE(is_for());
  WriteBytes(folder / "processor_config.json",
             R"({"image_processor": {"image_processor_type": "Siglip2ImageProcessor",
                                "max_num_patches": 49}})");
  EXPECT_TRUE(is_for());
  EXPECT_EQ(Siglip2ImageProcessor::FromPretrained(folder.path()).config().max_num_patches, 49);
  WriteBytes(folder / "processor_config.json", R"({"image_processor": []})");
  ExpectError(ErrorCode::kMalformedFile, {"image_processor"}, is_for);
}

}  // namespace
}  // namespace siglip
