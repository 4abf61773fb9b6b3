// siglip run: feeds tensors of a file to the model and writes every output under the names that
// transformers gives them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/options.h"
#include "outputs/output_file.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"
#include "siglip/runtime.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/image_classification.hpp"
#include "siglip/transformers/projector.hpp"
#include "siglip/transformers/siglip_model.hpp"
#include "terminal/interrupt.h"

namespace siglip::cli {
namespace {

constexpr const char* kPixelValues = "pixel_values";
constexpr const char* kAttentionMask = "pixel_attention_mask";
constexpr const char* kSpatialShapes = "spatial_shapes";
constexpr const char* kInputIds = "input_ids";

struct RunArguments {
  std::string model;  // folder or name
  std::filesystem::path input;
  std::filesystem::path output;
  VisionForwardOptions forward;
  int threads = 0;
  PrecisionChoice precision;
  bool force = false;
};

using InputTensors = std::map<std::string, Tensor>;
using Outputs = std::vector<std::pair<std::string, Tensor>>;

Tensor ReadFloats(const SafetensorsFile& file, const std::string& name) {
  const TensorView view = file.Get(name);
  switch (view.dtype()) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64: break;
    default:
      throw Error(ErrorCode::kMismatch, file.path().string() + ": tensor \"" + name +
                                            "\": expected F32, F16, BF16 or F64, found " +
                                            std::string(ToString(view.dtype())));
  }
  Tensor tensor(DType::kF32, view.shape());
  ConvertToFloat(view, tensor.floats());
  return tensor;
}

Tensor ReadIntegers(const SafetensorsFile& file, const std::string& name) {
  return Tensor(file.Get(name));
}

/// What a model takes of the file, which must hold nothing else.
InputTensors ReadInputs(const std::filesystem::path& path, bool variable_resolution) {
  std::map<std::string, Tensor (*)(const SafetensorsFile&, const std::string&)> readers;
  readers[kPixelValues] = ReadFloats;
  if (variable_resolution) readers[kAttentionMask] = readers[kSpatialShapes] = ReadIntegers;
  readers[kInputIds] = ReadIntegers;
  std::string known;
  for (const auto& [name, reader] : readers) known += (known.empty() ? "" : ", ") + name;

  const SafetensorsFile file = SafetensorsFile::Open(path);
  InputTensors inputs;
  for (const std::string& name : file.names()) {
    const auto reader = readers.find(name);
    if (reader == readers.end()) {
      throw Error(ErrorCode::kInvalidArgument,
                  path.string() + ": tensor \"" + name + "\" is no input of this model",
                  "known: " + known);
    }
    inputs[name] = reader->second(file, name);
  }
  if (inputs.empty()) {
    throw Error(ErrorCode::kNotFound, path.string() + ": there is no input of this model",
                "known: " + known);
  }
  return inputs;
}

void AddLayers(const std::string& prefix, const std::vector<Tensor>& hidden_states,
               const std::vector<Tensor>& attentions, Outputs& outputs) {
  for (size_t i = 0; i < hidden_states.size(); ++i) {
    outputs.emplace_back(prefix + "hidden_states." + std::to_string(i), hidden_states[i]);
  }
  for (size_t i = 0; i < attentions.size(); ++i) {
    outputs.emplace_back(prefix + "attentions." + std::to_string(i), attentions[i]);
  }
}

void AddTower(const std::string& prefix, const VisionOutput& output, Outputs& outputs) {
  outputs.emplace_back(prefix + "last_hidden_state", output.last_hidden_state);
  if (output.pooler_output) outputs.emplace_back(prefix + "pooler_output", *output.pooler_output);
  AddLayers(prefix, output.hidden_states, output.attentions, outputs);
}

void AddTower(const std::string& prefix, const TextOutput& output, Outputs& outputs) {
  outputs.emplace_back(prefix + "last_hidden_state", *output.last_hidden_state);
  outputs.emplace_back(prefix + "pooler_output", output.pooler_output);
  AddLayers(prefix, output.hidden_states, output.attentions, outputs);
}

/// The loss of as many pairs as there are, under the name that says so.
void AddLoss(const SiglipOutput& output, Outputs& outputs) {
  if (output.loss) outputs.emplace_back("loss", Tensor({1}, {*output.loss}));
  const Tensor& logits = output.logits_per_text;
  const int64_t pairs = std::min(logits.dim(0), logits.dim(1));
  if (output.loss || pairs == 0) return;
  Tensor square(DType::kF32, {pairs, pairs});
  const auto n = static_cast<size_t>(pairs);
  for (size_t i = 0; i < n; ++i) {
    std::ranges::copy(
        std::as_const(logits).floats().subspan(i * static_cast<size_t>(logits.dim(1)), n),
        square.floats().begin() + static_cast<ptrdiff_t>(i * n));
  }
  outputs.emplace_back("loss_first_n", Tensor({1}, {SiglipLoss(square)}));
}

/// Runs what the inputs are for. Outputs of a tower have no prefix where it is the only one that
/// runs.
class ModelRun {
 public:
  ModelRun(const RunArguments& arguments, const ModelParts& parts)
      : arguments_(arguments),
        parts_(parts),
        runtime_(Runtime::Create({.threads = arguments.threads, .instruction_set = {}})) {
    options_.vision = arguments.forward;
    options_.text.output_hidden_states = arguments.forward.output_hidden_states;
    options_.text.output_attentions = arguments.forward.output_attentions;
  }

