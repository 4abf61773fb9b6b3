// siglip inspect: what a checkpoint folder holds and what it costs to run, without loading it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "commands/findings.h"
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

struct InspectArguments {
  std::string model;  // folder or name
  bool json = false;
  bool tensors = false;
};

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
    std::cout << ToJson(findings) << "\n";
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
