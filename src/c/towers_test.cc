// Tensors in, tensors out, of both kinds of models.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "scratch_folder.h"
#include "siglip/image.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

const std::vector<std::string> kThreePaths = PicturePaths(3);

std::vector<Image> Images() {
  std::vector<Image> images;
  for (const std::string& path : kThreePaths) images.push_back(DecodeImageFile(path));
  images[1].height /= 2;  // shapes differ
  images[1].rgb.resize(images[1].rgb.size() / 2);
  return images;
}

siglip_picture PixelPicture(const Image& image) {
  siglip_picture picture{};
  picture.data = image.rgb.data();
  picture.byte_count = image.rgb.size();
  picture.width = static_cast<int32_t>(image.width);
  picture.height = static_cast<int32_t>(image.height);
  picture.channels = 3;
  return picture;
}

/// All of them, by the C interface.
struct Prepared {
  Prepared(const siglip_embedder* embedder, const std::vector<Image>& images, size_t each)
      : pixels(images.size() * each, 7), shapes(2 * images.size()) {
    for (size_t i = 0; i < images.size(); ++i) {
      const siglip_picture picture = PixelPicture(images[i]);
      EXPECT_STATUS(SIGLIP_OK, siglip_preprocess(embedder, &picture, pixels.data() + i * each, each,
                                                 shapes.data() + 2 * i));
    }
  }
  std::vector<float> pixels;
  std::vector<int64_t> shapes;
};

siglip_outputs Outputs(std::vector<float>& tokens, std::vector<float>& pooled) {
  auto outputs = NewOptions<siglip_outputs>();
  outputs.last_hidden_state = tokens.data();
  outputs.last_hidden_state_count = tokens.size();
  outputs.pooler_output = pooled.data();
  outputs.pooler_output_count = pooled.size();
  return outputs;
}

TEST(CTowers, FixedResolutionIsThatOfTheClasses) {
  const std::vector<Image> images = Images();
  constexpr size_t kEach = 3 * 64 * 64;
  const Prepared prepared(Demo(), images, kEach);
  const Tensor pixels = SiglipImageProcessor::FromPretrained(kDemo)(images);
  EXPECT_TRUE(SameBits(prepared.pixels, pixels.floats()));
  EXPECT_EQ(prepared.shapes, std::vector<int64_t>(6, 8));

  std::vector<float> tokens(3 * kTokens * kDimension);
  std::vector<float> pooled(3 * kDimension);
  const siglip_outputs outputs = Outputs(tokens, pooled);
  EXPECT_STATUS(SIGLIP_OK, siglip_run_image_tower(Demo(), prepared.pixels.data(), 3 * kEach, 3,
                                                  nullptr, &outputs));
  const VisionOutput expected = SiglipVisionModel::FromPretrained(kDemo)(pixels);
  EXPECT_TRUE(SameBits(tokens, expected.last_hidden_state.floats()));
  EXPECT_TRUE(SameBits(pooled, expected.pooler_output->floats()));

  std::vector<float> only(3 * kDimension);
  siglip_outputs one = NewOptions<siglip_outputs>();
  one.pooler_output = only.data();
  one.pooler_output_count = only.size();
  EXPECT_STATUS(SIGLIP_OK, siglip_run_image_tower(Demo(), prepared.pixels.data(), 3 * kEach, 3,
                                                  nullptr, &one));
  EXPECT_EQ(only, pooled);
}

class CNaflexTest : public testing::Test {
 protected:
  static constexpr size_t kPatch = 8 * 8 * 3;
  static constexpr size_t kPatches = 20;
  static constexpr size_t kWidth = 24;

  CNaflexTest() {
    Siglip2VisionConfig config;
    config.hidden_size = kWidth;
    config.intermediate_size = 40;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 3;
    config.patch_size = 8;
    config.num_patches = 16;
    Siglip2ImageProcessorConfig preprocessing;
    preprocessing.patch_size = 8;
    preprocessing.max_num_patches = kPatches;
    Siglip2VisionModel::SaveRandom(config, 7, folder_, {}, preprocessing.ToJson());
    embedder_ = OpenFolder(folder_);
  }

  ScratchFolder scratch_;
  std::string folder_ = (scratch_ / "naflex").string();
  EmbedderHandle embedder_;
};