  Outputs Run(const InputTensors& inputs) const {
    const bool pictures =
        std::ranges::any_of(inputs, [](const auto& input) { return input.first != kInputIds; });
    const auto input_ids = inputs.find(kInputIds);
    const bool texts = input_ids != inputs.end();
    // Loading a tower that is not there says so, in the words that every command has.
    if (pictures && !parts_.image_tower) Refuse(VisionModel::Open, kInputIds);
    if (texts && !parts_.text_tower) Refuse(SiglipTextModel::FromPretrained, kPixelValues);
    if (!texts) return RunImageTower(Pictures(inputs));
    if (!pictures) return RunTextTower(input_ids->second);
    if (parts_.whole()) return RunBoth(input_ids->second, Pictures(inputs));
    throw Error(ErrorCode::kUnsupported,
                arguments_.model +
                    ": no logit_scale and logit_bias, hence nothing that compares pictures and "
                    "texts",
                std::string("run ") + kPixelValues + " and " + kInputIds + " one by one");
  }

 private:
  template <class Model>
  using Opener = Model (*)(const std::filesystem::path&, std::shared_ptr<const Runtime>,
                           PrecisionChoice);

  template <class Model>
  Model Load(Opener<Model> open) const {
    return open(arguments_.model, runtime_, arguments_.precision);
  }

