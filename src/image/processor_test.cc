// The image processor: its values against transformers', its reading of every kind of
// configuration, and hostile ones.
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "expect_error.h"
#include "file_bytes.h"
#include "image/image_test_support.h"
#include "scratch_folder.h"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

ImageProcessorConfig Parse(const std::string& json) {
  return ImageProcessorConfig::FromJson(json, "the-file");
}

Image Flat(int64_t height, int64_t width, uint8_t value) {
  return {.width = width,
          .height = height,
          .rgb = std::vector<uint8_t>(static_cast<size_t>(height * width * 3), value)};
}

TEST(ImageProcessorTest, ValuesEqualTransformersToTheLastBit) {
  const Json cases = ParseJsonFile(SIGLIP_SOURCE_DIR "/tests/data/resize/values.json");
  ASSERT_EQ(cases.size(), 14);
  Image image{.width = 52, .height = 1, .rgb = {}};
  for (int value = 0; value < 256; value += 5) {
    image.rgb.insert(image.rgb.end(), 3, static_cast<uint8_t>(value));
  }
  for (const Json& expected : cases) {
    const ImageProcessorConfig config = Parse(expected["config"].dump());
    const PreprocessMode mode = ParsePreprocessMode(expected["mode"].get<std::string>());
    const SiglipImageProcessor processor(config, mode);
    std::vector<float> values(3 * 52);
    processor.Preprocess(image, values);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), expected["bits"][i].get<uint32_t>())
          << expected["config"].dump() << ' ' << expected["mode"] << " value " << i;
    }
  }
}

TEST(ImageProcessorTest, DefaultsAreSiglips) {
  const ImageProcessorConfig config = Parse("{}");
  EXPECT_TRUE(config.do_resize && config.do_rescale && config.do_normalize);
  EXPECT_EQ(config.height, 224);
  EXPECT_EQ(config.width, 224);
  EXPECT_EQ(config.shortest_edge, 0);
  EXPECT_EQ(config.resample, Resample::kBicubic);
  EXPECT_EQ(config.rescale_factor, 1.0 / 255.0);
  EXPECT_EQ(config.image_mean, (std::array{0.5, 0.5, 0.5}));
}

TEST(ImageProcessorTest, ObeysEveryField) {
  const ImageProcessorConfig config = Parse(R"({
      "image_processor_type": "SiglipImageProcessorFast", "processor_class": "SiglipProcessor",
      "do_resize": true, "size": {"height": 384, "width": 256}, "resample": 2,
      "do_rescale": false, "rescale_factor": 0.5, "do_normalize": true,
      "image_mean": [0.1, 0.2, 3], "image_std": 0.25, "do_convert_rgb": null,
      "do_center_crop": null, "crop_size": null, "do_pad": false,
      "something_new": [1, {"a": 2}]})");
  EXPECT_EQ(config.height, 384);
  EXPECT_EQ(config.width, 256);
  EXPECT_EQ(config.resample, Resample::kBilinear);
  EXPECT_FALSE(config.do_rescale);
  EXPECT_FALSE(config.do_convert_rgb);
  EXPECT_EQ(config.image_mean, (std::array{0.1, 0.2, 3.0}));
  EXPECT_EQ(config.image_std, (std::array{0.25, 0.25, 0.25}));
}

TEST(ImageProcessorTest, ReadsEveryKindOfSize) {
  EXPECT_EQ(Parse(R"({"size": 128})").shortest_edge, 128);
  EXPECT_EQ(Parse(R"({"size": 128.0})").shortest_edge, 128);
  EXPECT_EQ(Parse(R"({"size": {"shortest_edge": 96}})").shortest_edge, 96);
  const ImageProcessorConfig square = Parse(R"({"size": 128, "default_to_square": true})");
  EXPECT_EQ(square.shortest_edge, 0);
  EXPECT_EQ(square.height, 128);
  EXPECT_EQ(square.width, 128);
  EXPECT_EQ(Parse(R"({"size": [20, 30]})").width, 30);
  EXPECT_FALSE(Parse(R"({"do_resize": null, "size": null, "resample": null})").do_resize);
  EXPECT_EQ(Parse(R"({"size": {"height": 65536, "width": 1}})").height, 65536);
}

