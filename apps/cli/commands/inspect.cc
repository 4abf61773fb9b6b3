// siglip inspect: what a checkpoint folder holds and what it costs to run, without loading it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/options.h"
#include "siglip/checkpoint.hpp"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

// Keys stay in the order written here.
using Json = nlohmann::ordered_json;

struct InspectArguments {
  std::string model;  // folder or name
  bool json = false;
  bool tensors = false;
};

struct Preprocessing {
  PixelConfig pixels;
  std::string size;  // what becomes of a picture's size, in words
  std::string json;
  PreprocessMode mode;
};

struct Findings {
  std::filesystem::path folder;
  ModelInfo model;
  std::optional<Preprocessing> preprocessing;
  std::string no_preprocessing;  // why there is none
  std::map<std::string, int64_t> tensors_by_dtype;
  int64_t unused_tensors = 0;
};

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

void PrintJson(const Findings& findings) {
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
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

void PrintLine(const std::string& label, const std::string& text) {
  std::cout << label << std::string(16 - label.size(), ' ') << Printable(text) << "\n";
}

std::string DescribeEncoder(const SiglipEncoderConfig& config) {
  return "width " + std::to_string(config.hidden_size) + ", " +
         std::to_string(config.num_hidden_layers) + " layers, " +
         std::to_string(config.num_attention_heads) + " heads of " +
         std::to_string(config.head_dim()) + ", MLP " + std::to_string(config.intermediate_size) +
         ", " + config.hidden_act;
}

std::string DescribeWeights(const WeightBytes& bytes) {
  return "f32 " + FormatBytes(bytes.f32) + ", bf16 " + FormatBytes(bytes.bf16) + ", int8 " +
         FormatBytes(bytes.int8);
}

std::string DescribeInput(const ModelInfo& model) {
  const std::string channels = std::to_string(model.config.num_channels);
  const std::string patches = ", patches of " + std::to_string(model.config.patch_size) + ": ";
  const std::string tokens = std::to_string(model.tokens_per_picture);
  if (model.image_size == 0) {
    return channels + " channels, any size and shape" + patches + "a token each, positions for " +
           tokens;
  }
  const std::string side = std::to_string(model.image_size);
  return channels + " x " + side + " x " + side + patches + tokens + " tokens a picture";
}

std::string DescribeFiles(const Findings& findings) {
  std::string text = FormatBytes(findings.model.file_bytes) + " in " +
                     std::to_string(findings.model.tensors.size()) + " tensors (";
  const char* separator = "";
  for (const auto& [dtype, count] : findings.tensors_by_dtype) {
    text += separator + std::to_string(count) + " " + dtype;
    separator = ", ";
  }
  text += ")";
  if (findings.unused_tensors > 0) {
    text += ", " + std::to_string(findings.unused_tensors) + " of them not used";
  }
  return text;
}

std::string DescribePreprocessing(const Findings& findings) {
  if (!findings.preprocessing) return "none: " + findings.no_preprocessing;
  const PixelConfig& config = findings.preprocessing->pixels;
  std::string text = findings.preprocessing->size;
  if (config.do_resize) {
    text += ", " + std::string(ToString(config.resample)) + " of " +
            std::string(ToString(findings.preprocessing->mode));
  }
  if (config.do_rescale) {
    text += ", rescale by 1/" + FormatNumber(1.0 / config.rescale_factor, 0);
  }
  if (config.do_normalize) {
    text += ", mean";
    for (const double mean : config.image_mean) text += " " + FormatNumber(mean, 3);
    text += ", std";
    for (const double deviation : config.image_std) text += " " + FormatNumber(deviation, 3);
  }
  return text;
}

void PrintTensors(const ModelInfo& model) {
  size_t widest = 0;
  for (const TensorInfo& tensor : model.tensors) widest = std::max(widest, tensor.name.size());
  std::cout << "\n";
  for (const TensorInfo& tensor : model.tensors) {
    std::string line = tensor.name + std::string(widest + 2 - tensor.name.size(), ' ');
    line += tensor.dtype + " " + ToString(tensor.shape) + "  " + tensor.file;
    if (tensor.used_as.empty()) {
      line += "  (not used)";
    } else if (tensor.used_as != tensor.name) {
      line += "  as " + tensor.used_as;
    }
    std::cout << Printable(line) << "\n";
  }
}

void PrintImageTower(const ModelInfo& model) {
  PrintLine("Image tower", DescribeEncoder(model.config) +
                               (model.has_head ? ", pooling head" : ", no pooling head"));
  PrintLine("Input", DescribeInput(model));
  PrintLine("Work", FormatNumber(model.gflop_per_picture, 3) + " GFLOP a picture");
  PrintLine("Parameters", FormatCount(model.vision_parameters));
  PrintLine("Weights held", DescribeWeights(model.weight_bytes));
}

void PrintText(const TextTowerInfo& text) {
  const SiglipTextConfig& config = text.config;
  PrintLine("Text tower",
            DescribeEncoder(config) + ", projection to " + std::to_string(config.embedding_size()));
  PrintLine("  Input", "up to " + std::to_string(config.max_position_embeddings) +
                           " tokens a text, vocabulary of " + std::to_string(config.vocab_size));
  PrintLine("  Work", FormatNumber(text.gflop_per_text, 3) + " GFLOP a text");
  PrintLine("  Parameters", FormatCount(text.parameters));
  PrintLine("  Weights held", DescribeWeights(text.weight_bytes));
}

void PrintText(const Findings& findings, bool with_tensors) {
  const ModelInfo& model = findings.model;
  PrintLine("Model", findings.folder.string());
  PrintLine("Layout",
            (model.scheme.starts_with("packed") ? model.scheme : model.scheme + " names") +
                (model.model_type.empty() ? "" : ", model_type " + model.model_type));
  if (model.parts.image_tower) PrintImageTower(model);
  if (model.text) PrintText(*model.text);
  if (!model.labels.empty()) {
    PrintLine("Classifier", std::to_string(model.labels.size()) + " labels");
  }
  if (!model.projected.empty()) {
    PrintLine("Projector", std::to_string(model.projected[0]) + " image tokens of width " +
                               std::to_string(model.projected[1]));
  }
  for (const std::string& reason : model.unusable) PrintLine("Not usable", reason);
  PrintLine("Files", DescribeFiles(findings));
  PrintLine("Preprocessing", DescribePreprocessing(findings));
  std::string unknown;
  for (const auto& [key, value] : model.config.unknown) {
    unknown += (unknown.empty() ? "" : ", ") + key + " = " + value;
  }
  if (!unknown.empty()) PrintLine("Keys not known", unknown);
  if (with_tensors) PrintTensors(model);
}

void Inspect(const InspectArguments& arguments) {
  const Findings findings = Examine(ResolveModel(arguments.model));
  if (arguments.json) {
    PrintJson(findings);
  } else {
    PrintText(findings, arguments.tensors);
  }
}

}  // namespace

void AddInspect(CLI::App& app) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a checkpoint holds and what it costs to run");
  arguments->model = ModelOfEnvironment();
  command->add_option("MODEL,--model", arguments->model, kModelHelp)
      ->type_name(kModelType)
      ->required(arguments->model.empty());
  command->add_flag("--tensors", arguments->tensors, "List every tensor (--json always does)");
  AddJsonOption(*command, arguments->json);
  command->footer("Example:\n  siglip inspect --tensors siglip-base-patch16-224");
  command->callback([arguments] { Inspect(*arguments); });
}

}  // namespace siglip::cli