  template <class Model>
  void Refuse(Opener<Model> open, const std::string& other) const {
    try {
      Load(open);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), "this model takes " + other);
    }
  }

  VisionInputs Pictures(const InputTensors& inputs) const {
    std::vector<std::string> needed = {kPixelValues};
    if (parts_.resolution == Resolution::kNaflex) needed.emplace_back(kSpatialShapes);
    for (const std::string& name : needed) {
      if (inputs.contains(name)) continue;
      throw Error(ErrorCode::kNotFound,
                  arguments_.input.string() + ": there is no tensor \"" + name + "\"",
                  std::string("NaFlex pictures are ") + kPixelValues + ", " + kSpatialShapes +
                      " and, where there is padding to be checked, " + kAttentionMask);
    }
    const auto find = [&](const char* name) {
      const auto input = inputs.find(name);
      return input == inputs.end() ? Tensor() : input->second;
    };
    return {find(kPixelValues), find(kAttentionMask), find(kSpatialShapes)};
  }

  Outputs RunImageTower(const VisionInputs& pictures) const {
    Outputs outputs;
    Tensor tokens;
    if (parts_.classifier) {
      const ImageClassificationOutput output =
          Load(ImageClassificationModel::Open)(pictures, options_.vision);
      tokens = output.vision_model_output.last_hidden_state;
      AddTower("", output.vision_model_output, outputs);
      outputs.emplace_back("logits", output.logits);
    } else {
      const VisionOutput output = Load(VisionModel::Open)(pictures, options_.vision);
      tokens = output.last_hidden_state;
      AddTower("", output, outputs);
      if (parts_.whole() && output.pooler_output) {
        outputs.emplace_back("image_embeds", NormalizeRows(*output.pooler_output));
      }
    }
    if (parts_.projector) {
      outputs.emplace_back("projected", (*Load(MultiModalProjector::FromPretrained))(tokens));
    }
    return outputs;
  }

  Outputs RunTextTower(const Tensor& input_ids) const {
    Outputs outputs;
    const TextOutput output = Load(SiglipTextModel::FromPretrained)(input_ids, options_.text);
    AddTower("", output, outputs);
    if (parts_.whole()) outputs.emplace_back("text_embeds", NormalizeRows(output.pooler_output));
    return outputs;
  }

  Outputs RunBoth(const Tensor& input_ids, const VisionInputs& pictures) const {
    Outputs outputs;
    const SiglipOutput output = Load(ImageTextModel::Open)(input_ids, pictures, options_);
    AddTower("vision.", output.vision_model_output, outputs);
    AddTower("text.", output.text_model_output, outputs);
    outputs.emplace_back("image_embeds", output.image_embeds);
    outputs.emplace_back("text_embeds", output.text_embeds);
    outputs.emplace_back("logits_per_image", output.logits_per_image);
    outputs.emplace_back("logits_per_text", output.logits_per_text);
    outputs.emplace_back("probabilities", output.probabilities);
    AddLoss(output, outputs);
    return outputs;
  }

  const RunArguments& arguments_;
  const ModelParts parts_;
  const std::shared_ptr<const Runtime> runtime_;
  SiglipForwardOptions options_;
};

void Run(RunArguments arguments) {
  CheckEnding(arguments.output, ".safetensors");
  CheckOutputFile(arguments.output, arguments.force);
  arguments.model = ResolveModel(arguments.model);
  InputFiles files;
  files.Add(arguments.input);
  files.AddCheckpoint(arguments.model);
  files.CheckOutput(arguments.output);
  const ModelParts parts = FindParts(arguments.model);
  const bool variable_resolution = parts.resolution == Resolution::kNaflex;
  if (variable_resolution && arguments.forward.interpolate_pos_encoding) {
    throw Error(ErrorCode::kInvalidArgument,
                arguments.model +
                    ": --interpolate-pos-encoding is for models of fixed resolution; this one "
                    "takes pictures of any size");
  }
  const InputTensors inputs = ReadInputs(arguments.input, variable_resolution);
  const Outputs outputs = ModelRun(arguments, parts).Run(inputs);
  NamedTensors views;
  for (const auto& [name, tensor] : outputs) views.emplace_back(name, tensor.view());
  WriteSafetensors(arguments.output, views, {},
                   {.replace = arguments.force, .stop = &CatchInterrupts()});
}

}  // namespace

void AddRun(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run",
                                         "Run the model on tensors: pixel_values and input_ids in, "
                                         "hidden states and embeddings out");
  AddModelOption(*command, arguments->model);
  command
      ->add_option("--input", arguments->input,
                   "safetensors file with pixel_values [B, C, H, W], input_ids [B, T] or both; of "
                   "NaFlex models pixel_values [B, N, values] with spatial_shapes [B, 2] and "
                   "pixel_attention_mask [B, N]")
      ->type_name("FILE")
      ->required();
  AddOutputOption(*command, arguments->output, "File to write, .safetensors")->required();
  command->add_flag("--interpolate-pos-encoding", arguments->forward.interpolate_pos_encoding,
                    "Accept other sizes than the model's: its position embedding is resized");
  command->add_flag("--hidden-states", arguments->forward.output_hidden_states,
                    "Write hidden_states.0 ... as well");
  command->add_flag("--attentions", arguments->forward.output_attentions,
                    "Write attentions.0 ... as well");
  AddThreadsOption(*command, arguments->threads);
  AddPrecisionOption(*command, arguments->precision);
  AddForceOption(*command, arguments->force);
  command->footer(
      "Example:\n  siglip run --model siglip-base-patch16-224 --input pixels.safetensors "
      "--output out.safetensors");
  command->callback([arguments] { Run(*arguments); });
}

}  // namespace siglip::cli
