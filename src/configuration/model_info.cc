// See siglip/model_info.h.
#include "configuration/model_info.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <system_error>

#include "configuration/class_labels.h"
#include "configuration/logit_parameters.h"
#include "configuration/projector_plan.h"
#include "configuration/siglip_config.h"
#include "configuration/stored_shape.h"
#include "configuration/text_tensors.h"
#include "configuration/vision_tensors.h"
#include "configuration/vision_tower_plan.h"
#include "siglip/error.h"
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

/// Whether a tensor is the weight of a matrix product, that is, held in the chosen precision.
bool IsProductWeight(const TensorSpec& tensor) {
  return tensor.shape.size() >= 2 && tensor.name.ends_with(".weight") &&
         !tensor.name.ends_with("position_embedding.weight");
}

int64_t CountParameters(const std::vector<TensorSpec>& tensors) {
  int64_t count = 0;
  for (const TensorSpec& tensor : tensors) count += ElementCount(tensor.shape);
  return count;
}

WeightBytes CountWeights(const std::vector<TensorSpec>& tensors) {
  constexpr int64_t kScaleAndColumnSum = 4 + 4;
  WeightBytes bytes;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.name.ends_with("token_embedding.weight")) continue;
    const int64_t count = ElementCount(tensor.shape);
    const bool is_product = IsProductWeight(tensor);
    bytes.f32 += 4 * count;
    bytes.bf16 += (is_product ? 2 : 4) * count;
    bytes.int8 += is_product ? count + kScaleAndColumnSum * tensor.shape[0] : 4 * count;
  }
  return bytes;
}

/// The multiply-adds of the layers on `tokens` rows.
double EncoderWork(const SiglipEncoderConfig& config, double tokens) {
  const auto d = static_cast<double>(config.hidden_size);
  const auto f = static_cast<double>(config.intermediate_size);
  return static_cast<double>(config.num_hidden_layers) *
         (4 * tokens * d * d + 2 * tokens * tokens * d + 2 * tokens * d * f);
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
  const std::vector<TensorSpec> tensors = TextTensors(text.config);
  Find(checkpoint, tensors, found);
  text.parameters = CountParameters(tensors);
  text.weight_bytes = CountWeights(tensors);
  const double head = static_cast<double>(text.config.hidden_size * text.config.embedding_size());
  text.gflop_per_text =
      2 *
      (EncoderWork(text.config, static_cast<double>(text.config.max_position_embeddings)) + head) /
      1e9;
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
std::vector<TensorSpec> ReadTowerConfig(const Checkpoint& checkpoint, ModelInfo& info) {
  if (HasVariableResolution(checkpoint)) {
    const Siglip2VisionConfig config = LoadSiglip2VisionConfig(checkpoint);
    info.config = config;
    info.config_json = config.ToJson();
    info.tokens_per_picture = config.num_patches;
    return VisionTensors(config);
  }
  const SiglipVisionConfig config = LoadVisionConfig(checkpoint);
  info.config = config;
  info.config_json = config.ToJson();
  info.image_size = config.image_size;
  info.tokens_per_picture = config.num_patches();
  return VisionTensors(config);
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
  const std::vector<TensorSpec> tensors = ReadTowerConfig(checkpoint, info);
  Find(checkpoint, tensors, found);
  info.has_head = info.config.vision_use_head.value_or(false);
  info.gflop_per_picture =
      FlopPerPicture(info.config, info.tokens_per_picture, info.has_head) / 1e9;
  info.vision_parameters = CountParameters(tensors);
  info.weight_bytes = CountWeights(tensors);
}

}  // namespace

ModelParts FindParts(const std::filesystem::path& folder) {
  return PartsOf(Checkpoint::Open(folder));
}

double FlopPerPicture(const SiglipVisionTowerConfig& config, int64_t tokens, bool with_head) {
  const auto t = static_cast<double>(tokens);
  const auto d = static_cast<double>(config.hidden_size);
  const auto f = static_cast<double>(config.intermediate_size);
  const auto p = static_cast<double>(config.patch_size);
  const double embeddings = static_cast<double>(config.num_channels) * p * p * t * d;
  const double head = 2 * t * d * d + 2 * d * d + 2 * t * d + 2 * d * f;
  return 2 * (embeddings + EncoderWork(config, t) + (with_head ? head : 0));
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
