// See save_checkpoint.h.
#include "configuration/save_checkpoint.h"

#include <span>
#include <utility>

#include "configuration/vision_tower_plan.h"
#include "weights/safetensors_writer.h"
#include "weights/transformers_tensors.h"

namespace siglip {
namespace {

constexpr char kWeightsFile[] = "model.safetensors";

}  // namespace

void SaveCheckpoint(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                    const std::string& config_json, CheckpointFiles& files) {
  const std::vector<TransformersTensor> outputs = TransformersTensors(tensors);
  std::vector<SafetensorsEntry> entries;
  for (const TransformersTensor& output : outputs) {
    entries.push_back({output.name, "F32", output.shape});
  }
  files.Add("config.json", config_json);
  SafetensorsWriter writer(files.folder() / kWeightsFile, std::move(entries), {{"format", "pt"}},
                           files.options());
  for (const TransformersTensor& output : outputs) {
    for (const TensorSpec& part : output.parts) {
      const std::vector<float> values = weights.Read(part);
      writer.Append(output.name, std::as_bytes(std::span(values)));
    }
  }
  files.Commit(kWeightsFile, writer.Finish());
}

void SaveVisionCheckpoint(const WeightSource& weights, const AnyVisionConfig& any,
                          const std::filesystem::path& folder, const WriteOptions& options,
                          const std::string& preprocessor_json) {
  AnyVisionConfig saved = any;
  const auto complete = [&](auto& config) {
    if (!config.vision_use_head) {
      config.vision_use_head = weights.Contains("vision_model.head.probe");
    }
    config.Validate();
  };
  std::visit(complete, saved);
  CheckpointFiles files(folder, options);
  if (!preprocessor_json.empty()) files.Add("preprocessor_config.json", preprocessor_json);
  SaveCheckpoint(weights, VisionTensors(saved), ToJson(saved), files);
}

}  // namespace siglip
