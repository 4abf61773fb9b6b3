// siglip init: writes a checkpoint of a known architecture with random weights.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "commands/commands.h"
#include "commands/options.h"
#include "outputs/checkpoint_folder.h"
#include "outputs/output_file.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"
#include "terminal/format.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct InitArguments {
  std::filesystem::path folder;
  std::string preset;
  std::filesystem::path config_file;
  uint64_t seed = 0;
  bool force = false;
  bool list = false;
};

/// What to write: the architecture and the preprocessing that goes with it, if there is any.
struct Recipe {
  std::string name;
  std::variant<SiglipVisionConfig, Siglip2VisionConfig> config;
  std::optional<std::string> preprocessor_json;
};

/// CLI11 would take "-1" for the largest seed there is. Throws Error(kInvalidArgument).
uint64_t ParseSeed(const std::string& text) {
  uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seed);
  if (error != std::errc() || rest != end) {
    throw Error(ErrorCode::kInvalidArgument, "'" + text + "' is not a number from 0 to 2^64 - 1");
  }
  return seed;
}

/// Of a new checkpoint: what the configuration leaves open is decided for a head.
bool HasHead(const SiglipVisionTowerConfig& config) {
  return config.vision_use_head.value_or(true);
}

void ListPresets() {
  size_t longest = 0;
  for (const auto& names : {PresetNames(), Siglip2PresetNames()}) {
    for (const std::string& name : names) longest = std::max(longest, name.size());
  }
  const auto list = [&](const std::string& name, const SiglipVisionTowerConfig& config,
                        int64_t tokens) {
    const double flop = FlopPerPicture(config, tokens, HasHead(config));
    std::cout << name << std::string(longest + 2 - name.size(), ' ') << "width "
              << config.hidden_size << ", " << config.num_hidden_layers << " layers, " << tokens
              << " tokens, " << FormatNumber(flop / 1e9, 1) << " GFLOP a picture\n";
  };
  for (const std::string& name : PresetNames()) {
    const SiglipVisionConfig config = PresetConfig(name);
    list(name, config, config.num_patches());
  }
  for (const std::string& name : Siglip2PresetNames()) {
    const Siglip2VisionConfig config = Siglip2PresetConfig(name);
    list(name, config, config.num_patches);
  }
}

std::string ReadTextFile(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    throw Error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                path.string() + ": cannot be read: " + std::strerror(errno));
  }
  return text;
}

/// The architecture a config.json describes: its "vision_config" when it holds several towers.
SiglipVisionConfig ReadConfig(const std::string& text, const std::string& name) {
  // Text that is no JSON is left to FromJson, whose errors say what is wrong with it.
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("vision_config")) {
    return SiglipVisionConfig::FromJson(json["vision_config"].dump(), name);
  }
  return SiglipVisionConfig::FromJson(text, name);
}

Recipe ReadRecipe(const std::filesystem::path& path) {
  const std::string text = ReadTextFile(path);
  if (Siglip2VisionConfig::IsFor(text, path.string())) {
    const Siglip2VisionConfig config = Siglip2VisionConfig::FromJson(text, path.string());
    Siglip2ImageProcessorConfig processor;
    processor.patch_size = config.patch_size;
    processor.max_num_patches = config.num_patches;
    return {path.string(), config, processor.ToJson()};
  }
  const SiglipVisionConfig config = ReadConfig(text, path.string());
  ImageProcessorConfig processor;
  processor.height = processor.width = config.image_size;
  return {path.string(), config, processor.ToJson()};
}

Recipe PresetRecipe(const std::string& name) {
  const std::vector<std::string> naflex = Siglip2PresetNames();
  if (std::ranges::count(naflex, name) > 0) {
    return {name, Siglip2PresetConfig(name), PresetPreprocessorJson(name)};
  }
  return {name, PresetConfig(name), PresetPreprocessorJson(name)};
}

Recipe MakeRecipe(const InitArguments& arguments) {
  if (!arguments.preset.empty()) return PresetRecipe(arguments.preset);
  Recipe recipe = ReadRecipe(arguments.config_file);
  const auto channels = [](const auto& config) { return config.num_channels; };
  if (std::visit(channels, recipe.config) != 3) recipe.preprocessor_json.reset();
  return recipe;
}

template <class Model, class Config>
void Save(const Config& config, const Recipe& recipe, const InitArguments& arguments) {
  Model::SaveRandom(config, arguments.seed, arguments.folder,
                    {.replace = arguments.force, .stop = &CatchInterrupts()},
                    recipe.preprocessor_json.value_or(""));
}

void Save(const Recipe& recipe, const InitArguments& arguments) {
  if (const auto* config = std::get_if<Siglip2VisionConfig>(&recipe.config)) {
    Save<Siglip2VisionModel>(*config, recipe, arguments);
  } else {
    Save<SiglipVisionModel>(std::get<SiglipVisionConfig>(recipe.config), recipe, arguments);
  }
}

/// What --config names may lie in the folder itself.
void CheckConfigIsKept(const InitArguments& arguments) {
  InputFiles inputs;
  inputs.Add(arguments.config_file);
  for (const char* name : {"config.json", "model.safetensors", "preprocessor_config.json"}) {
    inputs.CheckOutput(arguments.folder / name);
  }
}

void Init(const InitArguments& arguments) {
  if (arguments.list) return ListPresets();
  if (arguments.folder.empty()) throw CLI::RequiredError("DIR");
  if (arguments.preset.empty() && arguments.config_file.empty()) {
    throw CLI::RequiredError("--preset or --config");
  }
  CheckFolderName(arguments.folder);
  const Recipe recipe = MakeRecipe(arguments);
  if (!arguments.force) RefuseExistingCheckpoint(arguments.folder);
  CheckConfigIsKept(arguments);

  Save(recipe, arguments);
  const ModelInfo written = InspectModel(arguments.folder);
  std::cout << Printable(arguments.folder.string() + ": " + recipe.name)
            << " with random weights, seed " << arguments.seed << ", "
            << FormatCount(written.vision_parameters) << " parameters, "
            << FormatBytes(written.file_bytes) << "\n";
}

}  // namespace

void AddInit(CLI::App& app) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* command = app.add_subcommand("init", "Write a checkpoint with random weights");
  command->add_option("DIR", arguments->folder, "Folder to write, made if need be");
  CLI::Option* preset = command
                            ->add_option("--preset", arguments->preset,
                                         "Architecture of a public checkpoint, see --list")
                            ->type_name("NAME");
  command->add_option("--config", arguments->config_file, "Architecture from a config.json")
      ->type_name("FILE")
      ->excludes(preset);
  AddParsedOption(
      *command, "--seed",
      [arguments](const std::string& text) { arguments->seed = ParseSeed(text); },
      "The same seed gives the same weights on every machine")
      ->type_name("N")
      ->default_str("0");
  command->add_flag("--force", arguments->force, "Replace a checkpoint that is there");
  command->add_flag("--list", arguments->list, "List the presets and end");
  command->footer("Example:\n  siglip init --preset base-patch16-224 --seed 7 random-base");
  command->callback([arguments] { Init(*arguments); });
}

}  // namespace siglip::cli