TEST(ImageProcessorTest, JsonRoundTrips) {
  ImageProcessorConfig config;
  config.shortest_edge = 77;
  config.resample = Resample::kLanczos;
  config.rescale_factor = 1.0 / 3.0;
  config.image_mean = {0.1, 1.0 / 7.0, -0.3};
  config.do_convert_rgb = false;
  const ImageProcessorConfig back = Parse(config.ToJson());
  EXPECT_EQ(back.shortest_edge, 77);
  EXPECT_EQ(back.resample, Resample::kLanczos);
  EXPECT_EQ(back.rescale_factor, config.rescale_factor);
  EXPECT_EQ(back.image_mean, config.image_mean);
  EXPECT_FALSE(back.do_convert_rgb);
  EXPECT_EQ(Parse(ImageProcessorConfig{}.ToJson()).height, 224);
}

struct BadConfig {
  const char* json;
  ErrorCode code;
  std::vector<std::string> parts;
};

TEST(ImageProcessorTest, RefusesHostileConfigs) {
  constexpr ErrorCode kBad = ErrorCode::kMalformedFile;
  constexpr ErrorCode kNo = ErrorCode::kUnsupported;
  const BadConfig kCases[] = {
      {"", kBad, {}},
      {"[]", kBad, {"an object", "[]"}},
      {"null", kBad, {"an object"}},
      {"3", kBad, {"an object"}},
      {"{\"size\": {", kBad, {}},
      {R"({"size": "224"})", kBad, {"size", "\"224\""}},
      {R"({"size": null})", kBad, {"size", "null"}},
      {R"({"size": true})", kBad, {"size", "true"}},
      {R"({"size": {}})", kBad, {"size", "height and width"}},
      {R"({"size": {"height": 224}})", kBad, {"size", "height and width"}},
      {R"({"size": {"height": 0, "width": 224}})", kBad, {"size.height", "1 to 65536", "0"}},
      {R"({"size": {"height": 224, "width": -1}})", kBad, {"size.width", "-1"}},
      {R"({"size": {"height": 65537, "width": 1}})", kBad, {"size.height", "65537"}},
      {R"({"size": {"height": 20.5, "width": 20}})", kBad, {"size.height", "20.5"}},
      {R"({"size": {"height": "20", "width": 20}})", kBad, {"size.height"}},
      {R"({"size": {"height": 1e300, "width": 20}})", kBad, {"size.height"}},
      {R"({"size": 99999999999999999999})", kBad, {"size"}},
      {R"({"size": 0})", kBad, {"size"}},
      {R"({"size": [20]})", kBad, {"size"}},
      {R"({"size": [20, 30, 40]})", kBad, {"size"}},
      {R"({"size": [20, null]})", kBad, {"size[1]"}},
      {R"({"size": {"height": 2, "width": 2, "shortest_edge": 2}})", kBad, {"size"}},
      {R"({"size": {"shortest_edge": 2, "longest_edge": 0}})", kBad, {"size.longest_edge", "0"}},
      {R"({"size": {"longest_edge": 3}})", kNo, {"longest_edge"}},
      {R"({"size": {"max_height": 3, "width": 3}})", kBad, {"size", "max_height and max_width"}},
      {R"({"size": {"max_height": 3, "max_width": 65537}})", kBad, {"size.max_width"}},
      {R"({"size": {"min_height": -3, "min_width": 3}})", kBad, {"size.min_height"}},
      {R"({"size": {"min_pixels": 3, "max_pixels": 9}})", kNo, {"size", "min_pixels"}},
      {R"({"default_to_square": 1})", kBad, {"default_to_square"}},
      {R"({"resample": 6})", kBad, {"resample", "bicubic", "6"}},
      {R"({"resample": -1})", kBad, {"resample"}},
      {R"({"resample": "bicubic"})", kBad, {"resample"}},
      {R"({"resample": null})", kBad, {"resample"}},
      {R"({"resample": 2.5})", kBad, {"resample"}},
      {R"({"do_resize": 1})", kBad, {"do_resize", "1"}},
      {R"({"do_rescale": "true"})", kBad, {"do_rescale"}},
      {R"({"do_normalize": []})", kBad, {"do_normalize"}},
      {R"({"do_convert_rgb": "no"})", kBad, {"do_convert_rgb"}},
      {R"({"rescale_factor": 0})", kBad, {"rescale_factor", "0"}},
      {R"({"rescale_factor": null})", kBad, {"rescale_factor"}},
      {R"({"rescale_factor": "1/255"})", kBad, {"rescale_factor"}},
      {R"({"rescale_factor": 1e-300})", kBad, {"rescale_factor"}},
      {R"({"rescale_factor": 1e999})", kBad, {}},
      {R"({"image_mean": [0.5]})", kBad, {"image_mean", "a list of three"}},
      {R"({"image_mean": [0.5, 0.5, "0.5"]})", kBad, {"image_mean[2]"}},
      {R"({"image_mean": {"r": 1}})", kBad, {"image_mean"}},
      {R"({"image_mean": null})", kBad, {"image_mean"}},
      {R"({"image_mean": [1e39, 0, 0]})", kBad, {"image_mean[0]"}},
      {R"({"image_std": [0.5, 0, 0.5]})", kBad, {"image_std[1]", "0"}},
      {R"({"image_std": 0})", kBad, {"image_std[0]"}},
      {R"({"image_std": [1, 1, 1, 1]})", kBad, {"image_std"}},
      {R"({"image_std": [1, 1, 1e-40]})", kBad, {"image_std[2]"}},
      {R"({"image_processor_type": "Siglip2ImageProcessor"})",
       kNo,
       {"image_processor_type", "Siglip2ImageProcessor", "NaFlex"}},
      {R"({"image_processor_type": "Siglip2ImageProcessorFast"})", kNo, {"NaFlex"}},
      {R"({"image_processor_type": "DonutImageProcessor"})", kNo, {"DonutImageProcessor"}},
      {R"({"image_processor_type": 3})", kBad, {"image_processor_type"}},
      {R"({"feature_extractor_type": "BeitFeatureExtractor"})", kNo, {"BeitImageProcessor"}},
      {R"({"do_center_crop": true})", kBad, {"crop_size", "null"}},
      {R"({"do_center_crop": true, "crop_size": {"shortest_edge": 8}})", kBad, {"crop_size"}},
      {R"({"do_center_crop": true, "crop_size": [8, 0]})", kBad, {"crop_size[1]"}},
      {R"({"do_center_crop": true, "crop_size": 99999999})", kBad, {"crop_size"}},
      {R"({"do_center_crop": true, "crop_size": 8, "fill_color": 256})", kBad, {"fill_color"}},
      {R"({"do_center_crop": true, "crop_size": 8, "fill_color": [0.5, 0, 0]})",
       kBad,
       {"fill_color"}},
      {R"({"rounding": "up"})", kBad, {"rounding", "half_even"}},
      {R"({"do_center_crop": "yes"})", kBad, {"do_center_crop"}},
      {R"({"do_pad": 1})", kBad, {"do_pad"}},
      {R"({"do_pad": true, "pad_size": {"height": 8}})", kBad, {"pad_size"}},
      {R"({"do_pad": true, "pad_size": [8, 65537]})", kBad, {"pad_size[1]"}},
      {R"({"do_pan_and_scan": true})", kNo, {"do_pan_and_scan"}},
  };
  for (const BadConfig& bad : kCases) {
    SCOPED_TRACE(bad.json);
    std::vector<std::string> parts = bad.parts;
    parts.push_back("the-file");
    ExpectError(bad.code, parts, [&] { Parse(bad.json); });
  }
}

