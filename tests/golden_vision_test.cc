// The image tower against what transformers and timm computed, on every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "golden_values.h"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

/// The output that transformers calls `name`, e.g. "hidden_states.2"; null when there is none.
const Tensor* OutputNamed(const VisionOutput& output, const std::string& name) {
  if (name == "last_hidden_state") return &output.last_hidden_state;
  if (name == "pooler_output") return output.pooler_output ? &*output.pooler_output : nullptr;
  for (const auto& [prefix, tensors] :
       {std::pair{std::string("hidden_states."), &output.hidden_states},
        std::pair{std::string("attentions."), &output.attentions}}) {
    if (name.starts_with(prefix)) {
      return &tensors->at(static_cast<size_t>(std::stoi(name.substr(prefix.size()))));
    }
  }
  return nullptr;
}

std::vector<std::string> Cases() {
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("vision-") || name.starts_with("names-") ||
        name == "config-defaults-omitted") {
      cases.push_back(name);
    }
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

class GoldenVisionTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  std::string name() const { return std::get<0>(GetParam()); }
  std::shared_ptr<const Runtime> runtime() const {
    return Runtime::Create({.threads = 2, .instruction_set = std::get<1>(GetParam())});
  }
};

TEST_P(GoldenVisionTest, EveryOutputEqualsTheReference) {
  const std::filesystem::path folder = kGolden / name();
  const SiglipVisionModel model = SiglipVisionModel::FromPretrained(folder, runtime());
  EXPECT_EQ(model.runtime()->instruction_set(), std::get<1>(GetParam()));
  const SafetensorsFile input = SafetensorsFile::Open(folder / "input.safetensors");
  const SafetensorsFile expected = SafetensorsFile::Open(folder / "expected.safetensors");
  const VisionOutput output = model(ReadFloats(input, "pixel_values"),
                                    {.interpolate_pos_encoding = name() == "vision-interpolated",
                                     .output_hidden_states = true,
                                     .output_attentions = true});
  int compared = 0;
  for (const std::string& tensor : expected.names()) {
    if (tensor == "projected") continue;  // of the projector, not of the tower
    const Tensor* found = OutputNamed(output, tensor);
    ASSERT_NE(found, nullptr) << tensor;
    const Tensor wanted = ReadFloats(expected, tensor);
    ASSERT_EQ(found->shape(), wanted.shape()) << tensor;
    EXPECT_LE(LargestRowError(*found, wanted), kTolerance) << tensor;
    ++compared;
  }
  EXPECT_GE(compared, 1);
  EXPECT_EQ(output.pooler_output.has_value(), expected.contains("pooler_output"));
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenVisionTest,
                         testing::Combine(testing::ValuesIn(Cases()),
                                          testing::ValuesIn(AvailableInstructionSets())),
                         [](const auto& info) {
                           std::string label =
                               std::get<0>(info.param) + "_" + std::get<1>(info.param);
                           for (char& c : label) c = c == '-' ? '_' : c;
                           return label;
                         });

/// Full size: base-patch16-224, whose checkpoint a helper writes into the build folder once.
class GoldenBaseTest : public testing::TestWithParam<std::string> {};

std::filesystem::path BaseCheckpoint() {
  return std::filesystem::path(SIGLIP_BINARY_DIR) / "checkpoints/base-patch16-224";
}

Tensor BasePixels(const SafetensorsFile& input) {
  const TensorView bytes = input.Get("pixels_u8");
  Tensor pixels(DType::kF32, bytes.shape());
  std::ranges::transform(bytes.values<uint8_t>(), pixels.floats().begin(),
                         [](uint8_t value) { return static_cast<float>(value) / 127.5F - 1.0F; });
  return pixels;
}

TEST_P(GoldenBaseTest, RowsEqualTheReference) {
  ASSERT_TRUE(std::filesystem::exists(BaseCheckpoint() / "config.json"))
      << "the test `golden.write_base_checkpoint` makes it";
  const SiglipVisionModel model = SiglipVisionModel::FromPretrained(
      BaseCheckpoint(), Runtime::Create({.threads = 0, .instruction_set = GetParam()}));
  const std::filesystem::path folder = kGolden / "base-patch16-224";
  const SafetensorsFile input = SafetensorsFile::Open(folder / "input.safetensors");
  const SafetensorsFile expected = SafetensorsFile::Open(folder / "expected.safetensors");
  const Tensor pixels = BasePixels(input);
  VisionForwardOptions options;
  options.output_hidden_states = true;
  const VisionOutput output = model(pixels, options);

  EXPECT_LE(LargestRowError(*output.pooler_output, ReadFloats(expected, "pooler_output")),
            kTolerance);
  // Of the tokens, every 28th row was kept.
  const auto every28th = [](const Tensor& all, const Tensor& wanted) {
    Tensor rows(DType::kF32, wanted.shape());
    const auto columns = static_cast<size_t>(all.dim(2));
    const auto tokens = static_cast<size_t>(all.dim(1));
    const auto kept = static_cast<size_t>(wanted.dim(1));
    for (size_t picture = 0; picture < static_cast<size_t>(all.dim(0)); ++picture) {
      for (size_t row = 0; row < kept; ++row) {
        std::memcpy(&rows.floats()[(picture * kept + row) * columns],
                    &all.floats()[(picture * tokens + row * 28) * columns],
                    columns * sizeof(float));
      }
    }
    return rows;
  };
  const Tensor last = ReadFloats(expected, "last_hidden_state.rows_0_28_56_");
  EXPECT_LE(LargestRowError(every28th(output.last_hidden_state, last), last), kTolerance);
  const Tensor sixth = ReadFloats(expected, "hidden_states.6.rows_0_28_56_");
  EXPECT_LE(LargestRowError(every28th(output.hidden_states[6], sixth), sixth), kTolerance);
}

