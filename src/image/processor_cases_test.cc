// What timm, open_clip and transformers make of small pictures, from the files they keep beside
// their models.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "expect_error.h"
#include "golden_tensors.h"
#include "image/encoded_image.h"
#include "image/image_test_support.h"
#include "image/picture_plan.h"
#include "noise_picture.h"
#include "picture_files.h"
#include "scratch_folder.h"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

const std::filesystem::path kCases =
    std::filesystem::path(SIGLIP_SOURCE_DIR) / "tests/data/preprocess";

SiglipImageProcessor Reads(const ScratchFolder& folder, const std::string& file, const Json& fields,
                           std::optional<PreprocessMode> mode = std::nullopt) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::remove(entry);
  }
  std::ofstream(folder / file) << fields.dump();
  return SiglipImageProcessor::FromPretrained(folder.path(), mode);
}

TEST(ProcessorCasesTest, EqualTheirOriginals) {
  const Json cases = ParseJsonFile(kCases / "cases.json");
  const auto expected = ReadGoldenTensors(kCases / "expected.safetensors");
  ASSERT_EQ(cases.size(), expected.size());
  ASSERT_GE(cases.size(), 200u);
  const ScratchFolder folder;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Json& one = cases[i];
    SCOPED_TRACE(one.dump());
    const SiglipImageProcessor processor = Reads(
        folder, one["file"], one["fields"], ParsePreprocessMode(one["mode"].get<std::string>()));
    const Image image = NoisePicture(one["height"], one["width"]);
    const auto& want = expected.at(std::to_string(i));
    const auto [height, width] = processor.OutputSize(image.height, image.width);
    ASSERT_EQ((Shape{3, height, width}), want.shape);
    std::vector<float> values(static_cast<size_t>(3 * height * width));
    processor.Preprocess(image, values);
    EXPECT_TRUE(Levels(values) == want.bytes);
    // Written by us and read again it means the same.
    const SiglipImageProcessor again(
        ImageProcessorConfig::FromJson(processor.config().ToJson(), ""), processor.mode());
    std::vector<float> values_again(values.size());
    again.Preprocess(image, values_again);
    EXPECT_TRUE(values_again == values);
  }
}

TEST(ProcessorCasesTest, ClassesHaveTheirDefaults) {
  const Json classes = ParseJsonFile(kCases / "classes.json");
  ASSERT_GE(classes.size(), 11u);
  for (const auto& [name, expected] : classes.items()) {
    for (const std::string& type : {name, name + "Fast"}) {
      SCOPED_TRACE(type);
      const ImageProcessorConfig config =
          ImageProcessorConfig::FromJson(Json{{"image_processor_type", type}}.dump(), "file");
      const Json found = Json::parse(config.ToJson());
      for (const char* key : {"size", "do_resize", "resample", "do_rescale", "rescale_factor",
                              "do_normalize", "image_mean", "image_std"}) {
        EXPECT_EQ(found[key], expected[key]) << key;
      }
      EXPECT_EQ(found.value("do_center_crop", false), expected["do_center_crop"] == true);
      if (config.do_center_crop) {
        EXPECT_EQ(found["crop_size"], expected["crop_size"]);
      }
      EXPECT_EQ(found.value("do_pad", false), expected["do_pad"] == true);
      if (config.do_pad) {
        EXPECT_EQ(found["pad_size"], expected["pad_size"]);
      }
    }
  }
}

TEST(ProcessorCasesTest, PixelsAreThoseOfTheFoldersProject) {
  const ScratchFolder folder;
  EXPECT_EQ(Reads(folder, "config.json", {{"pretrained_cfg", Json::object()}}).mode(),
            PreprocessMode::kPillow13);
  EXPECT_EQ(Reads(folder, "open_clip_config.json", Json::object()).mode(),
            PreprocessMode::kPillow13);
  EXPECT_EQ(Reads(folder, "preprocessor_config.json", Json::object()).mode(),
            PreprocessMode::kTorchvision);
  EXPECT_EQ(Reads(folder, "config.json", {{"pretrained_cfg", Json::object()}},
                  PreprocessMode::kTorchvision)
                .mode(),
            PreprocessMode::kTorchvision);
}

