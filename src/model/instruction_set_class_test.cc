// Instruction sets of one class give the same bits: computed on every set that this CPU has, in all
// precisions, with models whose sizes leave every kind of remainder.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/sha256.h"
#include "model/layer_test_support.h"
#include "sanitizers.h"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

using Compute = std::function<std::vector<Tensor>(const std::shared_ptr<const Runtime>& runtime,
                                                  Precision precision)>;

std::vector<Tensor> Outputs(VisionOutput output) {
  std::vector<Tensor> tensors;
  tensors.push_back(std::move(output.last_hidden_state));
  if (output.pooler_output) tensors.push_back(*std::move(output.pooler_output));
  return tensors;
}

Compute Golden(const std::string& name) {
  return [=](const auto& runtime, Precision precision) {
    const auto input = SafetensorsFile::Open(kGolden / name / "input.safetensors");
    const TensorView view = input.Get("pixel_values");
    Tensor pixel_values(DType::kF32, view.shape());
    ConvertToFloat(view, pixel_values.floats());
    return Outputs(
        SiglipVisionModel::FromPretrained(kGolden / name, runtime, precision)(pixel_values));
  };
}

std::vector<Tensor> ComputeNaflex(const std::shared_ptr<const Runtime>& runtime,
                                  Precision precision) {
  const auto model =
      Siglip2VisionModel::FromPretrained(kGolden / "siglip2-naflex", runtime, precision);
  Tensor shapes(DType::kI64, {1, 2});
  const std::vector<int64_t> sides = {5, 7};
  std::memcpy(shapes.bytes().data(), sides.data(), shapes.bytes().size());
  return Outputs(model({RandomTensor({1, 35, model.config().patch_values()}, 2), {}, shapes}));
}

std::vector<Tensor> ComputeText(const std::shared_ptr<const Runtime>& runtime,
                                Precision precision) {
  const auto model = SiglipTextModel::FromPretrained(kGolden / "siglip-full", runtime, precision);
  Tensor ids(DType::kI64, {1, 16});
  std::vector<int64_t> values(16);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i * 17 % 300);
  std::memcpy(ids.bytes().data(), values.data(), ids.bytes().size());
  std::vector<Tensor> tensors;
  tensors.push_back(model(ids).pooler_output);
  return tensors;
}

/// Products deeper than a slice of the kernels.
std::vector<Tensor> ComputeLarge(const std::shared_ptr<const Runtime>& runtime,
                                 Precision precision) {
  SiglipVisionConfig config;
  config.hidden_size = 1152;
  config.intermediate_size = 2000;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 16;
  config.image_size = 126;
  config.patch_size = 14;
  return Outputs(
      SiglipVisionModel(config, 7, runtime, precision)(RandomTensor({1, 3, 126, 126}, 3)));
}

std::string HashOf(const std::vector<Tensor>& tensors) {
  Sha256 hash;
  for (const Tensor& tensor : tensors) hash.Add(tensor.bytes());
  return hash.Finish();
}

TEST(InstructionSetClassTest, SetsOfOneClassGiveTheSameBits) {
  if (kThreadSanitizer || kAddressSanitizer) GTEST_SKIP() << "about bits, which take long";
  const std::vector<std::pair<std::string, Compute>> cases = {
      {"head", Golden("vision-head")},
      {"odd sizes", Golden("vision-odd-sizes")},
      {"exact GELU", Golden("vision-gelu-erf")},
      {"heads of 72", Golden("vision-head-dim-72")},
      {"1024 tokens", Golden("vision-1024-tokens")},
      {"NaFlex", ComputeNaflex},
      {"text", ComputeText},
      {"large", ComputeLarge},
  };
  for (const auto& [name, compute] : cases) {
    for (const Precision precision :
         {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      std::map<std::string_view, std::string> hash_of_class;
      for (const InstructionSet isa : SupportedInstructionSets()) {
        const auto runtime =
            Runtime::Create({.threads = 1, .instruction_set = std::string(ToString(isa))});
        const std::string hash = HashOf(compute(runtime, precision));
        const auto [known, is_new] =
            hash_of_class.emplace(ToString(InstructionSetClass(isa, precision)), hash);
        EXPECT_EQ(known->second, hash) << name << " in " << ToString(precision) << " on "
                                       << ToString(isa) << ", of class " << known->first;
      }
    }
  }
}

}  // namespace
}  // namespace siglip
