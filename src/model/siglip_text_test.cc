// The text tower: layers against the formulas of its reference on every instruction set, inputs
// that are refused, and the table of token embeddings that stays in its file.
#include "model/siglip_text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "model/layer_test_support.h"
#include "scratch_folder.h"
#include "siglip/error.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/text_model.hpp"
#include "source_folders.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

const std::filesystem::path kFull = kGolden / "siglip-full";

SiglipTextConfig SmallTextConfig() {
  SiglipTextConfig config;
  config.hidden_size = 36;
  config.intermediate_size = 59;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.vocab_size = 50;
  config.max_position_embeddings = 19;
  config.projection_size = 23;
  return config;
}

template <class Id>
Tensor Ids(DType dtype, const Shape& shape, const std::vector<Id>& values) {
  Tensor ids(dtype, shape);
  EXPECT_EQ(ids.bytes().size(), values.size() * sizeof(Id));
  std::memcpy(ids.bytes().data(), values.data(), ids.bytes().size());
  return ids;
}

Tensor RandomIds(int64_t texts, int64_t tokens, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<int64_t> ids(static_cast<size_t>(texts * tokens));
  for (int64_t& id : ids) id = generator() % 50;
  return Ids(DType::kI64, {texts, tokens}, ids);
}

class SiglipTextLayersTest : public LayersTest {
 protected:
  SiglipTextLayersTest() : LayersTest(SmallTextConfig()) {}

  /// Token plus position of one text.
  std::vector<float> Embed(const int64_t* ids, int64_t tokens) const {
    const SiglipTextConfig config = SmallTextConfig();
    const auto hidden = static_cast<size_t>(config.hidden_size);
    const std::vector<float> table =
        Read("t.embeddings.token_embedding.weight", {config.vocab_size, config.hidden_size});
    const std::vector<float> positions = Read("t.embeddings.position_embedding.weight",
                                              {config.max_position_embeddings, config.hidden_size});
    std::vector<float> rows;
    for (size_t t = 0; t < static_cast<size_t>(tokens); ++t) {
      for (size_t d = 0; d < hidden; ++d) {
        rows.push_back(table[static_cast<size_t>(ids[t]) * hidden + d] + positions[t * hidden + d]);
      }
    }
    return rows;
  }
  std::vector<float> LastHiddenState(const int64_t* ids, int64_t tokens) const {
    std::vector<float> x = Embed(ids, tokens);
    for (const char* layer : {"t.encoder.layers.0", "t.encoder.layers.1"}) {
      x = EncoderLayer(layer, std::move(x));
    }
    return LayerNorm("t.final_layer_norm", x);
  }
  template <class Function>
  std::vector<float> PerText(const Tensor& ids, Function function) const {
    std::vector<float> all;
    for (int64_t text = 0; text < ids.dim(0); ++text) {
      const auto* row = reinterpret_cast<const int64_t*>(ids.bytes().data()) + text * ids.dim(1);
      const std::vector<float> one = function(row, ids.dim(1));
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
};

TEST_P(SiglipTextLayersTest, EmbeddingsAreTokensPlusPositions) {
  const SiglipTextEmbeddings embeddings(Source("t.embeddings"), SmallTextConfig());
  for (int64_t tokens : {1, 7, 19}) {
    const Tensor ids = RandomIds(3, tokens, 1);
    ExpectNear(embeddings(ids),
               PerText(ids, [&](const int64_t* row, int64_t count) { return Embed(row, count); }));
  }
}

TEST_P(SiglipTextLayersTest, LastPositionOfAnEncoderWithoutMaskIsPooled) {
  const SiglipTextTransformer transformer(Source("t"), SmallTextConfig());
  for (int64_t tokens : {1, 13, 19}) {
    const Tensor ids = RandomIds(4, tokens, 2);
    const TextOutput output = transformer(ids);
    ExpectNear(*output.last_hidden_state, PerText(ids, [&](const int64_t* row, int64_t count) {
      return LastHiddenState(row, count);
    }));
    ExpectNear(output.pooler_output, PerText(ids, [&](const int64_t* row, int64_t count) {
                 const std::vector<float> all = LastHiddenState(row, count);
                 return Linear("t.head", std::span(all).last(36), 23, 36);
               }));
  }
}

TEST_P(SiglipTextLayersTest, WhatIsNotAskedForChangesNoBit) {
  const SiglipTextTransformer transformer(Source("t"), SmallTextConfig());
  const Tensor ids = RandomIds(5, 19, 3);
  TextForwardOptions everything;
  everything.output_hidden_states = true;
  everything.output_attentions = true;
  TextForwardOptions nothing;
  nothing.output_last_hidden_state = false;
  const TextOutput all = transformer(ids, everything);
  const TextOutput few = transformer(ids, nothing);
  EXPECT_FALSE(few.last_hidden_state);
  EXPECT_TRUE(few.hidden_states.empty() && few.attentions.empty());
  ASSERT_EQ(all.hidden_states.size(), 3U);
  ASSERT_EQ(all.attentions.size(), 2U);
  EXPECT_EQ(all.attentions[0].shape(), (Shape{5, 3, 19, 19}));
  EXPECT_EQ(0, std::memcmp(all.pooler_output.bytes().data(), few.pooler_output.bytes().data(),
                           all.pooler_output.bytes().size()));
  const TextOutput again = transformer(ids, everything);
  EXPECT_EQ(
      0, std::memcmp(all.last_hidden_state->bytes().data(), again.last_hidden_state->bytes().data(),
                     all.last_hidden_state->bytes().size()));
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, SiglipTextLayersTest,
                         testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& info) { return info.param; });

/// The golden checkpoint in a folder of its own, for tests to change.
class SiglipTextModelTest : public testing::Test {
 protected:
  SiglipTextModelTest() {
    std::filesystem::copy_file(kFull / "config.json", folder_ / "config.json");
    const SafetensorsFile file = SafetensorsFile::Open(kFull / "model.safetensors");
    for (const std::string& name : file.names()) {
      tensors_.emplace_back(name, file.Get(name));
    }
  }
  Tensor& Named(const std::string& name) {
    for (auto& [stored, tensor] : tensors_) {
      if (stored == name) return tensor;
    }
    throw std::runtime_error("no tensor " + name);
  }
  SiglipTextModel Load() const {
    NamedTensors views;
    for (const auto& [name, tensor] : tensors_) views.emplace_back(name, tensor.view());
    WriteSafetensors(folder_ / "model.safetensors", views);
    return SiglipTextModel::FromPretrained(folder_.path());
  }