TEST(ProcessorCasesTest, OutputsOfOneSizeAreKnown) {
  const auto size = [](const char* fields) {
    const ImageProcessorConfig config = ImageProcessorConfig::FromJson(fields, "file");
    return SiglipImageProcessor(config, PreprocessMode::kTorchvision).FixedOutputSize();
  };
  using Size = std::array<int64_t, 2>;
  EXPECT_EQ(size("{}"), (Size{224, 224}));
  EXPECT_EQ(size(R"({"image_processor_type": "CLIPImageProcessor", "crop_size": [8, 9]})"),
            (Size{8, 9}));
  EXPECT_EQ(size(R"({"image_processor_type": "PI0ImageProcessor"})"), (Size{224, 224}));
  EXPECT_EQ(size(R"({"size": 8})"), std::nullopt);
  EXPECT_EQ(size(R"({"size": {"max_height": 8, "max_width": 8}})"), std::nullopt);
  EXPECT_EQ(size(R"({"do_resize": false})"), std::nullopt);
}

// The whole would be 131072 x 4 pixels.
TEST(ProcessorCasesTest, WhatIsCutOffMayBeHuge) {
  const ImageProcessorConfig config = ImageProcessorConfig::FromJson(
      R"({"size": 4, "do_center_crop": true, "crop_size": 4})", "file");
  for (const auto mode :
       {PreprocessMode::kTorchvision, PreprocessMode::kPillow, PreprocessMode::kPillow13}) {
    const SiglipImageProcessor processor(config, mode);
    // Black on the left, white on the right: the middle is an edge.
    Image image{.width = 32768, .height = 1, .rgb = std::vector<uint8_t>(3 * 32768)};
    std::fill(image.rgb.begin() + 3 * 16384, image.rgb.end(), 255);
    std::vector<float> values(3 * 4 * 4);
    processor.Preprocess(image, values);
    EXPECT_LT(values[0], values[3]);
    EXPECT_FLOAT_EQ(values[0] + values[3], 0.0F);
  }
}

TEST(ProcessorCasesTest, RefusesWhatIsLargerThanItsPadding) {
  const ImageProcessorConfig config = ImageProcessorConfig::FromJson(
      R"({"size": {"shortest_edge": 8}, "do_pad": true, "pad_size": {"height": 8, "width": 12}})",
      "file");
  const SiglipImageProcessor processor(config, PreprocessMode::kTorchvision);
  EXPECT_EQ(processor.OutputSize(10, 15)[1], 12);
  ExpectError(ErrorCode::kMismatch, {"13x8", "12x8", "pad_size"},
              [&] { processor.OutputSize(100, 163); });
}

TEST(ProcessorCasesTest, FilesOfPicturesGiveTheSameBits) {
  const std::filesystem::path images =
      std::filesystem::path(SIGLIP_SOURCE_DIR) / "tests/golden/images";
  const ScratchFolder folder;
  const Json cases = ParseJsonFile(kCases / "cases.json");
  for (size_t i = 0; i < cases.size(); i += 3) {
    const SiglipImageProcessor processor =
        Reads(folder, cases[i]["file"], cases[i]["fields"],
              ParsePreprocessMode(cases[i]["mode"].get<std::string>()));
    for (const char* name : {"rgb.jpg", "exif-3.jpg", "exif-6.jpg", "exif-7.jpg", "rgb.png"}) {
      SCOPED_TRACE(std::string(name) + " " + cases[i].dump());
      const Image image = DecodeImageFile(images / name);
      const auto [height, width] = processor.OutputSize(image.height, image.width);
      std::vector<float> values(static_cast<size_t>(3 * height * width));
      processor.Preprocess(image, values);
      const Tensor found = processor.PreprocessFile(images / name);
      EXPECT_TRUE(std::equal(values.begin(), values.end(), found.floats().begin()));
    }
  }
}

