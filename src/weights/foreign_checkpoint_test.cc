// Checkpoints of big_vision and llama.cpp: files, configuration, tensors.
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "expect_error.h"
#include "gguf_builder.h"
#include "scratch_folder.h"
#include "weights/checkpoint.h"
#include "zip_builder.h"

namespace siglip {
namespace {

void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A name and a shape as numpy writes it; filled with 0, 1, 2, ...
struct Array {
  std::string name;
  std::vector<int64_t> shape;
};

std::string MakeNpz(const std::vector<Array>& arrays, bool deflate = false) {
  std::vector<TestMember> members;
  for (const Array& array : arrays) {
    std::string shape = "(";
    for (int64_t extent : array.shape) shape += std::to_string(extent) + ", ";
    std::vector<float> values(static_cast<size_t>(ElementCount(array.shape)));
    std::iota(values.begin(), values.end(), 0.0F);
    members.push_back({.name = array.name + ".npy",
                       .data = MakeNpy(NpyDictionary("<f4", shape + ")"), FloatBytes(values)),
                       .deflate = deflate});
  }
  return MakeZip(members);
}

/// The tensors that tell the size of a tower: width 6, two heads, MLP 8.
std::vector<Array> ImageTower(const std::string& prefix) {
  std::vector<Array> arrays = {{prefix + "embedding/kernel", {4, 4, 3, 6}},
                               {prefix + "embedding/bias", {6}},
                               {prefix + "pos_embedding", {1, 9, 6}}};
  for (const char* layer : {"0", "1"}) {
    const std::string block = prefix + "Transformer/encoderblock_" + layer + "/";
    arrays.push_back({block + "LayerNorm_0/scale", {6}});
    arrays.push_back({block + "MultiHeadDotProductAttention_0/query/kernel", {6, 2, 3}});
    arrays.push_back({block + "MlpBlock_0/Dense_0/kernel", {6, 8}});
  }
  return arrays;
}

std::vector<Array> StackedTextTower(const std::string& prefix) {
  const std::string block = prefix + "Encoder_0/encoderblock/";
  return {{prefix + "Embed_0/embedding", {50, 6}},
          {prefix + "pos_embedding", {1, 16, 6}},
          {block + "LayerNorm_0/scale", {3, 6}},
          {block + "MultiHeadDotProductAttention_0/query/kernel", {3, 6, 3, 2}},
          {block + "MlpBlock_0/Dense_0/kernel", {3, 6, 8}},
          {prefix + "head/kernel", {6, 5}}};
}

std::vector<Array> operator+(std::vector<Array> one, const std::vector<Array>& two) {
  one.insert(one.end(), two.begin(), two.end());
  return one;
}

class BigVisionTest : public testing::Test {
 protected:
  Json ConfigOf(const std::vector<Array>& arrays) {
    WriteFile(folder_ / "model.npz", MakeNpz(arrays));
    return Checkpoint::Open(folder_.path()).config();
  }

