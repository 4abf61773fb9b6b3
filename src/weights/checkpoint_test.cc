// Checkpoint folders: what opens, what is refused, and how tensors of the tower are found.
#include "weights/checkpoint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/safetensors.hpp"

namespace siglip {
namespace {

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Tensors by name, shape and dtype, filled with 1, 2, 3, ... (as bytes for other dtypes than F32).
struct Named {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;
};

void WriteTensors(const std::filesystem::path& path, const std::vector<Named>& tensors) {
  std::vector<Tensor> storage;
  NamedTensors named;
  for (const Named& tensor : tensors) {
    storage.emplace_back(tensor.dtype, tensor.shape);
    if (tensor.dtype == DType::kF32) {
      float value = 0;
      for (float& element : storage.back().floats()) element = ++value;
    }
    named.emplace_back(tensor.name, storage.back());
  }
  WriteSafetensors(path, named);
}

const char kPatch[] = "vision_model.embeddings.patch_embedding.weight";
const char kPatchBias[] = "vision_model.embeddings.patch_embedding.bias";
const char kNorm[] = "vision_model.post_layernorm.weight";

const char kToken[] = "text_model.embeddings.token_embedding.weight";
const char kLogitScale[] = "logit_scale";

/// A tower of three tensors, enough for what this layer looks at.
const std::vector<Named> kTower = {{kPatch, {2, 3, 4, 4}}, {kPatchBias, {2}}, {kNorm, {2}}};
const std::vector<TensorSpec> kExpected = {{kPatch, {2, 3, 4, 4}}, {kPatchBias, {2}}, {kNorm, {2}}};

class CheckpointTest : public testing::Test {
 protected:
  /// A folder that loads, for tests to spoil.
  void WriteGood() {
    WriteTensors(folder_ / "model.safetensors", kTower);
    WriteText(folder_ / "config.json", R"({"model_type":"siglip_vision_model"})");
  }
  void WriteShards(const std::string& index) {
    WriteTensors(folder_ / "one.safetensors", {kTower[0], kTower[1]});
    WriteTensors(folder_ / "two.safetensors", {kTower[2]});
    WriteText(folder_ / "model.safetensors.index.json", index);
    WriteText(folder_ / "config.json", "{}");
  }
  void ExpectOpenError(ErrorCode code, std::vector<std::string> parts) {
    parts.push_back(folder_.path().string());
    ExpectError(code, parts, [&] { Checkpoint::Open(folder_.path()); });
  }
  void ExpectMismatch(const std::vector<Named>& stored, const std::vector<TensorSpec>& expected,
                      std::vector<std::string> parts) {
    WriteGood();
    WriteTensors(folder_ / "model.safetensors", stored);
    parts.push_back(folder_.path().string());
    parts.push_back("config.json");
    const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
    ExpectError(ErrorCode::kMismatch, parts, [&] { OpenWeights(checkpoint, expected); });
  }

