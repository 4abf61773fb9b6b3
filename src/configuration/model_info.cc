// See siglip/checkpoint.hpp.
#include "configuration/model_info.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <system_error>

#include "configuration/architecture.h"
#include "configuration/class_labels.h"
#include "configuration/logit_parameters.h"
#include "configuration/projector_plan.h"
#include "configuration/siglip_config.h"
#include "configuration/stored_shape.h"
#include "configuration/vision_tower_plan.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"
#include "weights/packed_file.h"

namespace siglip {
namespace {

/// What each stored tensor is read as: its names in transformers' layout.
std::map<std::string, std::string> Uses(const std::vector<FoundTensor>& tensors) {
  std::map<std::string, std::string> uses;
  std::map<std::string, std::string> last;  // the name appended last, to join equal neighbours
  for (const FoundTensor& tensor : tensors) {
    const std::string name = TransformersName(tensor.spec.name).name;
    if (last[tensor.stored.name] == name) continue;
    last[tensor.stored.name] = name;
    std::string& use = uses[tensor.stored.name];
    use += (use.empty() ? "" : ", ") + name;
  }
  return uses;
}

/// Adds where these tensors are. Those of a packed file have other shapes.
void Find(const Checkpoint& checkpoint, const std::vector<TensorSpec>& tensors,
          std::vector<FoundTensor>& found) {
  if (checkpoint.packed()) return;
  std::ranges::move(FindTensors(checkpoint, tensors), std::back_inserter(found));
}

TextTowerInfo DescribeText(const Checkpoint& checkpoint, std::vector<FoundTensor>& found) {
  TextTowerInfo text;
  text.config = LoadTextConfig(checkpoint);
  const Architecture architecture = TextArchitecture(text.config);
  Find(checkpoint, architecture.specs(), found);
  text.parameters = architecture.parameters();
  text.weight_bytes = architecture.weight_bytes();
  text.gflop_per_text = architecture.flop(text.config.max_position_embeddings) / 1e9;
  return text;
}

/// Everything but the image tower, or the text tower where that is the only one: a part with an
/// error in it is as good as not there.
void DescribeOtherParts(const Checkpoint& checkpoint, ModelInfo& info,
                        std::vector<FoundTensor>& found) {
  const auto find = [&](const std::vector<TensorSpec>& tensors) {
    Find(checkpoint, tensors, found);
  };
  const auto attempt = [&](bool is_there, const auto& describe) {
    try {
      if (is_there) describe();
    } catch (const Error& error) {
      info.unusable.emplace_back(error.what());
    }
  };
  attempt(info.parts.text_tower && !info.text,
          [&] { info.text = DescribeText(checkpoint, found); });
  attempt(info.parts.logits, [&] {
    ReadLogitParameters(checkpoint);
    find({{"logit_scale", {1}}, {"logit_bias", {1}}});
  });
  attempt(info.parts.classifier, [&] {
    const int64_t classes = StoredExtent(checkpoint, "classifier.weight", 0);
    find({{"classifier.weight", {classes, info.config.hidden_size}},
          {"classifier.bias", {classes}}});
    info.labels = ClassLabels(checkpoint.config(), classes, checkpoint.config_name());
  });
  attempt(info.parts.projector, [&] {
    const ProjectorPlan plan = PlanProjector(checkpoint, LoadVisionConfig(checkpoint));
    find(plan.tensors);
    info.projected = {plan.image_tokens, plan.width};
  });
}

/// Fills in what the configuration of the image tower says; the answer is what it consists of.
Architecture ReadTowerConfig(const Checkpoint& checkpoint, ModelInfo& info) {
  const AnyVisionConfig config = LoadAnyVisionConfig(checkpoint);
  const VisionTowerPlan plan(config);
  info.config = plan.config;
  info.config_json = ToJson(config);
  info.image_size = plan.image_size;
  info.tokens_per_picture = plan.positions_per_side * plan.positions_per_side;
  return VisionArchitecture(config);
}

ModelParts PartsOf(const Checkpoint& checkpoint) {
  const auto has = [&](Part part) { return checkpoint.Find(part).has_value(); };
  ModelParts parts;
  parts.image_tower = has(Part::kVision);
  parts.text_tower = has(Part::kText);
  parts.logits = HasTensor(checkpoint, "logit_scale") && HasTensor(checkpoint, "logit_bias");
  parts.classifier = has(Part::kClassifier);
  parts.projector = has(Part::kProjector);
  if (parts.image_tower) parts.resolution = ResolutionOf(checkpoint);
  return parts;
}

int64_t FileBytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) throw Error(ErrorCode::kIo, path.string() + ": " + error.message());
  return static_cast<int64_t>(bytes);
}

void DescribeImageTower(const Checkpoint& checkpoint, ModelInfo& info,
                        std::vector<FoundTensor>& found) {
  const Architecture architecture = ReadTowerConfig(checkpoint, info);
  Find(checkpoint, architecture.specs(), found);
  info.has_head = info.config.vision_use_head.value_or(false);
  info.gflop_per_picture = architecture.flop(info.tokens_per_picture) / 1e9;
  info.vision_parameters = architecture.parameters();
  info.weight_bytes = architecture.weight_bytes();
}

}  // namespace

ModelParts FindParts(const std::filesystem::path& folder) {
  return PartsOf(Checkpoint::Open(folder));
}

ModelInfo DescribeModel(const Checkpoint& checkpoint) {
  ModelInfo info;
  info.parts = PartsOf(checkpoint);
  info.scheme = checkpoint.packed() ? "packed in " + ReadPackedInfo(*checkpoint.packed()).precision
                                    : std::string(ToString(checkpoint.scheme()));
  std::vector<FoundTensor> found;
  const bool texts_only = info.parts.text_tower && !info.parts.image_tower;
  if (texts_only) {
    info.text = DescribeText(checkpoint, found);
  } else {
    DescribeImageTower(checkpoint, info, found);
  }
  DescribeOtherParts(checkpoint, info, found);
  const std::map<std::string, std::string> uses = Uses(found);
  const auto type = checkpoint.config().find("model_type");
  if (type != checkpoint.config().end() && type->is_string()) {
    info.model_type = type->get<std::string>();
  }
  for (const auto& file : checkpoint.files()) {
    info.file_bytes += FileBytes(file->path());
    for (const StoredTensor& tensor : file->tensors()) {
      const auto use = uses.find(tensor.name);
      info.tensors.push_back({tensor.name, tensor.dtype, tensor.shape,
                              file->path().filename().string(),
                              use == uses.end() ? std::string() : use->second});
    }
  }
  return info;
}

}  // namespace siglip
