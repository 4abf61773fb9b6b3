// SigLIP 2 NaFlex: configuration, inputs that must be refused, and a model made anew.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "configuration/vision_fields.h"
#include "expect_error.h"
#include "model/vision_forward.h"
#include "scratch_folder.h"
#include "siglip/checkpoint.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

Siglip2VisionConfig Parse(const std::string& json) {
  return Siglip2VisionConfig::FromJson(json, "some/config.json");
}

Siglip2VisionConfig SmallNaflexConfig() {
  Siglip2VisionConfig config;
  config.hidden_size = 36;
  config.intermediate_size = 59;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.patch_size = 3;
  config.num_patches = 9;
  return config;
}

Tensor Integers(DType dtype, const Shape& shape, const std::vector<int64_t>& values) {
  Tensor tensor(dtype, shape);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto size = static_cast<size_t>(SizeOf(dtype));
    std::memcpy(tensor.bytes().data() + i * size, &values[i], size);  // little-endian
  }
  return tensor;
}

/// Pictures of 2 x 3 and 1 x 4 patches, of 7 rows each.
VisionInputs GoodInputs() {
  VisionInputs inputs = {Tensor(DType::kF32, {2, 7, 27}),
                         Integers(DType::kI32, {2, 7}, {1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0}),
                         Integers(DType::kI64, {2, 2}, {2, 3, 1, 4})};
  float next = -1;
  for (float& value : inputs.pixel_values.floats()) value = next += 0.005F;
  return inputs;
}

TEST(Siglip2VisionConfigTest, DefaultsAreTransformers) {
  const Siglip2VisionConfig config = Parse(R"({"model_type": "siglip2"})");
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_EQ(config.patch_size, 16);
  EXPECT_EQ(config.num_patches, 256);
  EXPECT_EQ(config.positions_per_side(), 16);
  EXPECT_EQ(config.num_channels, 3);
  EXPECT_EQ(config.patch_values(), 768);
}

TEST(Siglip2VisionConfigTest, ReadsWholeModelsTowersAndModelsThatHoldOne) {
  EXPECT_EQ(Parse(R"({"model_type": "siglip2", "vision_config": {"num_patches": 64}})").num_patches,
            64);
  EXPECT_EQ(Parse(R"({"model_type": "siglip2_vision_model", "patch_size": [14, 14]})").patch_size,
            14);
  const Siglip2VisionConfig held = Parse(
      R"({"model_type": "lfm2_vl", "vision_config": {"model_type": "siglip2_vision_model",
          "vision_use_head": false, "num_patches": 49, "new": [1]}})");
  EXPECT_EQ(held.num_patches, 49);
  EXPECT_EQ(held.vision_use_head, false);
  EXPECT_EQ(held.unknown.at("new"), "[1]");
  const Siglip2VisionConfig again = Parse(held.ToJson());
  EXPECT_EQ(again.ToJson(), held.ToJson());
}

TEST(Siglip2VisionConfigTest, RefusesWhatCannotBe) {
  struct Case {
    const char* json;
    ErrorCode code;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {"[]", ErrorCode::kMalformedFile, {"object"}},
      {R"({"num_patches": 0})", ErrorCode::kInvalidArgument, {"'num_patches'", "0"}},
      {R"({"num_patches": -256})", ErrorCode::kInvalidArgument, {"'num_patches'"}},
      {R"({"num_patches": 255})", ErrorCode::kInvalidArgument, {"'num_patches'", "square"}},
      {R"({"num_patches": 1099511627776})", ErrorCode::kInvalidArgument, {"'num_patches'"}},
      {R"({"num_patches": "256"})", ErrorCode::kMalformedFile, {"'num_patches'"}},
      {R"({"num_attention_heads": 7})", ErrorCode::kInvalidArgument, {"'num_attention_heads'"}},
      {R"({"patch_size": 4096, "num_channels": 1024})",
       ErrorCode::kInvalidArgument,
       {"'patch_size'"}},
      {R"({"model_type": "siglip"})", ErrorCode::kUnsupported, {"'siglip'", "NaFlex"}},
      {R"({"model_type": "siglip2_text_model"})", ErrorCode::kUnsupported, {"siglip2_text_model"}},
      {R"({"model_type": "siglip2", "vision_config": 3})",
       ErrorCode::kMalformedFile,
       {"'vision_config'"}},
      {R"({"model_type": "siglip2", "vision_config": {"model_type": "clip_vision_model"}})",
       ErrorCode::kUnsupported,
       {"'clip_vision_model'"}},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.json);
    std::vector<std::string> parts = bad.parts;
    parts.push_back("some/config.json");
    ExpectError(bad.code, parts, [&] { Parse(bad.json); });
  }
}

