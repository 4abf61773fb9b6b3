// See save_checkpoint.h.
#include "model/save_checkpoint.h"

#include <map>
#include <span>
#include <system_error>
#include <utility>

#include "model/vision_tensors.h"
#include "siglip/atomic_file.h"
#include "siglip/error.h"
#include "weights/name_map.h"
#include "weights/safetensors_writer.h"

namespace siglip {
namespace {

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
               const std::filesystem::path& folder) {
  Config saved = config;
  if (!saved.vision_use_head) {
    saved.vision_use_head = weights.Contains("vision_model.head.probe");
  }
  saved.Validate();
  SaveCheckpoint(weights, VisionTensors(saved), saved.ToJson(), folder);
}

}  // namespace

void SaveCheckpoint(const WeightSource& weights, const std::vector<TensorSpec>& tensors,
                    const std::string& config_json, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, folder.string() + ": cannot create: " + error.message());
  }
  const std::vector<OutputTensor> outputs = OutputTensors(tensors);
  std::vector<SafetensorsEntry> entries;
  for (const OutputTensor& output : outputs) entries.push_back(output.entry);
  SafetensorsWriter writer(folder / "model.safetensors", std::move(entries), {{"format", "pt"}});
  for (const OutputTensor& output : outputs) {
    for (const TensorSpec& part : output.parts) {
      const std::vector<float> values = weights.Read(part);
      writer.Append(output.entry.name, std::as_bytes(std::span(values)));
    }
  }
  AtomicFile config_file(folder / "config.json");
  config_file.Write(config_json);
  writer.Commit();
  config_file.Commit();
}

void SaveVisionCheckpoint(const WeightSource& weights, const SiglipVisionConfig& config,
                          const std::filesystem::path& folder) {
  SaveTower(weights, config, folder);
}

void SaveVisionCheckpoint(const WeightSource& weights, const Siglip2VisionConfig& config,
                          const std::filesystem::path& folder) {
  SaveTower(weights, config, folder);
}

}  // namespace siglip