TEST(ImageProcessorTest, RefusesBadConfigsMadeInCode) {
  const auto expect = [](const char* part, auto change) {
    ImageProcessorConfig config;
    change(config);
    ExpectError(ErrorCode::kInvalidArgument, {part},
                [&] { SiglipImageProcessor(config, kTorchvision); });
  };
  expect("height", [](auto& config) { config.height = 0; });
  expect("width", [](auto& config) { config.width = INT64_MAX; });
  expect("shortest_edge", [](auto& config) { config.shortest_edge = -5; });
  expect("image_std[0]", [](auto& config) { config.image_std = {0, 1, 1}; });
  expect("image_mean[1]", [](auto& config) { config.image_mean[1] = 0.0 / 0.0; });
  expect("rescale_factor", [](auto& config) { config.rescale_factor = 1.0 / 0.0; });
  expect("42", [](auto& config) { config.resample = static_cast<Resample>(42); });
  ImageProcessorConfig box;
  box.resample = Resample::kBox;
  ExpectError(ErrorCode::kUnsupported, {"box", "pillow"},
              [&] { SiglipImageProcessor(box, kTorchvision); });
  EXPECT_NO_THROW(SiglipImageProcessor(box, PreprocessMode::kPillow));
  box.do_resize = false;
  EXPECT_NO_THROW(SiglipImageProcessor(box, kTorchvision));
}

