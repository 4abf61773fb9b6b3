#include "commands/embedder_arguments.h"

#include "siglip/embedder.hpp"
#include "siglip/runtime.hpp"

namespace siglip::cli {

void AddEmbedderOptions(CLI::App& command, EmbedderArguments& arguments) {
  AddThreadsOption(command, arguments.threads);
  AddPrecisionOption(command, arguments.precision);
  AddPreprocessOptions(command, arguments.preprocess);
  AddMaxNumPatchesOption(command, arguments.max_num_patches);
}

Embedder OpenEmbedder(const std::filesystem::path& folder, const EmbedderArguments& arguments,
                      const EmbedderUse& use) {
  EmbedderOptions options;
  options.runtime = Runtime::Create({.threads = arguments.threads, .instruction_set = {}});
  options.precision = arguments.precision;
  options.preprocess = arguments.preprocess.mode;
  options.decode = arguments.preprocess.decode;
  options.max_num_patches = arguments.max_num_patches;
  options.load_image_tower = use.pictures;
  options.load_text_tower = use.texts;
  Embedder embedder = Embedder::Open(folder, options);
  if (use.pictures) embedder.embedding_shape(use.output);  // is there such an output?
  return embedder;
}

}  // namespace siglip::cli
