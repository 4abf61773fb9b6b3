// See save_checkpoint.h.
#include "configuration/save_checkpoint.h"

#include <span>
#include <utility>

#include "configuration/vision_tensors.h"
#include "weights/safetensors_writer.h"
#include "weights/transformers_tensors.h"

namespace siglip {
namespace {

constexpr char kWeightsFile[] = "model.safetensors";

template <class Config>
void SaveTower(const WeightSource& weights, const Config& config,
               const std::filesystem::path& folder, const WriteOptions& options,
               const std::string& preprocessor_json) {
  Config saved = config;
  if (!saved.vision_use_head) {
    saved.vision_use_head = weights.Contains("vision_model.head.probe");
  }
  saved.Validate();
  CheckpointFiles files(folder, options);
  if (!preprocessor_json.empty()) files.Add("preprocessor_config.json", preprocessor_json);
  SaveCheckpoint(weights, VisionTensors(saved), saved.ToJson(), files);
}

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

void SaveVisionCheckpoint(const WeightSource& weights, const SiglipVisionConfig& config,
                          const std::filesystem::path& folder, const WriteOptions& options,
                          const std::string& preprocessor_json) {
  SaveTower(weights, config, folder, options, preprocessor_json);
}

void SaveVisionCheckpoint(const WeightSource& weights, const Siglip2VisionConfig& config,
                          const std::filesystem::path& folder, const WriteOptions& options,
                          const std::string& preprocessor_json) {
  SaveTower(weights, config, folder, options, preprocessor_json);
}

}  // namespace siglip