TEST(ImageProcessorTest, OutputSizes) {
  using Size = std::array<int64_t, 2>;
  const SiglipImageProcessor fixed(Parse(R"({"size": {"height": 30, "width": 40}})"), kTorchvision);
  EXPECT_EQ(fixed.OutputSize(1, 9999), (Size{30, 40}));
  // Values of transformers 5.23.
  const SiglipImageProcessor edge(Parse(R"({"size": 20})"), kTorchvision);
  EXPECT_EQ(edge.OutputSize(37, 53), (Size{20, 28}));
  EXPECT_EQ(edge.OutputSize(53, 37), (Size{28, 20}));
  EXPECT_EQ(edge.OutputSize(37, 37), (Size{20, 20}));
  ExpectError(ErrorCode::kInvalidArgument, {"output width", "200000"},
              [&] { edge.OutputSize(1, 10000); });
  ExpectError(ErrorCode::kInvalidArgument, {"input height"}, [&] { edge.OutputSize(0, 5); });
  const SiglipImageProcessor none(Parse(R"({"do_resize": false})"), kTorchvision);
  EXPECT_EQ(none.OutputSize(5, 7), (Size{5, 7}));
  const SiglipImageProcessor huge(Parse(R"({"size": [65536, 65536]})"), kTorchvision);
  ExpectError(ErrorCode::kLimitExceeded, {"65536 x 65536"}, [&] { huge.OutputSize(5, 7); });
}

TEST(ImageProcessorTest, PlanesAreInRgbOrder) {
  Image image = Flat(2, 3, 0);
  image.rgb[0] = 255;       // red of the first pixel
  image.rgb[3 + 1] = 255;   // green of the second
  image.rgb[15 + 2] = 255;  // blue of the last
  const SiglipImageProcessor processor(Parse(R"({"do_resize": false})"), kTorchvision);
  std::vector<float> values(18);
  processor.Preprocess(image, values);
  for (size_t i = 0; i < 18; ++i) {
    const bool lit = i == 0 || i == 6 + 1 || i == 12 + 5;
    EXPECT_EQ(values[i], lit ? 1.0F : -1.0F) << i;
  }
}

