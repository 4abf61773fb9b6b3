#include "commands/engine_arguments.h"

namespace siglip::cli {

void AddEngineOptions(CLI::App& command, EngineArguments& arguments) {
  AddThreadsOption(command, arguments.threads);
  AddPrecisionOption(command, arguments.precision);
  AddPreprocessOptions(command, arguments.preprocess);
  AddMaxNumPatchesOption(command, arguments.max_num_patches);
}

Engine OpenEngine(const std::filesystem::path& folder, const EngineArguments& arguments,
                  const EngineUse& use) {
  EngineOptions options;
  options.runtime = Runtime::Create({.threads = arguments.threads, .instruction_set = {}});
  options.precision = arguments.precision;
  options.preprocess = arguments.preprocess.mode;
  options.decode = arguments.preprocess.decode;
  options.max_num_patches = arguments.max_num_patches;
  options.load_image_tower = use.pictures;
  options.load_text_tower = use.texts;
  Engine engine = Engine::FromPretrained(folder, options);
  if (use.pictures) engine.embedding_shape(use.output);  // is there such an output?
  return engine;
}

}  // namespace siglip::cli