  ScratchFolder folder_;
};

const Json kVision = {{"model_type", "siglip_vision_model"},
                      {"hidden_size", 6},
                      {"num_attention_heads", 2},
                      {"intermediate_size", 8},
                      {"num_hidden_layers", 2},
                      {"num_channels", 3},
                      {"patch_size", 4},
                      {"image_size", 12},
                      {"hidden_act", "gelu_pytorch_tanh"},
                      {"layer_norm_eps", 1e-6}};
const Json kText = {{"model_type", "siglip_text_model"},
                    {"hidden_size", 6},
                    {"num_attention_heads", 3},
                    {"intermediate_size", 8},
                    {"num_hidden_layers", 3},
                    {"vocab_size", 50},
                    {"max_position_embeddings", 16},
                    {"projection_size", 5},
                    {"hidden_act", "gelu_pytorch_tanh"},
                    {"layer_norm_eps", 1e-6}};

TEST_F(BigVisionTest, TheArchitectureFollowsFromShapes) {
  EXPECT_EQ(ConfigOf(ImageTower("")), kVision);
  EXPECT_EQ(ConfigOf(StackedTextTower("params/txt/")), kText);
  EXPECT_EQ(ConfigOf(ImageTower("params/img/") + StackedTextTower("params/txt/")),
            (Json{{"model_type", "siglip"}, {"vision_config", kVision}, {"text_config", kText}}));
}

TEST_F(BigVisionTest, PatchesOf14PixelsAt27ASideAreOf384Pixels) {
  std::vector<Array> arrays = ImageTower("img/");
  arrays[0].shape = {14, 14, 3, 6};
  arrays[2].shape = {1, 27 * 27, 6};
  EXPECT_EQ(ConfigOf(arrays)["image_size"], 384);
  arrays[2].shape = {1, 16 * 16, 6};
  EXPECT_EQ(ConfigOf(arrays)["image_size"], 224);
}

TEST_F(BigVisionTest, NaFlexIsToldByItsPatchesAndPositions) {
  std::vector<Array> arrays = ImageTower("img/");
  arrays[0].shape = {4 * 4 * 3, 6};
  arrays[2].shape = {5, 5, 6};
  const Json config = ConfigOf(arrays + StackedTextTower("txt/"));
  EXPECT_EQ(config["model_type"], "siglip2");
  EXPECT_EQ(config["vision_config"]["model_type"], "siglip2_vision_model");
  EXPECT_EQ(config["vision_config"]["num_patches"], 25);
  EXPECT_EQ(config["vision_config"]["patch_size"], 4);
  EXPECT_EQ(config["text_config"]["model_type"], "siglip2_text_model");
}

TEST_F(BigVisionTest, ShapesThatSayNothingAreErrors) {
  std::vector<Array> arrays = ImageTower("");
  arrays[4].shape = {6, 6};  // the heads are not to be seen
  const std::string query =
      "Transformer/encoderblock_0/MultiHeadDotProductAttention_0/query/kernel";
  ExpectError(ErrorCode::kMismatch, {"model.npz", query, "[6, 6]", "3 extents"},
              [&] { ConfigOf(arrays); });
  arrays.erase(arrays.begin() + 4);
  ExpectError(ErrorCode::kMismatch, {"model.npz", "missing", query}, [&] { ConfigOf(arrays); });
}

TEST_F(BigVisionTest, AConfigurationBesideItIsCompleted) {
  const auto config_with = [&](const std::string& json) {
    WriteFile(folder_ / "config.json", json);
    return ConfigOf(ImageTower("img/") + StackedTextTower("txt/"));
  };
  Json config = config_with(
      R"({"model_type":"siglip","vision_config":{"image_size":14},"text_config":{"x":1}})");
  EXPECT_EQ(config["vision_config"]["image_size"], 14);
  EXPECT_EQ(config["vision_config"]["num_attention_heads"], 2);
  EXPECT_EQ(config["text_config"]["num_attention_heads"], 3);
  EXPECT_EQ(config["text_config"]["x"], 1);
  EXPECT_EQ(config_with(R"({"model_type":"siglip"})")["text_config"], kText);
  EXPECT_EQ(config_with(R"({"hidden_act":"gelu"})")["hidden_act"], "gelu");
  EXPECT_EQ(config_with(R"({"hidden_act":"gelu"})")["image_size"], 12);
  EXPECT_EQ(config_with(R"({"model_type":"siglip_text_model"})"), kText);
  for (const char* json :
       {R"({"model_type":"siglip","vision_config":{"num_attention_heads":3}})",
        R"({"num_attention_heads":3})",
        R"({"model_type":"siglip","text_config":{"num_attention_heads":"\u00ff"}})"}) {
    SCOPED_TRACE(json);
    ExpectError(ErrorCode::kMismatch, {"config.json", "num_attention_heads"},
                [&] { config_with(json); });
  }
  EXPECT_EQ(config_with(R"({"vision_config":3})")["vision_config"], 3);
}

TEST_F(BigVisionTest, AFileOfOneTowerAndAConfigurationOfTwo) {
  WriteFile(folder_ / "config.json", R"({"model_type":"siglip","vision_config":null})");
  EXPECT_EQ(ConfigOf(ImageTower("img/"))["vision_config"], kVision);
  EXPECT_EQ(ConfigOf(StackedTextTower("txt/"))["text_config"], kText);
}

TEST_F(BigVisionTest, TensorsOfBothLayouts) {
  for (const bool deflate : {false, true}) {
    WriteFile(
        folder_ / "model.npz",
        MakeNpz(StackedTextTower("txt/") + std::vector<Array>{{"t", {1}}, {"b", {1}}}, deflate));
    const Checkpoint checkpoint = Checkpoint::Open(folder_ / "model.npz");
    EXPECT_EQ(ToString(checkpoint.scheme()), "big_vision");
    const std::string layer = "text_model.encoder.layers.";
    std::vector<TensorSpec> specs = {{"text_model.embeddings.token_embedding.weight", {50, 6}},
                                     {"text_model.embeddings.position_embedding.weight", {16, 6}},
                                     {"text_model.head.weight", {5, 6}},
                                     {"logit_scale", {1}},
                                     {"logit_bias", {}}};
    for (const char* index : {"0", "1", "2"}) {
      specs.push_back({layer + index + ".layer_norm1.weight", {6}});
      specs.push_back({layer + index + ".self_attn.q_proj.weight", {6, 6}});
      specs.push_back({layer + index + ".mlp.fc1.weight", {8, 6}});
    }
    const auto weights = OpenWeights(checkpoint, specs);
    EXPECT_EQ(weights->Read({layer + "2.layer_norm1.weight", {6}}),
              (std::vector<float>{12, 13, 14, 15, 16, 17}));
    // Stored [inputs, heads, size of a head]: output o of input i has number 36 layer + 6 i + o.
    const std::vector<float> query = weights->Read({layer + "1.self_attn.q_proj.weight", {6, 6}});
    EXPECT_EQ(query[0], 36);
    EXPECT_EQ(query[1], 36 + 6);
    EXPECT_EQ(query[6], 36 + 1);
    EXPECT_EQ(weights->Read({"text_model.head.weight", {5, 6}})[1], 5);
    std::vector<float> row(6);
    weights->OpenRows({"text_model.embeddings.token_embedding.weight", {50, 6}})->ReadRow(49, row);
    EXPECT_EQ(row, (std::vector<float>{294, 295, 296, 297, 298, 299}));

    std::vector<TensorSpec> fewer;
    for (const TensorSpec& spec : specs) {
      if (spec.name.find("layers.2") == std::string::npos) fewer.push_back(spec);
    }
    ExpectError(ErrorCode::kMismatch,
                {"txt/Encoder_0/encoderblock/LayerNorm_0/scale", "has 3 layers, expected 2"},
                [&] { OpenWeights(checkpoint, fewer); });
    specs.push_back({layer + "3.layer_norm1.weight", {6}});
    ExpectError(ErrorCode::kMismatch, {"LayerNorm_0/scale", "[3, 6]", "layers of [6]"},
                [&] { OpenWeights(checkpoint, specs); });
  }
}

TEST_F(BigVisionTest, ShapesAndExtraTensors) {
  std::vector<Array> arrays = ImageTower("img/");
  arrays.push_back({"img/cls", {1, 1, 6}});
  arrays.push_back({"step", {}});
  WriteFile(folder_ / "model.npz", MakeNpz(arrays));
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  const std::string patch = "vision_model.embeddings.patch_embedding.weight";
  ExpectError(ErrorCode::kMismatch,
              {"'img/embedding/kernel'", "[4, 4, 3, 6]", "[5, 5, 3, 6]", "unexpected 'img/cls'"},
              [&] {
                OpenWeights(checkpoint, {{patch, {6, 3, 5, 5}}});
              });
  EXPECT_TRUE(HasTensor(checkpoint, patch));
  EXPECT_FALSE(HasTensor(checkpoint, "vision_model.head.probe"));
}

TEST_F(BigVisionTest, WhichFileCounts) {
  WriteFile(folder_ / "a.npz", MakeNpz(ImageTower("")));
  WriteFile(folder_ / "b.npz", MakeNpz(ImageTower("")));
  ExpectError(ErrorCode::kUnsupported, {"'a.npz'", "'b.npz'", "path of the file"},
              [&] { Checkpoint::Open(folder_.path()); });
  EXPECT_EQ(Checkpoint::Open(folder_ / "b.npz").config(), kVision);
  WriteFile(folder_ / "c.npz", "nonsense");
  ExpectError(ErrorCode::kMalformedFile, {"c.npz", "zip"},
              [&] { Checkpoint::Open(folder_ / "c.npz"); });
  WriteFile(folder_ / "d.npz", MakeNpz({{"x", {1}}}));
  ExpectError(ErrorCode::kNotFound, {"no configuration"},
              [&] { Checkpoint::Open(folder_ / "d.npz"); });
}

/// The metadata of a tower of width 6 with two layers.
std::vector<std::string> TowerMetadata() {
  return {GgufEntry("general.architecture", std::string("clip")),
          GgufEntry("clip.has_vision_encoder", true),
          GgufEntry("clip.use_gelu", true),
          GgufEntry("clip.vision.image_size", uint32_t{12}),
          GgufEntry("clip.vision.patch_size", uint32_t{4}),
          GgufEntry("clip.vision.embedding_length", uint32_t{6}),
          GgufEntry("clip.vision.feed_forward_length", uint32_t{8}),
          GgufEntry("clip.vision.block_count", uint32_t{1}),
          GgufEntry("clip.vision.attention.head_count", uint32_t{2}),
          GgufEntry("clip.vision.attention.layer_norm_epsilon", 1e-6F)};
}

std::string Floats(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return FloatBytes(values);
}

class GgufTest : public testing::Test {
 protected:
  Json ConfigOf(const std::vector<std::string>& metadata) {
    WriteFile(folder_ / "mmproj.gguf",
              MakeGguf(metadata, {{"v.post_ln.weight", {6}, 0, Floats(6)}}));
    return Checkpoint::Open(folder_.path()).config();
  }

