// Both towers, classification and projection against what transformers computed, on every
// instruction set.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "golden_values.h"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/image_classification.hpp"
#include "siglip/transformers/projector.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

std::string Label(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

/// The input and the expected values of a case.
struct Case {
  explicit Case(const std::string& name)
      : folder(kGolden / name),
        input(SafetensorsFile::Open(folder / "input.safetensors")),
        expected(SafetensorsFile::Open(folder / "expected.safetensors")) {}

  std::filesystem::path folder;
  SafetensorsFile input;
  SafetensorsFile expected;
};

constexpr int64_t kLossPairs = 3;  // of loss_first_n, see about.json

class GoldenModelTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  static std::shared_ptr<const Runtime> NewRuntime() {
    return Runtime::Create({.threads = 2, .instruction_set = std::get<1>(GetParam())});
  }
};

TEST_P(GoldenModelTest, EveryOutputEqualsTheReference) {
  const Case golden(std::get<0>(GetParam()));
  const SiglipModel model = SiglipModel::FromPretrained(golden.folder, NewRuntime());
  const Tensor input_ids = ReadTensor(golden.input, "input_ids");
  const Tensor pixel_values = ReadFloats(golden.input, "pixel_values");
  const SiglipOutput output = model(input_ids, pixel_values);

  const auto check = [&](const std::string& name, const Tensor& found, double tolerance,
                         double (*error)(const Tensor&, const Tensor&)) {
    const Tensor expected = ReadFloats(golden.expected, name);
    ASSERT_EQ(found.shape(), expected.shape()) << name;
    EXPECT_LE(error(found, expected), tolerance) << name;
  };
  check("text.last_hidden_state", *output.text_model_output.last_hidden_state, kTolerance,
        LargestRowError);
  check("text.pooler_output", output.text_model_output.pooler_output, kTolerance, LargestRowError);
  check("text_embeds", output.text_embeds, kTolerance, LargestRowError);
  check("image_embeds", output.image_embeds, kTolerance, LargestRowError);
  check("logits_per_image", output.logits_per_image, kLogitTolerance, LargestError);
  check("logits_per_text", output.logits_per_text, kLogitTolerance, LargestError);
  check("probabilities", output.probabilities, kLogitTolerance, LargestError);
  EXPECT_FALSE(output.loss) << "3 pictures and 4 texts are no pairs";

  const SiglipOutput paired =
      model(FirstRows(input_ids, kLossPairs), FirstRows(pixel_values, kLossPairs));
  ASSERT_TRUE(paired.loss);
  check("loss_first_n", Tensor({1}, {*paired.loss}), kLogitTolerance, LargestError);

  EXPECT_LE(LargestRowError(NormalizeRows(model.GetTextFeatures(input_ids)), output.text_embeds),
            1e-7);
  EXPECT_LE(
      LargestRowError(NormalizeRows(model.GetImageFeatures(pixel_values)), output.image_embeds),
      1e-7);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenModelTest,
                         testing::Combine(testing::Values("siglip-full", "siglip-projection"),
                                          testing::ValuesIn(AvailableInstructionSets())),
                         [](const auto& info) {
                           return Label(std::get<0>(info.param) + "_" + std::get<1>(info.param));
                         });

class GoldenPartsTest : public testing::TestWithParam<std::string> {
 protected:
  static std::shared_ptr<const Runtime> NewRuntime() {
    return Runtime::Create({.threads = 2, .instruction_set = GetParam()});
  }
};

TEST_P(GoldenPartsTest, ClassificationEqualsTheReference) {
  const Case golden("image-classification");
  const auto model = SiglipForImageClassification::FromPretrained(golden.folder, NewRuntime());
  const Tensor logits = model(ReadFloats(golden.input, "pixel_values")).logits;
  const Tensor expected = ReadFloats(golden.expected, "logits");
  ASSERT_EQ(logits.shape(), expected.shape());
  EXPECT_LE(LargestError(logits, expected), kLogitTolerance);
  EXPECT_EQ(model.labels(),
            (std::vector<std::string>{"class-0", "class-1", "class-2", "class-3", "class-4"}));
}