TEST(ImageProcessorTest, BatchesStack) {
  const SiglipImageProcessor processor(Parse(R"({"size": {"height": 4, "width": 6}})"),
                                       kTorchvision);
  const std::vector<Image> images = {Flat(3, 3, 255), Flat(9, 5, 0), Flat(4, 6, 255)};
  const Tensor batch = processor(images);
  EXPECT_EQ(batch.shape(), (Shape{3, 3, 4, 6}));
  for (size_t i = 0; i < 3 * 72; ++i) {
    EXPECT_EQ(batch.floats()[i], i / 72 == 1 ? -1.0F : 1.0F);
  }
  ExpectError(ErrorCode::kInvalidArgument, {"no pictures"}, [&] { processor({}); });
  const SiglipImageProcessor edge(Parse(R"({"size": 4})"), kTorchvision);
  ExpectError(ErrorCode::kMismatch, {"different sizes"}, [&] { edge(images); });
}

TEST(ImageProcessorTest, ChecksWhatItIsHanded) {
  const SiglipImageProcessor processor(Parse(R"({"size": {"height": 4, "width": 6}})"),
                                       kTorchvision);
  std::vector<float> values(3 * 4 * 6);
  ExpectError(ErrorCode::kMismatch, {"71", "3 x 4 x 6"},
              [&] { processor.Preprocess(Flat(2, 2, 0), std::span(values).first(71)); });
  Image broken = Flat(2, 2, 0);
  broken.rgb.pop_back();
  ExpectError(ErrorCode::kInvalidArgument, {"found 11"},
              [&] { processor.Preprocess(broken, values); });
  ExpectError(ErrorCode::kInvalidArgument, {"height"},
              [&] { processor.Preprocess(Image{}, values); });
}

TEST(ImageProcessorTest, FromPretrainedFollowsTransformersOrder) {
  const ScratchFolder folder;
  const auto height = [&] {
    return SiglipImageProcessor::FromPretrained(folder.path()).config().height;
  };
  ExpectError(ErrorCode::kNotFound, {folder.path().string(), "preprocessor_config.json"}, height);
  WriteBytes(folder / "config.json", R"({"model_type": "siglip"})");
  ExpectError(ErrorCode::kNotFound, {"preprocessor_config.json"}, height);
  WriteBytes(folder / "config.json", R"({"pretrained_cfg": {"input_size": [3, 96, 80],
      "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
      "crop_pct": 1.0, "crop_mode": "squash"}})");
  EXPECT_EQ(height(), 96);
  WriteBytes(folder / "open_clip_config.json", R"({"model_cfg": {"vision_cfg": {"image_size": 112}},
      "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
                         "interpolation": "bilinear", "resize_mode": "squash"}})");
  EXPECT_EQ(height(), 112);
  WriteBytes(folder / "preprocessor_config.json", R"({"size": {"height": 128, "width": 128}})");
  EXPECT_EQ(height(), 128);
  WriteBytes(folder / "processor_config.json", R"({"processor_class": "SiglipProcessor"})");
  EXPECT_EQ(height(), 128);
  WriteBytes(folder / "processor_config.json",
             R"({"image_processor": {"size": {"height": 144, "width": 144}}})");
  EXPECT_EQ(height(), 144);
  WriteBytes(folder / "processor_config.json", R"({"image_processor": 3})");
  ExpectError(ErrorCode::kMalformedFile, {"processor_config.json", "image_processor"}, height);
}

TEST(ImageProcessorTest, ReadsTheDemoModel) {
  const SiglipImageProcessor processor =
      SiglipImageProcessor::FromPretrained(SIGLIP_SOURCE_DIR "/models/demo");
  EXPECT_EQ(processor.config().height, 64);
  EXPECT_EQ(processor.mode(), kTorchvision);
}

