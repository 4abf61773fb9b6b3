// See siglip/checkpoint.hpp.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "configuration/save_checkpoint.h"
#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "configuration/vision_tower_plan.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"
#include "weights/checkpoint_files.h"

namespace siglip {
namespace {

/// What a tower adds to the new checkpoint.
struct Tower {
  std::vector<TensorSpec> tensors;
  std::string config_json;  // as the tower alone would have it
};

Tower VisionTower(const Checkpoint& checkpoint) {
  const AnyVisionConfig config = LoadAnyVisionConfig(checkpoint);
  return {VisionTensors(config), ToJson(config)};
}

Tower TextTower(const Checkpoint& checkpoint) {
  const SiglipTextConfig config = LoadTextConfig(checkpoint);
  return {TextTensors(config), config.ToJson()};
}

/// A tower's configuration inside that of the whole model.
Json PartOfConfig(const Tower& tower) {
  Json part = ParseJson(tower.config_json, "configuration");
  part.erase("architectures");
  part.erase("dtype");
  return part;
}

std::string WholeConfig(const Tower& vision, const Tower& text, Resolution resolution) {
  const bool is_naflex = resolution == Resolution::kNaflex;
  Json text_config = PartOfConfig(text);
  if (is_naflex) text_config["model_type"] = "siglip2_text_model";
  const Json json = {{"architectures", {is_naflex ? "Siglip2Model" : "SiglipModel"}},
                     {"model_type", is_naflex ? "siglip2" : "siglip"},
                     {"dtype", "float32"},
                     {"vision_config", PartOfConfig(vision)},
                     {"text_config", text_config}};
  return JsonText(json, 2) + "\n";
}

}  // namespace

ModelParts ConvertToTransformers(const std::filesystem::path& checkpoint_path,
                                 const std::filesystem::path& folder, const WriteOptions& options,
                                 const std::string& preprocessor_json) {
  const Checkpoint checkpoint = Checkpoint::Open(checkpoint_path);
  if (checkpoint.packed()) {
    throw Error(ErrorCode::kInvalidArgument,
                checkpoint.packed()->path().string() + ": its weights are packed",
                "convert the original checkpoint");
  }
  ModelParts written;
  written.text_tower = checkpoint.Find(Part::kText).has_value();
  // Without any tower, loading the image tower says what is wrong.
  written.image_tower = checkpoint.Find(Part::kVision) || !written.text_tower;
  written.logits = written.image_tower && written.text_tower;

  Tower model;
  if (written.image_tower) model = VisionTower(checkpoint);
  if (written.text_tower) {
    const Tower text = TextTower(checkpoint);
    std::ranges::copy(text.tensors, std::back_inserter(model.tensors));
    model.config_json =
        written.image_tower ? WholeConfig(model, text, ResolutionOf(checkpoint)) : text.config_json;
  }
  if (written.logits) {
    model.tensors.push_back({"logit_scale", {1}});
    model.tensors.push_back({"logit_bias", {1}});
  }
  CheckpointFiles files(folder, options);
  files.CopySideFiles(checkpoint.folder());
  files.Drop("open_clip_config.json");
  if (!preprocessor_json.empty()) {
    files.Add("preprocessor_config.json", preprocessor_json);
    files.Drop("processor_config.json");  // it would count first
  }
  SaveCheckpoint(*OpenWeights(checkpoint, model.tensors), model.tensors, model.config_json, files);
  return written;
}

}  // namespace siglip