TEST_F(CNaflexTest, VariableResolutionIsThatOfTheClasses) {
  auto info = NewOptions<siglip_image_tower_info>();
  EXPECT_STATUS(SIGLIP_OK, siglip_get_image_tower_info(embedder_.get(), &info));
  EXPECT_EQ(info.image_size, 0);
  EXPECT_EQ(info.tokens, 20);
  EXPECT_EQ(info.picture_values, kPatches * kPatch);

  const std::vector<Image> images = Images();
  const Prepared prepared(embedder_.get(), images, kPatches * kPatch);
  const VisionInputs inputs = Siglip2ImageProcessor::FromPretrained(folder_)(images);
  EXPECT_TRUE(SameBits(prepared.pixels, inputs.pixel_values.floats()));
  EXPECT_TRUE(std::ranges::equal(prepared.shapes, inputs.spatial_shapes.values<int64_t>()));
  EXPECT_NE(prepared.shapes[0] * prepared.shapes[1], prepared.shapes[2] * prepared.shapes[3]);

  std::vector<float> tokens(3 * kPatches * kWidth);
  std::vector<float> pooled(3 * kWidth);
  const siglip_outputs outputs = Outputs(tokens, pooled);
  EXPECT_STATUS(SIGLIP_OK, siglip_run_image_tower(embedder_.get(), prepared.pixels.data(),
                                                  prepared.pixels.size(), 3, prepared.shapes.data(),
                                                  &outputs));
  const VisionOutput expected = Siglip2VisionModel::FromPretrained(folder_)(inputs);
  EXPECT_TRUE(SameBits(tokens, expected.last_hidden_state.floats()));
  EXPECT_TRUE(SameBits(pooled, expected.pooler_output->floats()));

  // Of one picture without its padding.
  const auto own = static_cast<size_t>(prepared.shapes[0] * prepared.shapes[1]);
  std::vector<float> one(own * kWidth);
  auto first = NewOptions<siglip_outputs>();
  first.last_hidden_state = one.data();
  first.last_hidden_state_count = one.size();
  EXPECT_STATUS(SIGLIP_OK, siglip_run_image_tower(embedder_.get(), prepared.pixels.data(),
                                                  own * kPatch, 1, prepared.shapes.data(), &first));
  EXPECT_TRUE(SameBits(one, std::span(tokens).first(one.size())));
}

TEST_F(CNaflexTest, ShapesThatCannotBe) {
  std::vector<float> pixels(2 * 6 * kPatch);
  std::vector<float> pooled(2 * kWidth, 7);
  std::vector<float> none;
  auto outputs = Outputs(none, pooled);
  outputs.last_hidden_state = nullptr;
  const auto run = [&](std::vector<int64_t> shapes, size_t values) {
    return siglip_run_image_tower(embedder_.get(), pixels.data(), values, 2, shapes.data(),
                                  &outputs);
  };
  for (const std::vector<int64_t>& shapes :
       std::vector<std::vector<int64_t>>{{2, 3, 2, 4},
                                         {0, 1, 1, 1},
                                         {-1, -1, 1, 1},
                                         {INT64_MAX, 2, 1, 1},
                                         {INT64_MIN, INT64_MIN, 1, 1}}) {
    EXPECT_NE(SIGLIP_OK, run(shapes, pixels.size())) << shapes[0];
  }
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"pixel_values"}, run({2, 3, 2, 3}, pixels.size() - 1));
  ExpectFailure(
      SIGLIP_INVALID_ARGUMENT, {"spatial_shapes"},
      siglip_run_image_tower(embedder_.get(), pixels.data(), pixels.size(), 2, nullptr, &outputs));
  EXPECT_EQ(pooled, std::vector<float>(2 * kWidth, 7));
  EXPECT_STATUS(SIGLIP_OK, run({2, 3, 1, 6}, pixels.size()));
}

TEST(CTowers, TextTowerIsThatOfTheClasses) {
  const std::array texts = {"a red heart", "a blue star"};
  std::vector<int64_t> ids(2 * 24);
  ASSERT_EQ(SIGLIP_OK, siglip_tokenize(Demo(), texts.data(), nullptr, 2, ids.data(), ids.size()));
  std::vector<float> tokens(2 * 24 * kDimension);
  std::vector<float> pooled(2 * kDimension);
  auto outputs = Outputs(tokens, pooled);
  EXPECT_STATUS(SIGLIP_OK, siglip_run_text_tower(Demo(), ids.data(), ids.size(), 2, &outputs));
  Tensor input_ids(DType::kI64, {2, 24});
  std::ranges::copy(ids, input_ids.values<int64_t>().begin());
  const TextOutput expected = SiglipTextModel::FromPretrained(kDemo)(input_ids);
  EXPECT_TRUE(SameBits(tokens, expected.last_hidden_state->floats()));
  EXPECT_TRUE(SameBits(pooled, expected.pooler_output.floats()));

  std::vector<float> untouched(2 * kDimension, 7);
  outputs = NewOptions<siglip_outputs>();
  outputs.pooler_output = untouched.data();
  outputs.pooler_output_count = untouched.size();
  ids[3] = 109;  // the size of the vocabulary
  EXPECT_EQ(SIGLIP_INVALID_ARGUMENT,
            siglip_run_text_tower(Demo(), ids.data(), ids.size(), 2, &outputs));
  EXPECT_EQ(untouched, std::vector<float>(2 * kDimension, 7));
  EXPECT_STATUS(SIGLIP_MISMATCH, siglip_run_text_tower(Demo(), ids.data(), 25, 1, &outputs));
}

