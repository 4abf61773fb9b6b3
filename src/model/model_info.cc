// See siglip/model_info.h.
#include "siglip/model_info.h"

#include <map>
#include <system_error>

#include "model/siglip_config.h"
#include "model/vision_tensors.h"
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

void CountWeights(ModelInfo& info) {
  constexpr int64_t kScaleAndColumnSum = 4 + 4;
  for (const TensorSpec& tensor : VisionTensors(info.config)) {
    const int64_t count = ElementCount(tensor.shape);
    const bool is_product = IsProductWeight(tensor);
    info.vision_parameters += count;
    info.weight_bytes_f32 += 4 * count;
    info.weight_bytes_bf16 += (is_product ? 2 : 4) * count;
    info.weight_bytes_int8 += is_product ? count + kScaleAndColumnSum * tensor.shape[0] : 4 * count;
  }
}

ModelParts PartsOf(const Checkpoint& checkpoint) {
  const auto has = [&](Part part) { return checkpoint.Find(part).has_value(); };
  ModelParts parts;
  parts.image_tower = has(Part::kVision);
  parts.text_tower = has(Part::kText);
  parts.logits = HasTensor(checkpoint, "logit_scale") && HasTensor(checkpoint, "logit_bias");
  parts.classifier = has(Part::kClassifier);
  parts.projector = has(Part::kProjector);
  return parts;
}

int64_t FileBytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) throw Error(ErrorCode::kIo, path.string() + ": " + error.message());
  return static_cast<int64_t>(bytes);
}

}  // namespace

ModelParts FindParts(const std::filesystem::path& folder) {
  return PartsOf(Checkpoint::Open(folder));
}

double FlopPerPicture(const SiglipVisionConfig& config, int64_t tokens, bool with_head) {
  const auto t = static_cast<double>(tokens);
  const auto d = static_cast<double>(config.hidden_size);
  const auto f = static_cast<double>(config.intermediate_size);
  const auto p = static_cast<double>(config.patch_size);
  const double embeddings = static_cast<double>(config.num_channels) * p * p * t * d;
  const double layer = 4 * t * d * d + 2 * t * t * d + 2 * t * d * f;
  const double head = 2 * t * d * d + 2 * d * d + 2 * t * d + 2 * d * f;
  return 2 * (embeddings + static_cast<double>(config.num_hidden_layers) * layer +
              (with_head ? head : 0));
}

ModelInfo InspectModel(const std::filesystem::path& folder) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  ModelInfo info;
  info.config = LoadVisionConfig(checkpoint);
  const std::vector<TensorSpec> expected = VisionTensors(info.config);
  std::map<std::string, std::string> uses;
  if (checkpoint.packed()) {
    info.scheme = "packed in " + ReadPackedInfo(*checkpoint.packed()).precision;
  } else {
    info.scheme = ToString(checkpoint.scheme());
    uses = Uses(FindTensors(checkpoint, expected));
  }
  const auto type = checkpoint.config().find("model_type");
  if (type != checkpoint.config().end() && type->is_string()) {
    info.model_type = type->get<std::string>();
  }
  info.has_head = info.config.vision_use_head.value_or(false);
  for (const auto& file : checkpoint.files()) {
    info.file_bytes += FileBytes(file->path());
    for (const StoredTensor& tensor : file->tensors()) {
      const auto use = uses.find(tensor.name);
      info.tensors.push_back({tensor.name, tensor.dtype, tensor.shape,
                              file->path().filename().string(),
                              use == uses.end() ? std::string() : use->second});
    }
  }
  info.tokens_per_picture = info.config.num_patches();
  info.gflop_per_picture =
      FlopPerPicture(info.config, info.tokens_per_picture, info.has_head) / 1e9;
  CountWeights(info);
  return info;
}

}  // namespace siglip
