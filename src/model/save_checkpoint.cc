// See save_checkpoint.h.
#include "model/save_checkpoint.h"

#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "model/vision_tensors.h"
#include "siglip/atomic_file.h"
#include "siglip/error.h"
#include "weights/safetensors_writer.h"

namespace siglip {
namespace {

/// One tensor of the file: the canonical tensors whose rows follow each other in it.
struct OutputTensor {
  SafetensorsEntry entry;
  std::vector<TensorSpec> parts;
};

/// transformers packs the query, key and value projections of the pooling head into one tensor;
/// VisionTensors lists them as weight, bias, weight, bias, ...
std::vector<OutputTensor> OutputTensors(const std::vector<TensorSpec>& tensors) {
  constexpr std::string_view kPacked = "vision_model.head.attention.";
  std::vector<OutputTensor> outputs;
  OutputTensor in_proj[2] = {{{std::string(kPacked) + "in_proj_weight", "F32", {}}, {}},
                             {{std::string(kPacked) + "in_proj_bias", "F32", {}}, {}}};
  for (const TensorSpec& tensor : tensors) {
    if (!tensor.name.starts_with(kPacked) || tensor.name.find(".out_proj.") != std::string::npos) {
      outputs.push_back({{tensor.name, "F32", tensor.shape}, {tensor}});
      continue;
    }
    OutputTensor& packed = in_proj[tensor.name.ends_with(".bias") ? 1 : 0];
    packed.parts.push_back(tensor);
    packed.entry.shape = tensor.shape;
    packed.entry.shape.front() *= static_cast<int64_t>(packed.parts.size());
    if (packed.parts.size() == 3) outputs.push_back(packed);
  }
  return outputs;
}

template <class Config>
void Save(const WeightSource& weights, const Config& config, const std::filesystem::path& folder) {
  Config saved = config;
  if (!saved.vision_use_head) {
    saved.vision_use_head = weights.Contains("vision_model.head.probe");
  }
  saved.Validate();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, folder.string() + ": cannot create: " + error.message());
  }

  const std::vector<OutputTensor> outputs = OutputTensors(VisionTensors(saved));
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
  config_file.Write(saved.ToJson());
  writer.Commit();
  config_file.Commit();
}

}  // namespace

void SaveVisionCheckpoint(const WeightSource& weights, const SiglipVisionConfig& config,
                          const std::filesystem::path& folder) {
  Save(weights, config, folder);
}

void SaveVisionCheckpoint(const WeightSource& weights, const Siglip2VisionConfig& config,
                          const std::filesystem::path& folder) {
  Save(weights, config, folder);
}

}  // namespace siglip