  ScratchFolder folder_;
};

TEST_F(GgufTest, Configuration) {
  const Json config = ConfigOf(TowerMetadata());
  EXPECT_EQ(config, (Json{{"model_type", "siglip_vision_model"},
                          {"hidden_size", 6},
                          {"num_attention_heads", 2},
                          {"intermediate_size", 8},
                          {"num_hidden_layers", 1},
                          {"patch_size", 4},
                          {"image_size", 12},
                          {"hidden_act", "gelu_pytorch_tanh"},
                          {"vision_use_head", false},
                          {"layer_norm_eps", 1e-6}}));
  auto metadata = TowerMetadata();
  metadata[2] = GgufEntry("clip.use_silu", true);
  EXPECT_EQ(ConfigOf(metadata)["hidden_act"], "silu");
  metadata[2] = GgufEntry("clip.use_gelu", false);
  EXPECT_EQ(ConfigOf(metadata)["hidden_act"], "quick_gelu");
}

TEST_F(GgufTest, ConfigurationsThatAreRefused) {
  const auto refused = [&](size_t entry, const std::string& other, ErrorCode code,
                           const std::string& part) {
    auto metadata = TowerMetadata();
    metadata[entry] = other;
    ExpectError(code, {"mmproj.gguf", part}, [&] { ConfigOf(metadata); });
  };
  refused(0, GgufEntry("general.architecture", std::string("llama")), ErrorCode::kUnsupported,
          "'llama'");
  refused(0, GgufEntry("general.name", std::string("clip")), ErrorCode::kMalformedFile,
          "general.architecture");
  refused(1, GgufEntry("clip.has_vision_encoder", false), ErrorCode::kUnsupported, "image tower");
  refused(3, GgufEntry("x", uint32_t{1}), ErrorCode::kMalformedFile, "clip.vision.image_size");
  refused(4, GgufEntry("clip.vision.patch_size", std::string("4")), ErrorCode::kMalformedFile,
          "clip.vision.patch_size");
  refused(6, GgufEntry("clip.vision.feed_forward_length", uint32_t{6}), ErrorCode::kUnsupported,
          "tell its two layers apart");
  auto both = TowerMetadata();
  both.push_back(GgufEntry("clip.use_silu", true));
  ExpectError(ErrorCode::kMalformedFile, {"use_gelu", "use_silu"}, [&] { ConfigOf(both); });
}

TEST_F(GgufTest, TensorsAndSwappedMlps) {
  const std::string fc1 = "vision_model.encoder.layers.0.mlp.fc1.";
  const std::string fc2 = "vision_model.encoder.layers.0.mlp.fc2.";
  for (const bool swapped : {false, true}) {
    const std::string up = swapped ? "v.blk.0.ffn_down." : "v.blk.0.ffn_up.";
    const std::string down = swapped ? "v.blk.0.ffn_up." : "v.blk.0.ffn_down.";
    WriteFile(
        folder_ / "mmproj.gguf",
        MakeGguf(TowerMetadata(), {{"v.patch_embd.weight", {4, 4, 3, 6}, 0, Floats(288)},
                                   {up + "weight", {6, 8}, 0, Floats(48)},
                                   {up + "bias", {8}, 0, Floats(8)},
                                   {down + "weight", {8, 6}, 0, Floats(48)},
                                   {down + "bias", {6}, 0, Floats(6)},
                                   {"mm.input_projection.weight", {32}, 2, std::string(18, 'x')}}));
    WriteFile(folder_ / "llama.gguf", "the language model");
    WriteFile(folder_ / "config.json", "of the language model");
    const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
    EXPECT_EQ(ToString(checkpoint.scheme()), "GGUF");
    const std::vector<TensorSpec> specs = {
        {"vision_model.embeddings.patch_embedding.weight", {6, 3, 4, 4}},
        {fc1 + "weight", {8, 6}},
        {fc1 + "bias", {8}},
        {fc2 + "weight", {6, 8}},
        {fc2 + "bias", {6}}};
    const std::vector<FoundTensor> found = FindTensors(checkpoint, specs);
    EXPECT_EQ(found[1].stored.name, up + "weight");
    EXPECT_EQ(found[2].stored.name, up + "bias");
    EXPECT_EQ(found[3].stored.name, down + "weight");
    EXPECT_EQ(found[4].stored.name, down + "bias");
    EXPECT_EQ(OpenWeights(checkpoint, specs)->Read(specs[4]),
              (std::vector<float>{0, 1, 2, 3, 4, 5}));
  }
}

TEST_F(GgufTest, QuantisedTensorsAreRefusedByName) {
  WriteFile(folder_ / "mmproj.gguf",
            MakeGguf(TowerMetadata(), {{"v.post_ln.weight", {32}, 2, std::string(18, 'x')}}));
  ExpectError(ErrorCode::kMismatch, {"'v.post_ln.weight'", "dtype Q4_0", "Q8_0"}, [&] {
    OpenWeights(Checkpoint::Open(folder_.path()), {{"vision_model.post_layernorm.weight", {32}}});
  });
}

TEST_F(GgufTest, TwoTowerFiles) {
  WriteFile(folder_ / "mmproj-a.gguf", "");
  WriteFile(folder_ / "mmproj-b.gguf", "");
  ExpectError(ErrorCode::kUnsupported, {"'mmproj-a.gguf'", "'mmproj-b.gguf'"},
              [&] { Checkpoint::Open(folder_.path()); });
}

}  // namespace
}  // namespace siglip