TEST(ImageProcessorTest, OpenClipFolders) {
  const ScratchFolder folder;
  const auto read = [&](const std::string& json) {
    WriteBytes(folder / "open_clip_config.json", json);
    return SiglipImageProcessor::FromPretrained(folder.path(), PreprocessMode::kPillow).config();
  };
  const ImageProcessorConfig plain = read(R"({"preprocess_cfg": {"resize_mode": "squash"}})");
  EXPECT_EQ(plain.height, 224);
  EXPECT_EQ(plain.image_mean[0], 0.48145466);
  EXPECT_EQ(plain.resample, Resample::kBicubic);
  const ImageProcessorConfig pair = read(R"({"model_cfg": {"vision_cfg": {"image_size": [8, 9]}},
      "preprocess_cfg": {"resize_mode": "squash", "size": 5, "mean": [0, 0, 0]}})");
  EXPECT_EQ(pair.height, 8);
  EXPECT_EQ(pair.width, 9);
  EXPECT_EQ(pair.image_mean[2], 0.0);
  const auto refused = [&](ErrorCode code, std::vector<std::string> parts, const char* json) {
    SCOPED_TRACE(json);
    parts.push_back("open_clip_config.json");
    ExpectError(code, parts, [&] { read(json); });
  };
  refused(ErrorCode::kUnsupported, {"resize_mode", "shortest, longest or squash", "crop"},
          R"({"preprocess_cfg": {"resize_mode": "crop"}})");
  refused(ErrorCode::kMalformedFile, {"fill_color"},
          R"({"preprocess_cfg": {"resize_mode": "longest", "fill_color": "white"}})");
  refused(ErrorCode::kUnsupported, {"mode", "L"},
          R"({"preprocess_cfg": {"resize_mode": "squash", "mode": "L"}})");
  refused(ErrorCode::kMalformedFile, {"interpolation", "cubic"},
          R"({"preprocess_cfg": {"resize_mode": "squash", "interpolation": "cubic"}})");
  refused(ErrorCode::kMalformedFile, {"preprocess_cfg"}, R"({"preprocess_cfg": 3})");
  refused(ErrorCode::kMalformedFile, {"std"},
          R"({"preprocess_cfg": {"resize_mode": "squash", "std": [0, 0, 0]}})");
  refused(ErrorCode::kMalformedFile, {"image_size"},
          R"({"model_cfg": {"vision_cfg": {"image_size": [0, 9]}},
              "preprocess_cfg": {"resize_mode": "squash"}})");
}

TEST(ImageProcessorTest, TimmFolders) {
  const ScratchFolder folder;
  const auto refused = [&](ErrorCode code, std::vector<std::string> parts, const char* fields) {
    SCOPED_TRACE(fields);
    WriteBytes(folder / "config.json", "{\"pretrained_cfg\": {" + std::string(fields) + "}}");
    parts.push_back("config.json");
    ExpectError(code, parts, [&] { SiglipImageProcessor::FromPretrained(folder.path()); });
  };
  refused(ErrorCode::kUnsupported, {"crop_mode", "center, border or squash", "corner"},
          R"("input_size": [3, 224, 224], "crop_mode": "corner")");
  refused(ErrorCode::kMalformedFile, {"crop_pct", "-0.9"},
          R"("input_size": [3, 224, 224], "crop_pct": -0.9)");
  refused(ErrorCode::kMalformedFile, {"crop_pct"},
          R"("input_size": [3, 224, 224], "crop_pct": 0.001)");
  refused(ErrorCode::kMalformedFile, {"crop_pct"}, R"("crop_pct": "0.9")");
  refused(ErrorCode::kUnsupported, {"interpolation", "random"}, R"("interpolation": "random")");
  refused(ErrorCode::kMalformedFile, {"input_size"}, R"("input_size": [224, 224])");
  refused(ErrorCode::kUnsupported, {"3 channels"}, R"("input_size": [1, 224, 224])");
  refused(ErrorCode::kMalformedFile, {"input_size[2]"}, R"("input_size": [3, 224, 0])");
}

}  // namespace
}  // namespace siglip