  ScratchFolder folder_;
};

std::string Index(const std::map<std::string, std::string>& shards) {
  return Json{{"metadata", {{"total_size", 1}}}, {"weight_map", shards}}.dump();
}

const std::map<std::string, std::string> kGoodShards = {
    {kPatch, "one.safetensors"}, {kPatchBias, "one.safetensors"}, {kNorm, "two.safetensors"}};

TEST_F(CheckpointTest, OpensOneFile) {
  WriteGood();
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_EQ(checkpoint.scheme(), NamingScheme::kHuggingFace);
  EXPECT_EQ(checkpoint.config().at("model_type"), "siglip_vision_model");
  EXPECT_EQ(checkpoint.config_name(), (folder_ / "config.json").string());
  EXPECT_TRUE(HasTensor(checkpoint, kNorm));
  EXPECT_FALSE(HasTensor(checkpoint, "vision_model.head.probe"));
}

TEST_F(CheckpointTest, OpensShards) {
  WriteShards(Index(kGoodShards));
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_EQ(checkpoint.files().size(), 2U);
  const auto weights = OpenWeights(checkpoint, kExpected);
  EXPECT_EQ(weights->Read(kExpected[2]), (std::vector<float>{1, 2}));
}

TEST_F(CheckpointTest, OneFileWinsOverShards) {
  WriteShards(Index(kGoodShards));
  WriteGood();
  EXPECT_EQ(Checkpoint::Open(folder_.path()).files().size(), 1U);
}

TEST_F(CheckpointTest, WeightsOutliveTheCheckpoint) {
  WriteGood();
  std::shared_ptr<const WeightSource> weights;
  {
    const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
    weights = OpenWeights(checkpoint, kExpected);
  }
  EXPECT_EQ(weights->Read({kPatchBias, {2}}), (std::vector<float>{1, 2}));
}

TEST_F(CheckpointTest, TensorNamesDecideBetweenTwoConfigurations) {
  WriteText(folder_ / "config.json", R"({"model_type":"siglip"})");
  WriteText(folder_ / "open_clip_config.json", R"({"model_cfg":{}})");
  WriteTensors(folder_ / "open_clip_model.safetensors",
               {{"visual.trunk.patch_embed.proj.weight", {2, 3, 4, 4}}});
  EXPECT_TRUE(Checkpoint::Open(folder_.path()).config().contains("model_cfg"));
  WriteTensors(folder_ / "model.safetensors", kTower);
  EXPECT_TRUE(Checkpoint::Open(folder_.path()).config().contains("model_type"));
}

TEST_F(CheckpointTest, ReadChecksNameAndShape) {
  WriteGood();
  const auto weights = OpenWeights(Checkpoint::Open(folder_.path()), kExpected);
  EXPECT_TRUE(weights->Contains(kNorm));
  EXPECT_FALSE(weights->Contains("vision_model.head.probe"));
  ExpectError(ErrorCode::kNotFound, {"head.probe"}, [&] {
    weights->Read({"vision_model.head.probe", {1, 1, 2}});
  });
  ExpectError(ErrorCode::kMismatch, {"model.safetensors", kNorm, "[2]", "[3]"}, [&] {
    weights->Read({kNorm, {3}});
  });
}

TEST_F(CheckpointTest, NoSuchFolder) {
  ExpectError(ErrorCode::kNotFound, {"nowhere", "no such folder"},
              [&] { Checkpoint::Open(folder_ / "nowhere"); });
}

TEST_F(CheckpointTest, AFileInsteadOfAFolder) {
  WriteGood();
  ExpectError(ErrorCode::kInvalidArgument, {"model.safetensors", "expected a checkpoint folder"},
              [&] { Checkpoint::Open(folder_ / "model.safetensors"); });
}

TEST_F(CheckpointTest, NothingInTheFolder) {
  ExpectOpenError(ErrorCode::kNotFound, {"no weights", "model.safetensors"});
}

TEST_F(CheckpointTest, OnlyPickledWeights) {
  WriteText(folder_ / "config.json", "{}");
  WriteText(folder_ / "pytorch_model.bin", "PK");
  ExpectOpenError(ErrorCode::kUnsupported, {"pytorch_model.bin", "convert"});
}

TEST_F(CheckpointTest, NoConfiguration) {
  WriteTensors(folder_ / "model.safetensors", kTower);
  ExpectOpenError(ErrorCode::kNotFound, {"no configuration", "config.json"});
}

TEST_F(CheckpointTest, ConfigurationNoJson) {
  WriteGood();
  WriteText(folder_ / "config.json", "{");
  ExpectOpenError(ErrorCode::kMalformedFile, {"config.json", "JSON"});
}

TEST_F(CheckpointTest, ConfigurationNoObject) {
  WriteGood();
  WriteText(folder_ / "config.json", "[]");
  ExpectOpenError(ErrorCode::kMalformedFile, {"config.json", "object"});
}

TEST_F(CheckpointTest, ConfigurationIsAFolder) {
  WriteTensors(folder_ / "model.safetensors", kTower);
  std::filesystem::create_directory(folder_ / "config.json");
  ExpectOpenError(ErrorCode::kIo, {"config.json"});
}

TEST_F(CheckpointTest, WeightsCutShort) {
  WriteGood();
  std::filesystem::resize_file(folder_ / "model.safetensors",
                               std::filesystem::file_size(folder_ / "model.safetensors") - 1);
  ExpectOpenError(ErrorCode::kMalformedFile, {"model.safetensors", "cut short"});
}

TEST_F(CheckpointTest, TwoTowers) {
  WriteGood();
  WriteTensors(folder_ / "model.safetensors", {{"a.embeddings.patch_embedding.weight", {1}},
                                               {"b.embeddings.patch_embedding.weight", {1}}});
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  ExpectError(ErrorCode::kUnsupported, {folder_.path().string(), "one image tower", "'a.'", "'b.'"},
              [&] { OpenWeights(checkpoint, kExpected); });
  EXPECT_FALSE(HasTensor(checkpoint, kLogitScale));
}

struct IndexCase {
  std::string what;
  std::string index;
  ErrorCode code;
  std::vector<std::string> parts;
};

TEST_F(CheckpointTest, BadIndexes) {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const auto with_norm_in = [](const std::string& shard) {
    auto shards = kGoodShards;
    shards[kNorm] = shard;
    return Index(shards);
  };
  auto extra = kGoodShards;
  extra["vision_model.extra"] = "one.safetensors";
  const std::vector<IndexCase> cases = {
      {"not JSON", "{", bad, {"JSON"}},
      {"a list", "[]", bad, {"weight_map"}},
      {"no weight_map", "{}", bad, {"weight_map"}},
      {"weight_map a list", R"({"weight_map":[]})", bad, {"weight_map"}},
      {"weight_map empty", R"({"weight_map":{}})", bad, {"weight_map", "no tensor"}},
      {"a shard that is a number", R"({"weight_map":{"a":1}})", bad, {"weight_map", "'a'"}},
      {"a shard in the parent folder", with_norm_in("../two.safetensors"), bad, {kNorm, "'../"}},
      {"a shard in a subfolder", with_norm_in("sub/two.safetensors"), bad, {kNorm, "sub/"}},
      {"an absolute path", with_norm_in("/etc/passwd"), bad, {kNorm, "/etc/passwd"}},
      {"a backslash", with_norm_in("..\\two.safetensors"), bad, {kNorm}},
      {"two dots", with_norm_in(".."), bad, {kNorm, "'..'"}},
      {"one dot", with_norm_in("."), bad, {kNorm, "'.'"}},
      {"no name", with_norm_in(""), bad, {kNorm}},
      {"a zero byte", with_norm_in(std::string("two\0.safetensors", 16)), bad, {kNorm}},
      {"a missing shard",
       with_norm_in("three.safetensors"),
       ErrorCode::kNotFound,
       {"'three.safetensors'"}},
      {"a tensor in another shard than told",
       with_norm_in("one.safetensors"),
       ErrorCode::kMismatch,
       {kNorm, "'one.safetensors'"}},
      {"a tensor that no shard has",
       Index(extra),
       ErrorCode::kMismatch,
       {"'vision_model.extra'", "'one.safetensors'"}},
      {"the same tensor twice, of which the last counts",
       R"({"weight_map":{"a":"one.safetensors","a":"two.safetensors"}})",
       ErrorCode::kMismatch,
       {"'a'", "two.safetensors"}},
  };
  for (const IndexCase& bad_index : cases) {
    SCOPED_TRACE(bad_index.what);
    WriteShards(bad_index.index);
    std::vector<std::string> parts = bad_index.parts;
    parts.push_back("model.safetensors.index.json");
    ExpectOpenError(bad_index.code, parts);
  }
}

TEST_F(CheckpointTest, TheSameTensorInTwoShards) {
  WriteShards(Index(kGoodShards));
  WriteTensors(folder_ / "two.safetensors", {kTower[1], kTower[2]});
  ExpectOpenError(ErrorCode::kMismatch, {kPatchBias, "one.safetensors", "two.safetensors"});
}

TEST_F(CheckpointTest, AShardThatIsMalformed) {
  WriteShards(Index(kGoodShards));
  WriteText(folder_ / "two.safetensors", "nonsense");
  ExpectOpenError(ErrorCode::kMalformedFile, {"two.safetensors"});
}

TEST_F(CheckpointTest, MissingTensor) {
  ExpectMismatch({kTower[0], kTower[1]}, kExpected, {"missing", kNorm});
  ExpectMismatch({kTower[1], kTower[2]}, kExpected, {"missing", kPatch});
}

TEST_F(CheckpointTest, WrongShapes) {
  ExpectMismatch({{kPatch, {2, 3, 4, 5}}, kTower[1], kTower[2]}, kExpected,
                 {kPatch, "[2, 3, 4, 5]", "[2, 3, 4, 4]"});
  ExpectMismatch({{kPatch, {2, 48}}, kTower[1], kTower[2]}, kExpected, {kPatch, "[2, 48]"});
  ExpectMismatch({kTower[0], kTower[1], {kNorm, {0}}}, kExpected, {kNorm, "[0]", "[2]"});
  ExpectMismatch({kTower[0], kTower[1], {kNorm, {}}}, kExpected, {kNorm, "[]", "[2]"});
  ExpectMismatch({kTower[0], kTower[1], {kNorm, {2, 1}}}, kExpected, {kNorm, "[2, 1]", "[2]"});
}

TEST_F(CheckpointTest, IntegerWeights) {
  ExpectMismatch({kTower[0], kTower[1], {kNorm, {2}, DType::kI8}}, kExpected, {kNorm, "I8"});
}

TEST_F(CheckpointTest, UnexpectedTensor) {
  ExpectMismatch({kTower[0], kTower[1], kTower[2], {"vision_model.cls_token", {2}}}, kExpected,
                 {"unexpected", "vision_model.cls_token"});
}

TEST_F(CheckpointTest, TensorsOfOtherPartsAreNotUnexpected) {
  WriteGood();
  std::vector<Named> stored = kTower;
  for (const char* name :
       {"text_model.head.weight", "logit_scale", "logit_bias", "classifier.weight",
        "multi_modal_projector.linear.weight", "language_model.model.norm.weight",
        "vision_model.embeddings.position_ids", "vision_model.head.probe"}) {
    stored.push_back({name, {1}});
  }
  WriteTensors(folder_ / "model.safetensors", stored);
  EXPECT_NO_THROW(OpenWeights(Checkpoint::Open(folder_.path()), kExpected));
}

TEST_F(CheckpointTest, EveryPartIsCheckedOnItsOwn) {
  WriteGood();
  std::vector<Named> stored = kTower;
  stored.insert(stored.end(), {{kToken, {5, 2}},
                               {"text_model.extra", {1}},
                               {kLogitScale, {1}},
                               {"classifier.weight", {3, 2}},
                               {"multi_modal_projector.linear.weight", {4, 2}}});
  WriteTensors(folder_ / "model.safetensors", stored);
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_NO_THROW(OpenWeights(checkpoint, kExpected));
  EXPECT_NO_THROW(OpenWeights(checkpoint, {{kLogitScale, {1}}}));
  EXPECT_EQ(OpenWeights(checkpoint, {{"classifier.weight", {3, 2}},
                                     {"multi_modal_projector.linear.weight", {4, 2}}})
                ->Read({"classifier.weight", {3, 2}})
                .size(),
            6U);
  ExpectError(ErrorCode::kMismatch, {"text tower", "unexpected 'text_model.extra'"}, [&] {
    OpenWeights(checkpoint, {{kToken, {5, 2}}});
  });
  std::vector<TensorSpec> both = kExpected;
  both.push_back({kToken, {5, 2}});
  ExpectError(ErrorCode::kMismatch, {"image tower, text tower", "unexpected 'text_model.extra'"},
              [&] { OpenWeights(checkpoint, both); });
  ExpectError(ErrorCode::kMismatch, {"logit", "missing 'logit_bias'"}, [&] {
    OpenWeights(checkpoint, {{kLogitScale, {1}}, {"logit_bias", {1}}});
  });
}

TEST_F(CheckpointTest, APartThatIsNotThere) {
  WriteGood();
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_FALSE(HasTensor(checkpoint, kToken));
  ExpectError(ErrorCode::kMismatch, {folder_.path().string(), "no text tower", kToken}, [&] {
    OpenWeights(checkpoint, {{kToken, {5, 2}}});
  });
  ExpectError(ErrorCode::kMismatch, {"no classifier", "'classifier.weight'"}, [&] {
    OpenWeights(checkpoint, {{"classifier.weight", {5, 2}}});
  });
}

TEST_F(CheckpointTest, ASingleValueMayBeAScalar) {
  for (const Shape& stored : {Shape{}, Shape{1}}) {
    WriteGood();
    WriteTensors(folder_ / "model.safetensors", {{kLogitScale, stored}});
    const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
    for (const Shape& asked : {Shape{}, Shape{1}}) {
      EXPECT_EQ(OpenWeights(checkpoint, {{kLogitScale, asked}})->Read({kLogitScale, asked}),
                (std::vector<float>{1}));
    }
  }
  ExpectMismatch({{kLogitScale, {2}}}, {{kLogitScale, {}}}, {kLogitScale, "[2]", "[]"});
  ExpectMismatch({{kLogitScale, {1, 1}}}, {{kLogitScale, {1}}}, {kLogitScale, "[1, 1]"});
}

TEST_F(CheckpointTest, ATextTowerOfOpenClip) {
  WriteGood();
  const std::string block = "text.transformer.resblocks.0.attn.";
  WriteTensors(folder_ / "model.safetensors", {{"text.token_embedding.weight", {5, 2}},
                                               {"text.ln_final.weight", {2}},
                                               {block + "in_proj_weight", {6, 2}},
                                               {"visual.trunk.norm.weight", {2}}});
  const std::string layer = "text_model.encoder.layers.0.self_attn.";
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_EQ(checkpoint.scheme(), NamingScheme::kOpenClip);
  const auto weights = OpenWeights(checkpoint, {{kToken, {5, 2}},
                                                {"text_model.final_layer_norm.weight", {2}},
                                                {layer + "q_proj.weight", {2, 2}},
                                                {layer + "k_proj.weight", {2, 2}},
                                                {layer + "v_proj.weight", {2, 2}}});
  EXPECT_EQ(weights->Read({layer + "k_proj.weight", {2, 2}}), (std::vector<float>{5, 6, 7, 8}));
}

TEST_F(CheckpointTest, NamesTenProblemsAndCountsTheRest) {
  std::vector<TensorSpec> expected = kExpected;
  for (int i = 0; i < 47; ++i) {
    expected.push_back({"vision_model.encoder.layers." + std::to_string(i) + ".x", {1}});
  }
  ExpectMismatch(kTower, expected, {"layers.0.x", "layers.9.x", "and 37 more"});
}

TEST_F(CheckpointTest, NoTower) {
  WriteGood();
  WriteTensors(folder_ / "model.safetensors", {{"text_model.head.weight", {1}}});
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  EXPECT_FALSE(checkpoint.Find(Part::kVision));
  EXPECT_FALSE(HasTensor(checkpoint, kNorm));
  ExpectError(ErrorCode::kMismatch, {folder_.path().string(), "no image tower"},
              [&] { OpenWeights(checkpoint, kExpected); });
}

TEST_F(CheckpointTest, FusedTensorsAreCutIntoRows) {
  WriteGood();
  WriteTensors(folder_ / "model.safetensors", {{"patch_embed.proj.weight", {2, 1}},
                                               {"pos_embed", {1, 3, 2}},
                                               {"blocks.0.attn.qkv.weight", {6, 2}}});
  const std::string layer = "vision_model.encoder.layers.0.self_attn.";
  const auto weights = OpenWeights(Checkpoint::Open(folder_.path()),
                                   {{kPatch, {2, 1}},
                                    {"vision_model.embeddings.position_embedding.weight", {3, 2}},
                                    {layer + "q_proj.weight", {2, 2}},
                                    {layer + "k_proj.weight", {2, 2}},
                                    {layer + "v_proj.weight", {2, 2}}});
  EXPECT_EQ(weights->Read({layer + "q_proj.weight", {2, 2}}), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(weights->Read({layer + "k_proj.weight", {2, 2}}), (std::vector<float>{5, 6, 7, 8}));
  EXPECT_EQ(weights->Read({layer + "v_proj.weight", {2, 2}}), (std::vector<float>{9, 10, 11, 12}));
  EXPECT_EQ(weights->Read({"vision_model.embeddings.position_embedding.weight", {3, 2}}).size(),
            6U);
}

TEST_F(CheckpointTest, AFusedTensorOfTheWrongShapeIsNamedOnce) {
  WriteGood();
  WriteTensors(folder_ / "model.safetensors",
               {{"patch_embed.proj.weight", {2, 1}}, {"blocks.0.attn.qkv.bias", {7}}});
  const std::string layer = "vision_model.encoder.layers.0.self_attn.";
  const Checkpoint checkpoint = Checkpoint::Open(folder_.path());
  try {
    OpenWeights(checkpoint, {{kPatch, {2, 1}},
                             {layer + "q_proj.bias", {2}},
                             {layer + "k_proj.bias", {2}},
                             {layer + "v_proj.bias", {2}}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    const std::string message = error.what();
    EXPECT_NE(message.find("'blocks.0.attn.qkv.bias' has shape [7], expected [6]"),
              std::string::npos)
        << message;
    EXPECT_EQ(message.find("qkv"), message.rfind("qkv")) << message;
  }
}

}  // namespace
}  // namespace siglip