/// How far apart two pictures are, of 255.
struct Difference {
  int largest = 0;
  double mean = 0;
};

Difference Between(const std::vector<uint8_t>& left, const std::vector<uint8_t>& right) {
  Difference difference;
  for (size_t i = 0; i < left.size(); ++i) {
    const int one = std::abs(left[i] - right[i]);
    difference.largest = std::max(difference.largest, one);
    difference.mean += one / static_cast<double>(left.size());
  }
  return difference;
}

TEST(ProcessorCasesTest, TransparencyInFoldersOfTimmAndOpenClip) {
  const auto expected = ReadGoldenTensors(kCases / "transparent.safetensors");
  ImageProcessorConfig config;
  config.height = config.width = 48;
  const SiglipImageProcessor processor(config, PreprocessMode::kPillow13);
  const auto prepared = [&](AlphaPolicy alpha) {
    DecodeOptions options;
    options.alpha = alpha;
    return Levels(
        processor.PreprocessFile(SIGLIP_SOURCE_DIR "/tests/golden/images/alpha.png", options)
            .floats());
  };
  const std::vector<uint8_t>& timm = expected.at("timm").bytes;
  const std::vector<uint8_t>& open_clip = expected.at("open_clip").bytes;
  EXPECT_TRUE(prepared(AlphaPolicy::kDrop) == timm);
  // open_clip resizes first, which gives other colours where alpha changes. Nothing is put on
  // white.
  const Difference dropped = Between(prepared(AlphaPolicy::kDrop), open_clip);
  EXPECT_GT(dropped.largest, 10);
  EXPECT_LT(dropped.largest, 70);
  EXPECT_LT(dropped.mean, 4);
  EXPECT_GT(Between(prepared(AlphaPolicy::kWhite), open_clip).mean, 50);
}

struct Refused {
  const char* json;
  std::vector<std::string> parts;
};

TEST(ProcessorCasesTest, ProcessorsThatSplitSayWhatToWrite) {
  const Refused kCases[] = {
      {R"({"image_processor_type": "Idefics3ImageProcessor", "max_image_size": {"longest_edge": 364}})",
       {"Idefics3ImageProcessor", "one whole view", "preprocessor_config.json",
        R"("resample":1,"size":{"height":364,"width":364})"}},
      {R"({"image_processor_type": "SmolVLMImageProcessorFast", "do_image_splitting": false,
           "max_image_size": {"longest_edge": 512}, "resample": 3})",
       {"SmolVLMImageProcessor", R"("resample":3,"size":{"height":512,"width":512})"}},
      {R"({"image_processor_type": "LlavaOnevisionImageProcessor",
           "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})",
       {"LlavaOnevisionImageProcessor", R"("height":384)", R"("image_std":[0.5,0.5,0.5])"}},
      {R"({"image_processor_type": "SomeImageProcessor"})",
       {"SomeImageProcessor", "CLIPImageProcessor", "image_size"}},
      {R"({"image_processor_type": "Gemma3ImageProcessor", "do_pan_and_scan": true})",
       {"do_pan_and_scan"}},
      {R"({"image_processor_type": "LlavaImageProcessor", "do_pad": true})", {"do_pad", "square"}},
  };
  for (const Refused& refused : kCases) {
    SCOPED_TRACE(refused.json);
    ExpectError(ErrorCode::kUnsupported, refused.parts,
                [&] { ImageProcessorConfig::FromJson(refused.json, "file"); });
  }
}

TEST(ProcessorCasesTest, WhatTheHintSaysLoads) {
  try {
    ImageProcessorConfig::FromJson(R"({"image_processor_type": "Idefics3ImageProcessor"})", "file");
    FAIL();
  } catch (const Error& error) {
    const size_t start = error.hint().find('{');
    ASSERT_NE(start, std::string::npos);
    const ImageProcessorConfig config =
        ImageProcessorConfig::FromJson(error.hint().substr(start), "hint");
    EXPECT_EQ(config.height, 364);
    EXPECT_EQ(config.resample, Resample::kLanczos);
  }
}

}  // namespace
}  // namespace siglip
