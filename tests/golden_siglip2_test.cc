// The image tower of SigLIP 2 NaFlex against what transformers computed, on every instruction set,
// and the promise that a picture has the same bits in any company.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "golden_values.h"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

const std::filesystem::path kFolder = kGolden / "siglip2-naflex";

VisionInputs GoldenInputs() {
  const SafetensorsFile file = SafetensorsFile::Open(kFolder / "input.safetensors");
  return {ReadFloats(file, "pixel_values"), ReadTensor(file, "pixel_attention_mask"),
          ReadTensor(file, "spatial_shapes")};
}

int64_t TokensOf(const VisionInputs& inputs, size_t picture) {
  int64_t shape[2];
  std::memcpy(shape, inputs.spatial_shapes.bytes().data() + picture * sizeof(shape), sizeof(shape));
  return shape[0] * shape[1];
}

Tensor RowsOf(const Tensor& all, size_t picture, int64_t rows) {
  Tensor first(DType::kF32, {rows, all.dim(2)});
  const auto size = static_cast<size_t>(all.dim(1) * all.dim(2));
  std::ranges::copy(all.floats().subspan(picture * size, first.floats().size()),
                    first.floats().begin());
  return first;
}

std::shared_ptr<const Runtime> RuntimeOf(const std::string& isa, int threads) {
  return Runtime::Create({.threads = threads, .instruction_set = isa});
}

class GoldenSiglip2Test : public testing::TestWithParam<std::string> {};

TEST_P(GoldenSiglip2Test, RowsOfPatchesAndPooledVectorsEqualTheReference) {
  const auto model = Siglip2VisionModel::FromPretrained(kFolder, RuntimeOf(GetParam(), 2));
  EXPECT_EQ(model.runtime()->instruction_set(), GetParam());
  const SafetensorsFile expected = SafetensorsFile::Open(kFolder / "expected.safetensors");
  const Tensor tokens = ReadFloats(expected, "vision.last_hidden_state");
  const VisionInputs inputs = GoldenInputs();
  const VisionOutput output = model(inputs);

  ASSERT_EQ(output.last_hidden_state.shape(), tokens.shape());
  const auto pictures = static_cast<size_t>(tokens.dim(0));
  const auto size = static_cast<size_t>(tokens.dim(1) * tokens.dim(2));
  for (size_t picture = 0; picture < pictures; ++picture) {
    const int64_t rows = TokensOf(inputs, picture);
    EXPECT_LE(LargestRowError(RowsOf(output.last_hidden_state, picture, rows),
                              RowsOf(tokens, picture, rows)),
              kTolerance)
        << picture;
    const auto padding = output.last_hidden_state.floats().subspan(
        picture * size + static_cast<size_t>(rows * tokens.dim(2)),
        size - static_cast<size_t>(rows * tokens.dim(2)));
    EXPECT_TRUE(std::ranges::all_of(padding, [](float value) { return value == 0; })) << picture;
  }
  EXPECT_LE(LargestRowError(*output.pooler_output, ReadFloats(expected, "vision.pooler_output")),
            kTolerance);
}

TEST_P(GoldenSiglip2Test, TheWholeModelEqualsTheReference) {
  const auto model = Siglip2Model::FromPretrained(kFolder, RuntimeOf(GetParam(), 2));
  const SafetensorsFile input = SafetensorsFile::Open(kFolder / "input.safetensors");
  const SafetensorsFile expected = SafetensorsFile::Open(kFolder / "expected.safetensors");
  const SiglipOutput output = model(ReadTensor(input, "input_ids"), GoldenInputs());
  EXPECT_LE(LargestRowError(output.image_embeds, ReadFloats(expected, "image_embeds")), kTolerance);
  EXPECT_LE(LargestRowError(output.text_embeds, ReadFloats(expected, "text_embeds")), kTolerance);
  EXPECT_LE(LargestError(output.logits_per_image, ReadFloats(expected, "logits_per_image")),
            kLogitTolerance);
}

INSTANTIATE_TEST_SUITE_P(Naflex, GoldenSiglip2Test, testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& info) { return info.param; });

/// Seven pictures of seven shapes, from extreme to full, of at most 16 patches.
VisionInputs MixedInputs() {
  const std::vector<std::pair<int64_t, int64_t>> shapes = {{4, 4}, {1, 16}, {3, 5}, {1, 1},
                                                           {7, 2}, {2, 3},  {4, 4}};
  const VisionInputs golden = GoldenInputs();
  const auto batch = static_cast<int64_t>(shapes.size());
  VisionInputs inputs = {Tensor(DType::kF32, {batch, 16, golden.pixel_values.dim(2)}),
                         {},
                         Tensor(DType::kI64, {batch, 2})};
  const auto source = golden.pixel_values.floats();
  auto values = inputs.pixel_values.floats();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = source[i % source.size()] + 0.001F * static_cast<float>(i % 1013);
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t shape[2] = {shapes[i].first, shapes[i].second};
    std::memcpy(inputs.spatial_shapes.bytes().data() + i * sizeof(shape), shape, sizeof(shape));
  }
  return inputs;
}