  ScratchFolder folder_;
  std::vector<std::pair<std::string, Tensor>> tensors_;
};

/// Sixteen ids below 300.
Tensor SomeIds() {
  std::vector<int64_t> ids(32);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i * 37 % 300);
  return Ids(DType::kI64, {2, 16}, ids);
}

std::vector<float> Pooled(const SiglipTextModel& model, const Tensor& ids) {
  const Tensor pooled = model(ids).pooler_output;
  return {pooled.floats().begin(), pooled.floats().end()};
}

TEST_F(SiglipTextModelTest, TokenEmbeddingsOfAnyTypeAreReadFromTheFile) {
  const std::string name = "text_model.embeddings.token_embedding.weight";
  Tensor& table = Named(name);
  // Values that every one of the types holds exactly.
  for (float& value : table.floats()) value = static_cast<float>(static_cast<int>(value * 64)) / 64;
  const Tensor exact = table;
  const std::vector<float> expected = Pooled(Load(), SomeIds());
  const int64_t bytes = Load().weight_bytes();

  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF64}) {
    Tensor converted(dtype, exact.shape());
    std::byte* out = converted.bytes().data();
    for (const float value : exact.floats()) {
      uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      const auto bfloat16 = static_cast<uint16_t>(bits >> 16);
      // Sign, exponent with the other bias, the ten upper bits of the fraction.
      const auto float16 = static_cast<uint16_t>(
          value == 0 ? 0
                     : ((bits >> 16) & 0x8000) | ((((bits >> 23) & 0xFF) - 112) << 10) |
                           ((bits >> 13) & 0x3FF));
      const auto wide = static_cast<double>(value);
      if (dtype == DType::kBF16) std::memcpy(out, &bfloat16, 2);
      if (dtype == DType::kF16) std::memcpy(out, &float16, 2);
      if (dtype == DType::kF64) std::memcpy(out, &wide, 8);
      out += SizeOf(dtype);
    }
    Named(name) = converted;
    const SiglipTextModel model = Load();
    EXPECT_EQ(Pooled(model, SomeIds()), expected) << ToString(dtype);
    EXPECT_EQ(model.weight_bytes(), bytes) << ToString(dtype) << ": the table is not held";
  }
}

TEST_F(SiglipTextModelTest, ALargerVocabularyTakesNoMemory) {
  const int64_t bytes = Load().weight_bytes();
  std::ifstream stream(kFull / "config.json");
  std::string config((std::istreambuf_iterator<char>(stream)), {});
  const std::string vocabulary = "\"vocab_size\": 300";
  config.replace(config.find(vocabulary), vocabulary.size(), "\"vocab_size\": 30000");
  std::ofstream(folder_ / "config.json") << config;
  Named("text_model.embeddings.token_embedding.weight") = Tensor(DType::kF32, {30000, 48});
  EXPECT_EQ(Load().weight_bytes(), bytes);
}