/// Those that f32 tells apart: names with an underscore only add instructions for other precisions.
std::vector<std::string> DistinctInstructionSets() {
  std::vector<std::string> names = AvailableInstructionSets();
  std::erase_if(names, [](const std::string& name) { return name.find('_') != std::string::npos; });
  return names;
}

INSTANTIATE_TEST_SUITE_P(Base, GoldenBaseTest, testing::ValuesIn(DistinctInstructionSets()),
                         [](const auto& info) { return info.param; });

/// Largest and mean distance of the pooled vectors from what they should be, as cosines.
struct Cosines {
  double mean = 0;
  double worst = 1;
};

Cosines CosinesOf(const Tensor& found, const Tensor& expected) {
  Cosines cosines;
  const auto columns = static_cast<size_t>(expected.dim(1));
  for (size_t begin = 0; begin < expected.floats().size(); begin += columns) {
    double product = 0;
    double found_square = 0;
    double expected_square = 0;
    for (size_t i = begin; i < begin + columns; ++i) {
      const double f = found.floats()[i];
      const double e = expected.floats()[i];
      product += f * e;
      found_square += f * f;
      expected_square += e * e;
    }
    const double cosine = product / std::sqrt(found_square * expected_square);
    cosines.mean += cosine / static_cast<double>(expected.dim(0));
    cosines.worst = std::min(cosines.worst, cosine);
  }
  return cosines;
}

/// The accuracy promised for the precisions that are not exact.
TEST_P(GoldenBaseTest, PooledVectorsKeepTheirDirectionInEveryPrecision) {
  const SafetensorsFile input =
      SafetensorsFile::Open(kGolden / "base-patch16-224/input.safetensors");
  const Tensor expected = ReadFloats(
      SafetensorsFile::Open(kGolden / "base-patch16-224/expected.safetensors"), "pooler_output");
  const Tensor pixels = BasePixels(input);
  const auto runtime = Runtime::Create({.threads = 0, .instruction_set = GetParam()});
  for (const auto& [precision, mean, worst] : {std::tuple{Precision::kBFloat16, 0.9999, 0.9995},
                                               std::tuple{Precision::kInt8, 0.999, 0.998}}) {
    const SiglipVisionModel model =
        SiglipVisionModel::FromPretrained(BaseCheckpoint(), runtime, precision);
    const Cosines cosines = CosinesOf(*model(pixels).pooler_output, expected);
    EXPECT_GE(cosines.mean, mean) << ToString(precision);
    EXPECT_GE(cosines.worst, worst) << ToString(precision);
  }
}

/// The promise of bit-identical results, on the model whose sizes have the most remainders.
std::vector<std::pair<std::string, Precision>> EveryKindOfComputing() {
  std::vector<std::pair<std::string, Precision>> kinds;
  for (const std::string& isa : AvailableInstructionSets()) {
    for (Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      kinds.emplace_back(isa, precision);
    }
  }
  return kinds;
}

TEST(InvarianceTest, SameBitsInAnyBatchAtAnyPositionWithAnyThreads) {
  const std::filesystem::path folder = kGolden / "vision-odd-sizes";
  const SafetensorsFile input = SafetensorsFile::Open(folder / "input.safetensors");
  const Tensor few = ReadFloats(input, "pixel_values");
  const int64_t pictures = 7;
  Tensor pixels(DType::kF32, {pictures, few.dim(1), few.dim(2), few.dim(3)});
  const size_t size = pixels.floats().size() / pictures;
  for (size_t i = 0; i < pixels.floats().size(); ++i) {
    pixels.floats()[i] =
        few.floats()[i % few.floats().size()] * (1.0F - 0.01F * static_cast<float>(i / size));
  }
  for (const auto& [isa, precision] : EveryKindOfComputing()) {
    const SiglipVisionModel one = SiglipVisionModel::FromPretrained(
        folder, Runtime::Create({.threads = 1, .instruction_set = isa}), precision);
    const VisionOutput whole = one(pixels);
    const size_t tokens_size = whole.last_hidden_state.floats().size() / pictures;
    const size_t pooled_size = whole.pooler_output->floats().size() / pictures;
    for (int threads : {1, 2, 3, 5}) {
      const SiglipVisionModel model = SiglipVisionModel::FromPretrained(
          folder, Runtime::Create({.threads = threads, .instruction_set = isa}), precision);
      for (int64_t batch : {1, 2, 3, 7}) {
        for (int64_t first = 0; first + batch <= pictures; first += 2) {
          Tensor part(DType::kF32, {batch, few.dim(1), few.dim(2), few.dim(3)});
          std::memcpy(part.floats().data(), &pixels.floats()[static_cast<size_t>(first) * size],
                      part.floats().size_bytes());
          const VisionOutput output = model(part);
          ASSERT_EQ(0,
                    std::memcmp(
                        output.last_hidden_state.floats().data(),
                        &whole.last_hidden_state.floats()[static_cast<size_t>(first) * tokens_size],
                        output.last_hidden_state.floats().size_bytes()))
              << isa << " " << ToString(precision) << ", " << threads << " threads, batch of "
              << batch << " from " << first;
          ASSERT_EQ(0, std::memcmp(
                           output.pooler_output->floats().data(),
                           &whole.pooler_output->floats()[static_cast<size_t>(first) * pooled_size],
                           output.pooler_output->floats().size_bytes()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace siglip