TEST(Siglip2VisionModelTest, RefusesInputsThatDoNotFit) {
  const Siglip2VisionModel model(SmallNaflexConfig(), 1);
  const auto refused = [&](const std::vector<std::string>& parts, auto change) {
    VisionInputs inputs = GoodInputs();
    change(inputs);
    ExpectError(ErrorCode::kMismatch, parts, [&] { model(inputs); });
  };
  EXPECT_NO_THROW(model(GoodInputs()));

  for (const Shape& shape : {Shape{2, 7}, Shape{2, 7, 26}, Shape{2, 0, 27}, Shape{}}) {
    refused({"pixel_values", "27]", ToString(shape)},
            [&](VisionInputs& inputs) { inputs.pixel_values = Tensor(DType::kF32, shape); });
  }
  refused({"pixel_values", "U8"}, [](VisionInputs& inputs) {
    inputs.pixel_values = Tensor(DType::kU8, {2, 7, 27});
  });

  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  for (const std::vector<int64_t>& shapes :
       std::vector<std::vector<int64_t>>{{2, 3, 2, 4},  // 8 of 7 patches
                                         {2, 3, 0, 4},
                                         {2, 3, 4, 0},
                                         {2, 3, -1, 4},
                                         {2, 3, -2, -2},
                                         {2, 3, kHuge, 2},
                                         {2, 3, kHuge, kHuge},
                                         {2, 3, int64_t{1} << 32, int64_t{1} << 32}}) {
    refused({"spatial_shapes", "picture 1", "7",
             std::to_string(shapes[2]) + " x " + std::to_string(shapes[3])},
            [&](VisionInputs& inputs) {
              inputs.spatial_shapes = Integers(DType::kI64, {2, 2}, shapes);
              inputs.pixel_attention_mask = {};
            });
  }
  refused({"spatial_shapes", "[2, 2]", "[1, 2]"}, [](VisionInputs& inputs) {
    inputs.spatial_shapes = Integers(DType::kI64, {1, 2}, {2, 3});
  });
  refused({"spatial_shapes", "F32"}, [](VisionInputs& inputs) {
    inputs.spatial_shapes = Tensor(DType::kF32, {2, 2});
  });
  refused({"spatial_shapes"}, [](VisionInputs& inputs) { inputs.spatial_shapes = {}; });

  refused({"pixel_attention_mask", "[2, 7]", "[2, 6]"}, [](VisionInputs& inputs) {
    inputs.pixel_attention_mask = Tensor(DType::kI32, {2, 6});
  });
  refused({"pixel_attention_mask", "F32"}, [](VisionInputs& inputs) {
    inputs.pixel_attention_mask = Tensor(DType::kF32, {2, 7});
  });
  struct BadMask {
    std::vector<int64_t> second;  // of picture 1, which has 4 patches
    std::string found;
  };
  for (const BadMask& mask : std::vector<BadMask>{{{1, 1, 1, 0, 0, 0, 0}, "found 0 at 3"},
                                                  {{1, 1, 1, 1, 1, 0, 0}, "found 1 at 4"},
                                                  {{1, 0, 1, 1, 1, 0, 0}, "found 0 at 1"},
                                                  {{1, 1, 1, 1, 0, 0, 1}, "found 1 at 6"},
                                                  {{1, 1, 2, 1, 0, 0, 0}, "found 2 at 2"},
                                                  {{1, 1, -1, 1, 0, 0, 0}, "found -1 at 2"}}) {
    refused({"pixel_attention_mask", "picture 1", "1 x 4", mask.found}, [&](VisionInputs& inputs) {
      std::vector<int64_t> all = {1, 1, 1, 1, 1, 1, 0};
      all.insert(all.end(), mask.second.begin(), mask.second.end());
      inputs.pixel_attention_mask = Integers(DType::kI32, {2, 7}, all);
    });
  }
}