/// Pictures [first, first + count).
VisionInputs Slice(const VisionInputs& all, size_t first, size_t count) {
  const auto slice = [&](const Tensor& tensor) {
    Shape shape = tensor.shape();
    const size_t bytes = tensor.bytes().size() / static_cast<size_t>(shape[0]);
    shape[0] = static_cast<int64_t>(count);
    Tensor part(tensor.dtype(), shape);
    std::ranges::copy(tensor.bytes().subspan(first * bytes, count * bytes), part.bytes().begin());
    return part;
  };
  return {slice(all.pixel_values), {}, slice(all.spatial_shapes)};
}

bool SameRows(const Tensor& part, const Tensor& whole, size_t first) {
  const size_t bytes = whole.bytes().size() / static_cast<size_t>(whole.dim(0));
  return std::ranges::equal(part.bytes(),
                            whole.bytes().subspan(first * bytes, part.bytes().size()));
}

TEST(Siglip2InvarianceTest, SameBitsInAnyCompanyWithAnyThreadsInEveryPrecision) {
  const VisionInputs inputs = MixedInputs();
  const size_t pictures = 7;
  const VisionForwardOptions all = {.output_hidden_states = true, .output_attentions = true};
  for (const std::string& isa : AvailableInstructionSets()) {
    for (const Precision precision :
         {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      const VisionOutput whole =
          Siglip2VisionModel::FromPretrained(kFolder, RuntimeOf(isa, 1), precision)(inputs, all);
      for (const int threads : {1, 2, 3, 5}) {
        const auto model =
            Siglip2VisionModel::FromPretrained(kFolder, RuntimeOf(isa, threads), precision);
        for (const size_t batch : {1, 2, 3, 7}) {
          for (size_t first = 0; first + batch <= pictures; first += 2) {
            const VisionOutput part = model(Slice(inputs, first, batch), all);
            SCOPED_TRACE(isa + " " + std::string(ToString(precision)) + ", " +
                         std::to_string(threads) + " threads, batch of " + std::to_string(batch) +
                         " from " + std::to_string(first));
            ASSERT_TRUE(SameRows(part.last_hidden_state, whole.last_hidden_state, first));
            ASSERT_TRUE(SameRows(*part.pooler_output, *whole.pooler_output, first));
            ASSERT_TRUE(SameRows(part.hidden_states[1], whole.hidden_states[1], first));
            ASSERT_TRUE(SameRows(part.attentions[1], whole.attentions[1], first));
          }
        }
      }
    }
  }
}

TEST(Siglip2InvarianceTest, MorePaddingChangesNothing) {
  const auto model = Siglip2VisionModel::FromPretrained(kFolder);
  const VisionInputs tight = Slice(MixedInputs(), 2, 1);  // 3 x 5 of 16
  VisionInputs wide = {
      Tensor(DType::kF32, {1, 40, tight.pixel_values.dim(2)}), {}, tight.spatial_shapes};
  std::ranges::fill(wide.pixel_values.floats(), 1e30F);  // must never be looked at
  const auto used = tight.pixel_values.floats().first(15 * 192);
  std::ranges::copy(used, wide.pixel_values.floats().begin());
  const VisionOutput from_tight = model(tight);
  const VisionOutput from_wide = model(wide);
  EXPECT_TRUE(SameRows(*from_wide.pooler_output, *from_tight.pooler_output, 0));
  EXPECT_EQ(from_wide.last_hidden_state.shape(), (Shape{1, 40, 48}));
  EXPECT_TRUE(std::ranges::equal(from_wide.last_hidden_state.floats().first(15 * 48),
                                 from_tight.last_hidden_state.floats().first(15 * 48)));
}

TEST(Siglip2InvarianceTest, AttentionsOfPatchesSumToOneAndPaddingIsZero) {
  const auto model = Siglip2VisionModel::FromPretrained(kFolder);
  const VisionOutput output = model(Slice(MixedInputs(), 2, 1), {.output_attentions = true});
  ASSERT_EQ(output.attentions.size(), 2U);
  ASSERT_EQ(output.attentions[0].shape(), (Shape{1, 4, 16, 16}));
  for (size_t row = 0; row < 4 * 16; ++row) {
    const auto weights = output.attentions[1].floats().subspan(row * 16, 16);
    double sum = 0;
    for (const float weight : weights) sum += weight;
    EXPECT_NEAR(sum, row % 16 < 15 ? 1.0 : 0.0, 1e-5) << row;
    EXPECT_EQ(weights[15], 0.0F);
  }
}

}  // namespace
}  // namespace siglip
