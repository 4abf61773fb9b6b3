#include "commands/findings.h"

#include <nlohmann/json.hpp>

#include "siglip/error.hpp"

namespace siglip::cli {
namespace {

// Keys stay in the order written here.
using Json = nlohmann::ordered_json;

std::string DescribeSize(const ImageProcessorConfig& config) {
  const auto sides = [](int64_t height, int64_t width) {
    return std::to_string(height) + " x " + std::to_string(width);
  };
  std::string text = "resize to " + sides(config.height, config.width);
  if (!config.do_resize) {
    text = "no resize";
  } else if (config.shortest_edge > 0) {
    text = "resize the shorter side to " + std::to_string(config.shortest_edge);
    if (config.longest_edge > 0) {
      text += ", the longer to at most " + std::to_string(config.longest_edge);
    }
  } else if (config.max_height > 0) {
    text = "resize to fit into " + sides(config.max_height, config.max_width);
  } else if (config.min_height > 0) {
    text = "resize to cover " + sides(config.min_height, config.min_width);
  }
  if (config.do_center_crop) {
    text += ", crop to " + sides(config.crop_height, config.crop_width);
  }
  if (config.do_pad && config.pad_height > 0) {
    text += ", pad to " + sides(config.pad_height, config.pad_width);
  }
  return text;
}

std::string DescribeSize(const Siglip2ImageProcessorConfig& config) {
  const std::string most = "at most " + std::to_string(config.max_num_patches) + " patches of " +
                           std::to_string(config.patch_size);
  return (config.do_resize ? "resize to " : "no resize, ") + most;
}

/// That of the kind of model, as an embedder loads it.
Preprocessing LoadPreprocessing(const std::filesystem::path& folder, const ModelInfo& model) {
  const auto describe = [](const auto& processor) {
    const auto& config = processor.config();
    return Preprocessing{config, DescribeSize(config), config.ToJson(), processor.mode()};
  };
  return model.image_size == 0 ? describe(Siglip2ImageProcessor::FromPretrained(folder))
                               : describe(SiglipImageProcessor::FromPretrained(folder));
}

/// A folder without preprocessing, or with one that is not supported, still loads as a model.
void ReadPreprocessing(Findings& findings) {
  try {
    findings.preprocessing = LoadPreprocessing(findings.folder, findings.model);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) {
      findings.no_preprocessing = "the folder says nothing about it";
    } else if (error.code() == ErrorCode::kUnsupported) {
      findings.no_preprocessing = error.what();
    } else {
      throw;
    }
  }
}

Json TensorsAsJson(const ModelInfo& model) {
  Json tensors = Json::array();
  for (const TensorInfo& tensor : model.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"file", tensor.file},
                       {"used_as", tensor.used_as.empty() ? Json() : Json(tensor.used_as)}});
  }
  return tensors;
}

Json WeightsAsJson(const WeightBytes& bytes) {
  return {{"f32", bytes.f32}, {"bf16", bytes.bf16}, {"int8", bytes.int8}};
}

Json UnknownKeysAsJson(const std::map<std::string, std::string>& unknown) {
  Json json = Json::object();
  for (const auto& [key, value] : unknown) json[key] = Json::parse(value);
  return json;
}

Json TextAsJson(const TextTowerInfo& text) {
  return {{"config", Json::parse(text.config.ToJson())},
          {"unknown_config_keys", UnknownKeysAsJson(text.config.unknown)},
          {"parameters", text.parameters},
          {"gflop_per_text", text.gflop_per_text},
          {"weight_bytes", WeightsAsJson(text.weight_bytes)}};
}

}  // namespace

Findings Examine(const std::filesystem::path& folder) {
  Findings findings;
  findings.folder = folder;
  findings.model = InspectModel(folder);
  if (findings.model.parts.image_tower) {
    ReadPreprocessing(findings);
  } else {
    findings.no_preprocessing = "there is no image tower";
  }
  for (const TensorInfo& tensor : findings.model.tensors) {
    ++findings.tensors_by_dtype[tensor.dtype];
    if (tensor.used_as.empty()) ++findings.unused_tensors;
  }
  return findings;
}

std::string ToJson(const Findings& findings) {
  const ModelInfo& model = findings.model;
  Json json;
  json["folder"] = findings.folder.string();
  json["scheme"] = model.scheme;
  json["model_type"] = model.model_type;
  json["config"] = model.config_json.empty() ? Json() : Json::parse(model.config_json);
  json["unknown_config_keys"] = UnknownKeysAsJson(model.config.unknown);
  json["has_head"] = model.has_head;
  json["vision_parameters"] = model.vision_parameters;
  json["tokens_per_picture"] = model.tokens_per_picture;
  json["gflop_per_picture"] = model.gflop_per_picture;
  json["weight_bytes"] = WeightsAsJson(model.weight_bytes);
  json["text"] = model.text ? TextAsJson(*model.text) : Json();
  json["labels"] = model.labels;
  json["projected_tokens"] = model.projected;
  json["unusable"] = model.unusable;
  json["preprocessing"] =
      findings.preprocessing ? Json::parse(findings.preprocessing->json) : Json();
  if (findings.preprocessing) {
    json["preprocess_mode"] = ToString(findings.preprocessing->mode);
  } else {
    json["no_preprocessing"] = findings.no_preprocessing;
  }
  json["file_bytes"] = model.file_bytes;
  json["dtypes"] = findings.tensors_by_dtype;
  json["tensors"] = TensorsAsJson(model);
  // Names of files need not be UTF-8, JSON must be.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace siglip::cli