TEST(Siglip2VisionModelTest, IntegersOfAnyWidthMeanTheSame) {
  const Siglip2VisionModel model(SmallNaflexConfig(), 1);
  const VisionOutput expected = model(GoodInputs());
  for (const DType dtype : {DType::kI64, DType::kI32, DType::kI16, DType::kI8, DType::kU8}) {
    VisionInputs inputs = GoodInputs();
    inputs.spatial_shapes = Integers(dtype, {2, 2}, {2, 3, 1, 4});
    inputs.pixel_attention_mask =
        Integers(dtype, {2, 7}, {1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0});
    const VisionOutput found = model(inputs);
    EXPECT_EQ(
        0, std::memcmp(found.pooler_output->bytes().data(), expected.pooler_output->bytes().data(),
                       expected.pooler_output->bytes().size()))
        << ToString(dtype);
  }
}

TEST(Siglip2VisionModelTest, EmptyBatchGivesEmptyOutputs) {
  const Siglip2VisionModel model(SmallNaflexConfig(), 1);
  const VisionOutput output =
      model({Tensor(DType::kF32, {0, 7, 27}), {}, Tensor(DType::kI64, {0, 2})},
            {.output_attentions = true});
  EXPECT_EQ(output.last_hidden_state.shape(), (Shape{0, 7, 36}));
  EXPECT_EQ(output.pooler_output->shape(), (Shape{0, 36}));
}

TEST(Siglip2VisionModelTest, OnePictureOnTheCallingThreadHasTheBitsOfTheModel) {
  const Siglip2VisionModel model(SmallNaflexConfig(), 3);
  const VisionInputs inputs = GoodInputs();
  const VisionOutput expected = model(inputs);
  VisionForward forward(model);
  const PatchGrid grids[] = {{2, 3}, {1, 4}, {2, 3}};
  for (const size_t picture : {size_t{0}, size_t{1}, size_t{0}}) {
    const PatchGrid& grid = grids[picture];
    std::vector<float> tokens(static_cast<size_t>(grid.tokens()) * 36);
    std::vector<float> pooled(36);
    const ReadyPicture ready = {inputs.pixel_values.floats().data() + picture * 7 * 27, grid,
                                tokens.data(), pooled.data()};
    forward.Run({&ready, 1});
    EXPECT_EQ(
        0, std::memcmp(tokens.data(), expected.last_hidden_state.floats().data() + picture * 7 * 36,
                       tokens.size() * sizeof(float)));
    EXPECT_EQ(0, std::memcmp(pooled.data(), expected.pooler_output->floats().data() + picture * 36,
                             pooled.size() * sizeof(float)));
  }
}