TEST_F(SiglipTextModelTest, IdsOf32And64BitsAreTheSame) {
  const SiglipTextModel model = Load();
  std::vector<int32_t> narrow(32);
  for (size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<int32_t>(i * 37 % 300);
  EXPECT_EQ(Pooled(model, Ids(DType::kI32, {2, 16}, narrow)), Pooled(model, SomeIds()));
}

TEST_F(SiglipTextModelTest, RefusesWrongIds) {
  const SiglipTextModel model = Load();
  for (const Shape& shape : {Shape{16}, Shape{1, 17}, Shape{1, 0}, Shape{1, 1, 16}, Shape{}}) {
    ExpectError(ErrorCode::kMismatch, {"input_ids", ToString(shape)},
                [&] { model(Tensor(DType::kI64, shape)); });
  }
  for (const DType dtype : {DType::kF32, DType::kU8, DType::kI16}) {
    ExpectError(ErrorCode::kMismatch, {"input_ids", std::string(ToString(dtype))}, [&] {
      model(Tensor(dtype, {1, 16}));
    });
  }
  for (const int64_t id : {int64_t{-1}, int64_t{300}, INT64_MAX, INT64_MIN}) {
    std::vector<int64_t> ids(3 * 16);
    ids[16 + 5] = id;
    ExpectError(ErrorCode::kInvalidArgument,
                {"row 1", "position 5", "299", "found " + std::to_string(id)}, [&] {
                  model(Ids(DType::kI64, {3, 16}, ids));
                });
  }
}

TEST_F(SiglipTextModelTest, EmptyBatchGivesEmptyOutputs) {
  const TextOutput output = Load()(Tensor(DType::kI64, {0, 16}));
  EXPECT_EQ(output.pooler_output.shape(), (Shape{0, 48}));
  EXPECT_EQ(output.last_hidden_state->shape(), (Shape{0, 16, 48}));
}

TEST_F(SiglipTextModelTest, TensorsMustFitTheConfiguration) {
  Named("text_model.head.weight") = Tensor(DType::kF32, {47, 48});
  tensors_.emplace_back("text_model.encoder.layers.2.mlp.fc1.bias", Tensor(DType::kF32, {104}));
  ExpectError(ErrorCode::kMismatch,
              {"text tower", "text_model.head.weight", "[47, 48]", "[48, 48]",
               "unexpected 'text_model.encoder.layers.2.mlp.fc1.bias'"},
              [&] { Load(); });
}

/// One tensor of the rows of three.
Tensor Stacked(const std::vector<Tensor>& parts) {
  Shape shape = parts[0].shape();
  shape[0] *= static_cast<int64_t>(parts.size());
  Tensor stacked(DType::kF32, shape);
  auto out = stacked.floats().begin();
  for (const Tensor& part : parts) out = std::ranges::copy(part.floats(), out).out;
  return stacked;
}

TEST_F(SiglipTextModelTest, OpenClipNamesAndConfigurationGiveTheSameBits) {
  const std::vector<float> expected = Pooled(Load(), SomeIds());
  std::vector<std::pair<std::string, Tensor>> renamed = {
      {"text.token_embedding.weight", Named("text_model.embeddings.token_embedding.weight")},
      {"text.positional_embedding", Named("text_model.embeddings.position_embedding.weight")},
      {"text.ln_final.weight", Named("text_model.final_layer_norm.weight")},
      {"text.ln_final.bias", Named("text_model.final_layer_norm.bias")},
      {"text.text_projection.weight", Named("text_model.head.weight")},
      {"text.text_projection.bias", Named("text_model.head.bias")},
      {"logit_scale", Named("logit_scale")},
      {"logit_bias", Named("logit_bias")}};
  for (const std::string layer : {"0", "1"}) {
    const std::string from = "text_model.encoder.layers." + layer + ".";
    const std::string to = "text.transformer.resblocks." + layer + ".";
    for (const std::string kind : {"weight", "bias"}) {
      const auto add = [&](const std::string& open_clip, const std::string& name) {
        renamed.emplace_back(to + open_clip + "." + kind, Named(from + name + "." + kind));
      };
      add("ln_1", "layer_norm1");
      add("ln_2", "layer_norm2");
      add("attn.out_proj", "self_attn.out_proj");
      add("mlp.c_fc", "mlp.fc1");
      add("mlp.c_proj", "mlp.fc2");
      renamed.emplace_back(to + "attn.in_proj_" + kind,
                           Stacked({Named(from + "self_attn.q_proj." + kind),
                                    Named(from + "self_attn.k_proj." + kind),
                                    Named(from + "self_attn.v_proj." + kind)}));
    }
  }
  tensors_ = renamed;
  std::filesystem::remove(folder_ / "config.json");
  std::ofstream(folder_ / "open_clip_config.json")
      << R"({"model_cfg":{"embed_dim":48,"text_cfg":{"context_length":16,"vocab_size":300,
             "width":48,"heads":4,"layers":2,"mlp_ratio":2.17,"no_causal_mask":true,
             "proj_bias":true,"pool_type":"last","norm_kwargs":{"eps":1e-6},
             "act_kwargs":{"approximate":"tanh"}}}})";
  EXPECT_EQ(Pooled(Load(), SomeIds()), expected);
}

}  // namespace
}  // namespace siglip
