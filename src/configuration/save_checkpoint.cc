// See save_checkpoint.h.
#include "configuration/save_checkpoint.h"

#include <map>
#include <span>
#include <utility>

#include "configuration/vision_tensors.h"
#include "weights/name_map.h"
#include "weights/safetensors_writer.h"

namespace siglip {
namespace {

constexpr char kWeightsFile[] = "model.safetensors";

/// One tensor of the file: the canonical tensors whose rows follow each other in it.
struct OutputTensor {
  SafetensorsEntry entry;
  std::vector<TensorSpec> parts;
};

/// transformers packs the query, key and value projections of the pooling head into one tensor,
/// which stands where its first part would.
std::vector<OutputTensor> OutputTensors(const std::vector<TensorSpec>& tensors) {
  std::vector<OutputTensor> outputs;
  std::map<std::string, size_t> index_of;
  for (const TensorSpec& tensor : tensors) {
    const StoredName stored = TransformersName(tensor.name);
    const auto [known, is_new] = index_of.emplace(stored.name, outputs.size());
    if (is_new) {
      outputs.push_back({{stored.name, "F32", tensor.shape}, {}});
      Shape& shape = outputs.back().entry.shape;
      if (!shape.empty()) shape.front() *= stored.blocks;
    }
    outputs[known->second].parts.push_back(tensor);
  }
  return outputs;
}

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
  const std::vector<OutputTensor> outputs = OutputTensors(tensors);
  std::vector<SafetensorsEntry> entries;
  for (const OutputTensor& output : outputs) entries.push_back(output.entry);
  files.Add("config.json", config_json);
  SafetensorsWriter writer(files.folder() / kWeightsFile, std::move(entries), {{"format", "pt"}},
                           files.options());
  for (const OutputTensor& output : outputs) {
    for (const TensorSpec& part : output.parts) {
      const std::vector<float> values = weights.Read(part);
      writer.Append(output.entry.name, std::as_bytes(std::span(values)));
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