TEST(Siglip2VisionModelTest, AGroupHasTheBitsOfThePicturesAlone) {
  // Odd numbers of patches, so that in bfloat16 half a word is left over where another begins.
  const PatchGrid grids[] = {{1, 3}, {2, 3}, {1, 1}, {3, 3}, {1, 7}};
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    const Siglip2VisionModel model(SmallNaflexConfig(), 3, nullptr, precision);
    std::vector<std::vector<float>> pixels;
    std::vector<std::vector<float>> tokens[2];
    std::vector<std::vector<float>> pooled[2];
    std::vector<ReadyPicture> ready[2];
    for (size_t i = 0; i < std::size(grids); ++i) {
      const auto count = static_cast<size_t>(grids[i].tokens());
      std::vector<float>& values = pixels.emplace_back(count * 27);
      for (size_t j = 0; j < values.size(); ++j) {
        values[j] = static_cast<float>((i * 31 + j * 7) % 17) / 8.0F - 1.0F;
      }
      for (const size_t way : {size_t{0}, size_t{1}}) {
        tokens[way].emplace_back(count * 36);
        pooled[way].emplace_back(36);
        ready[way].push_back({values.data(), grids[i], tokens[way].back().data(),
                              i % 2 == 0 ? pooled[way].back().data() : nullptr});
      }
    }
    VisionForward forward(model);
    forward.Run(ready[0]);
    for (const ReadyPicture& picture : ready[1]) forward.Run({&picture, 1});
    EXPECT_EQ(tokens[0], tokens[1]) << ToString(precision);
    EXPECT_EQ(pooled[0], pooled[1]) << ToString(precision);
    EXPECT_NE(pooled[0][0], std::vector<float>(36));
  }
}

TEST(Siglip2VisionModelTest, WithoutAHeadThereIsNoPoolerOutput) {
  Siglip2VisionConfig config = SmallNaflexConfig();
  config.vision_use_head = false;
  const Siglip2VisionModel model(config, 1);
  EXPECT_FALSE(model(GoodInputs()).pooler_output.has_value());
  std::vector<float> pooled(36);
  const std::vector<float> pixels(27);
  const ReadyPicture ready = {pixels.data(), {1, 1}, nullptr, pooled.data()};
  ExpectError(ErrorCode::kUnsupported, {"pooling head"}, [&] {
    VisionForward(model).Run({&ready, 1});
  });
}

TEST(Siglip2VisionModelTest, SavedAndLoadedItIsTheSame) {
  const ScratchFolder folder;
  const Siglip2VisionModel model(SmallNaflexConfig(), 11);
  model.SavePretrained(folder / "saved");
  Siglip2VisionModel::SaveRandom(SmallNaflexConfig(), 11, folder / "random");
  const VisionOutput expected = model(GoodInputs());
  for (const char* name : {"saved", "random"}) {
    EXPECT_EQ(FindParts(folder / name).resolution, Resolution::kNaflex);
    const auto loaded = Siglip2VisionModel::FromPretrained(folder / name);
    EXPECT_EQ(loaded.config().ToJson(), model.config().ToJson());
    EXPECT_EQ(0, std::memcmp(loaded(GoodInputs()).pooler_output->bytes().data(),
                             expected.pooler_output->bytes().data(),
                             expected.pooler_output->bytes().size()));
  }
  ExpectError(ErrorCode::kInvalidArgument, {(folder / "saved").string()},
              [&] { FindParts(folder.path()); });
  ExpectError(ErrorCode::kUnsupported, {"NaFlex", "Siglip2VisionModel"},
              [&] { SiglipVisionModel::FromPretrained(folder / "saved"); });
  SiglipVisionConfig fixed;
  fixed.hidden_size = 12;
  fixed.intermediate_size = 12;
  fixed.num_hidden_layers = 1;
  fixed.image_size = fixed.patch_size = 4;
  SiglipVisionModel::SaveRandom(fixed, 1, folder / "fixed");
  EXPECT_EQ(FindParts(folder / "fixed").resolution, Resolution::kFixed);
  ExpectError(ErrorCode::kUnsupported, {"NaFlex", "SiglipVisionModel"},
              [&] { Siglip2VisionModel::FromPretrained(folder / "fixed"); });
}

}  // namespace
}  // namespace siglip
