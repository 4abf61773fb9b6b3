// The embedder of a command that embeds.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "commands/options.h"
#include "siglip/embedder.hpp"

namespace siglip::cli {

/// What a command line says about the model and how it is run.
struct EmbedderArguments {
  std::string model;  ///< Folder or name; see AddModelOption.
  int threads = 0;
  PrecisionChoice precision;
  PreprocessArguments preprocess;
  int64_t max_num_patches = 0;
};

/// --threads, --precision, those of AddPreprocessOptions, and --max-num-patches.
void AddEmbedderOptions(CLI::App& command, EmbedderArguments& arguments);

/// What a command is about to embed.
struct EmbedderUse {
  bool pictures = false;
  bool texts = false;
  Output output = Output::kPooled;
};

/// With everything loaded that `use` needs, so that a model that is of no use is refused here.
/// `folder` is that of `arguments.model`.
Embedder OpenEmbedder(const std::filesystem::path& folder, const EmbedderArguments& arguments,
                      const EmbedderUse& use);

}  // namespace siglip::cli