TEST_P(GoldenPartsTest, ProjectedTokensEqualTheReference) {
  const Case golden("names-paligemma");
  const auto runtime = NewRuntime();
  const auto tower = SiglipVisionModel::FromPretrained(golden.folder, runtime);
  const auto projector = MultiModalProjector::FromPretrained(golden.folder, runtime);
  const Tensor projected =
      (*projector)(tower(ReadFloats(golden.input, "pixel_values")).last_hidden_state);
  const Tensor expected = ReadFloats(golden.expected, "projected");
  ASSERT_EQ(projected.shape(), expected.shape());
  EXPECT_LE(LargestRowError(projected, expected), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, GoldenPartsTest,
                         testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& info) { return info.param; });

/// The ids of a case, more texts made of them, one of them twice.
Tensor SevenTexts(const Tensor& few) {
  Tensor ids(DType::kI64, {7, few.dim(1)});
  const auto size = static_cast<size_t>(few.dim(1));
  const auto from = few.values<int64_t>();
  const auto to = ids.values<int64_t>();
  for (size_t i = 0; i < to.size(); ++i) {
    const size_t text = i / size == 6 ? 1 : i / size;
    to[i] =
        text < 4 ? from[text * size + i % size] : (from[(text - 4) * size + i % size] + 7) % 300;
  }
  return ids;
}

TEST(TextInvariance, SameBitsInAnyBatchAtAnyPositionWithAnyThreads) {
  const Case golden("siglip-projection");
  const Tensor ids = SevenTexts(ReadTensor(golden.input, "input_ids"));
  const int64_t texts = ids.dim(0);
  TextForwardOptions everything;
  everything.output_hidden_states = true;
  everything.output_attentions = true;
  TextForwardOptions pooled_only;
  pooled_only.output_last_hidden_state = false;
  for (const std::string& isa : AvailableInstructionSets()) {
    for (Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      const SiglipTextModel one = SiglipTextModel::FromPretrained(
          golden.folder, Runtime::Create({.threads = 1, .instruction_set = isa}), precision);
      const TextOutput whole = one(ids, everything);
      const auto expect_rows = [&](const Tensor& part, const Tensor& all, int64_t first) {
        const size_t row = all.bytes().size() / static_cast<size_t>(texts);
        ASSERT_EQ(0, std::memcmp(part.bytes().data(),
                                 all.bytes().data() + static_cast<size_t>(first) * row,
                                 part.bytes().size()))
            << isa << " " << ToString(precision) << ", " << part.dim(0) << " from " << first;
      };
      for (int threads : {2, 5}) {
        const SiglipTextModel model = SiglipTextModel::FromPretrained(
            golden.folder, Runtime::Create({.threads = threads, .instruction_set = isa}),
            precision);
        for (int64_t batch : {1, 3, 7}) {
          for (int64_t first = 0; first + batch <= texts; first += 2) {
            Tensor part(DType::kI64, {batch, ids.dim(1)});
            std::memcpy(part.bytes().data(),
                        ids.bytes().data() + static_cast<size_t>(first * ids.dim(1)) * 8,
                        part.bytes().size());
            const TextOutput output = model(part, everything);
            expect_rows(*output.last_hidden_state, *whole.last_hidden_state, first);
            expect_rows(output.pooler_output, whole.pooler_output, first);
            for (size_t i = 0; i < whole.hidden_states.size(); ++i) {
              expect_rows(output.hidden_states[i], whole.hidden_states[i], first);
            }
            for (size_t i = 0; i < whole.attentions.size(); ++i) {
              expect_rows(output.attentions[i], whole.attentions[i], first);
            }
            const TextOutput pooled = model(part, pooled_only);
            EXPECT_FALSE(pooled.last_hidden_state);
            expect_rows(pooled.pooler_output, whole.pooler_output, first);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace siglip
