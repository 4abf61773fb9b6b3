// siglip run: feeds tensors of a file to the model and writes every output under the names that
// transformers gives them.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "options.h"
#include "output_file.h"
#include "siglip/error.h"
#include "siglip/runtime.h"
#include "siglip/safetensors.h"
#include "siglip/vision_model.h"

namespace siglip::cli {
namespace {

constexpr const char* kPixelValues = "pixel_values";

struct RunArguments {
  std::filesystem::path model;
  std::filesystem::path input;
  std::filesystem::path output;
  VisionForwardOptions forward;
  int threads = 0;
  Precision precision = Precision::kFloat32;
  bool force = false;
};

Tensor ReadFloats(const SafetensorsFile& file, const std::string& name) {
  const TensorView view = file.Get(name);
  switch (view.dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64: break;
    default:
      throw Error(ErrorCode::kMismatch, file.path().string() + ": tensor \"" + name +
                                            "\": expected F32, F16, BF16 or F64, found " +
                                            std::string(ToString(view.dtype)));
  }
  Tensor tensor(DType::kF32, view.shape);
  ConvertToFloat(view, tensor.floats());
  return tensor;
}

Tensor ReadPixelValues(const std::filesystem::path& path) {
  const SafetensorsFile file = SafetensorsFile::Open(path);
  for (const std::string& name : file.names()) {
    if (name == kPixelValues) continue;
    throw Error(ErrorCode::kInvalidArgument,
                path.string() + ": tensor \"" + name + "\" is no input of this model",
                std::string("known: ") + kPixelValues);
  }
  if (!file.contains(kPixelValues)) {
    throw Error(ErrorCode::kNotFound,
                path.string() + ": there is no tensor \"" + kPixelValues + "\"");
  }
  return ReadFloats(file, kPixelValues);
}

/// Views of `output` under transformers' names.
NamedTensors NameOutputs(const VisionOutput& output) {
  NamedTensors tensors;
  tensors.emplace_back("last_hidden_state", output.last_hidden_state.view());
  if (output.pooler_output) tensors.emplace_back("pooler_output", output.pooler_output->view());
  for (size_t i = 0; i < output.hidden_states.size(); ++i) {
    tensors.emplace_back("hidden_states." + std::to_string(i), output.hidden_states[i].view());
  }
  for (size_t i = 0; i < output.attentions.size(); ++i) {
    tensors.emplace_back("attentions." + std::to_string(i), output.attentions[i].view());
  }
  return tensors;
}

void Run(const RunArguments& arguments) {
  CheckOutputFile(arguments.output, arguments.force);
  const Tensor pixel_values = ReadPixelValues(arguments.input);
  const auto runtime = Runtime::Create({.threads = arguments.threads, .instruction_set = {}});
  const auto model =
      SiglipVisionModel::FromPretrained(arguments.model, runtime, arguments.precision);
  const VisionOutput output = model(pixel_values, arguments.forward);
  WriteSafetensors(arguments.output, NameOutputs(output));
}

}  // namespace

void AddRun(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run",
                                         "Run the model on tensors: pixel_values in, "
                                         "hidden states and embeddings out");
  AddModelOption(*command, arguments->model);
  command
      ->add_option("--input", arguments->input, "safetensors file with pixel_values [B, C, H, W]")
      ->type_name("FILE")
      ->required();
  command->add_option("--output", arguments->output, "safetensors file to write")
      ->type_name("FILE")
      ->required();
  command->add_flag("--interpolate-pos-encoding", arguments->forward.interpolate_pos_encoding,
                    "Accept other sizes than the model's: its position embedding is resized");
  command->add_flag("--hidden-states", arguments->forward.output_hidden_states,
                    "Write hidden_states.0 ... as well");
  command->add_flag("--attentions", arguments->forward.output_attentions,
                    "Write attentions.0 ... as well");
  AddThreadsOption(*command, arguments->threads);
  AddPrecisionOption(*command, arguments->precision);
  command->add_flag("--force", arguments->force, "Replace the output if it exists");
  command->footer(
      "Example:\n  siglip run --model siglip-base-patch16-224 --input pixels.safetensors "
      "--output out.safetensors");
  command->callback([arguments] { Run(*arguments); });
}

}  // namespace siglip::cli