TEST(CTowers, ArgumentsThatCannotBe) {
  constexpr size_t kEach = 3 * 64 * 64;
  std::vector<float> pixels(kEach);
  const std::vector<int64_t> ids(24, 1);
  const std::array<int64_t, 2> shape = {8, 8};
  std::vector<float> tokens(kTokens * kDimension, 7);
  std::vector<float> pooled(kDimension, 7);
  const siglip_outputs good = Outputs(tokens, pooled);
  const auto expect = [](const std::string& words, siglip_status status) {
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {words}, status);
  };
  const auto run = [&](size_t count, size_t n, const siglip_outputs* outputs) {
    return siglip_run_image_tower(Demo(), pixels.data(), count, n, nullptr, outputs);
  };
  expect("embedder", siglip_run_image_tower(nullptr, pixels.data(), kEach, 1, nullptr, &good));
  expect("pixel_values", siglip_run_image_tower(Demo(), nullptr, kEach, 1, nullptr, &good));
  expect("spatial_shapes",
         siglip_run_image_tower(Demo(), pixels.data(), kEach, 1, shape.data(), &good));
  expect("outputs", run(kEach, 1, nullptr));
  expect("pixel_values", run(kEach - 1, 1, &good));
  expect("pixel_values", run(kEach, 2, &good));
  expect("at least one", run(0, 0, &good));
  expect("overflows", run(kEach, SIZE_MAX / 2, &good));
  const auto empty = NewOptions<siglip_outputs>();
  expect("neither", run(kEach, 1, &empty));
  siglip_outputs small = good;
  --small.last_hidden_state_count;
  expect("last_hidden_state", run(kEach, 1, &small));
  small = good;
  --small.pooler_output_count;
  expect("pooler_output", run(kEach, 1, &small));

  expect("embedder", siglip_run_text_tower(nullptr, ids.data(), 24, 1, &good));
  expect("input_ids", siglip_run_text_tower(Demo(), nullptr, 24, 1, &good));
  expect("outputs", siglip_run_text_tower(Demo(), ids.data(), 24, 1, nullptr));
  expect("at least one", siglip_run_text_tower(Demo(), ids.data(), 24, 0, &good));
  expect("at least one", siglip_run_text_tower(Demo(), ids.data(), 0, 1, &good));
  expect("multiple", siglip_run_text_tower(Demo(), ids.data(), 23, 2, &good));
  small = good;
  --small.pooler_output_count;
  expect("pooler_output", siglip_run_text_tower(Demo(), ids.data(), 24, 1, &small));

  const siglip_picture picture = PathPicture(kThreePaths[0]);
  const siglip_picture described_wrongly{};
  float* const out = pixels.data();
  expect("embedder", siglip_preprocess(nullptr, &picture, out, kEach, nullptr));
  expect("picture", siglip_preprocess(Demo(), nullptr, out, kEach, nullptr));
  expect("neither", siglip_preprocess(Demo(), &described_wrongly, out, kEach, nullptr));
  expect("pixel_values", siglip_preprocess(Demo(), &picture, nullptr, kEach, nullptr));
  expect("12288", siglip_preprocess(Demo(), &picture, out, kEach - 1, nullptr));
  const std::string nowhere = "/nowhere/a.jpg";
  const siglip_picture missing = PathPicture(nowhere);
  ExpectFailure(SIGLIP_NOT_FOUND, {nowhere},
                siglip_preprocess(Demo(), &missing, out, kEach, nullptr));
  EXPECT_EQ(pixels, std::vector<float>(kEach));
  EXPECT_EQ(tokens, std::vector<float>(tokens.size(), 7));
  EXPECT_EQ(pooled, std::vector<float>(pooled.size(), 7));
}

}  // namespace
}  // namespace siglip
