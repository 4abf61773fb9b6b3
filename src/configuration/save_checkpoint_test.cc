// Saving and loading again.
#include "configuration/save_checkpoint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "base/json.h"
#include "configuration/configuration_test_support.h"
#include "configuration/random_weights.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_tower_plan.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/safetensors.hpp"

namespace siglip {
namespace {

TEST(SaveCheckpoint, LoadsAgainWithTheSameValues) {
  for (bool with_head : {true, false}) {
    const ScratchFolder scratch;
    SiglipVisionConfig config = TinyConfig();
    config.vision_use_head = with_head;
    config.unknown = {{"projection_dim", "2048"}};
    const auto weights = RandomVisionWeights(config, 3);
    SaveVisionCheckpoint(*weights, config, scratch / "new" / "folder");

    const Checkpoint checkpoint = Checkpoint::Open(scratch / "new" / "folder");
    const SiglipVisionConfig loaded = LoadVisionConfig(checkpoint);
    EXPECT_EQ(loaded.ToJson(), config.ToJson());
    const auto read = OpenWeights(checkpoint, VisionTensors(loaded));
    for (const TensorSpec& tensor : VisionTensors(config)) {
      EXPECT_EQ(read->Read(tensor), weights->Read(tensor)) << tensor.name;
    }
  }
}

TEST(SaveCheckpoint, FileIsThatOfTransformers) {
  const ScratchFolder scratch;
  const SiglipVisionConfig config = TinyConfig();
  SaveVisionCheckpoint(*RandomVisionWeights(config, 3), config, scratch.path());
  const SafetensorsFile file = SafetensorsFile::Open(scratch / "model.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.Get("vision_model.head.attention.in_proj_weight").shape(), (Shape{24, 8}));
  EXPECT_EQ(file.Get("vision_model.head.attention.in_proj_bias").shape(), (Shape{24}));
  EXPECT_FALSE(file.contains("vision_model.head.attention.q_proj.weight"));
  for (const std::string& name : file.names())
    EXPECT_TRUE(name.starts_with("vision_model.")) << name;
  const Json json = ParseJsonFile(scratch / "config.json");
  EXPECT_EQ(json.at("model_type"), "siglip_vision_model");
  EXPECT_EQ(json.at("vision_use_head"), true);  // decided by the weights
}

TEST(SaveCheckpoint, ReplacesWhatWasThereAndLeavesNothingElse) {
  const ScratchFolder scratch;
  SiglipVisionConfig config = TinyConfig();
  SaveVisionCheckpoint(*RandomVisionWeights(config, 1), config, scratch.path());
  SaveVisionCheckpoint(*RandomVisionWeights(config, 2), config, scratch.path());
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names, (std::set<std::string>{"config.json", "model.safetensors"}));
}

TEST(SaveCheckpoint, ErrorsNameTheFolder) {
  const ScratchFolder scratch;
  const SiglipVisionConfig config = TinyConfig();
  std::ofstream(scratch / "file") << "in the way";
  ExpectError(ErrorCode::kIo, {(scratch / "file").string()}, [&] {
    SaveVisionCheckpoint(*RandomVisionWeights(config, 1), config, scratch / "file");
  });
}

/// A source that fails halfway, as a broken file would.
class FailingWeights : public WeightSource {
 public:
  bool Contains(const std::string&) const override { return true; }
  std::vector<float> Read(const TensorSpec& tensor) const override {
    if (tensor.name.find("layers.1") != std::string::npos) throw Error(ErrorCode::kIo, "broken");
    return std::vector<float>(static_cast<size_t>(ElementCount(tensor.shape)));
  }
};

TEST(SaveCheckpoint, AFailureHalfwayLeavesNoFiles) {
  const ScratchFolder scratch;
  ExpectError(ErrorCode::kIo, {"broken"},
              [&] { SaveVisionCheckpoint(FailingWeights(), TinyConfig(), scratch.path()); });
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

}  // namespace
}  // namespace siglip
