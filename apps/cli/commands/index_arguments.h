// What the commands about an index are told: where it lies, and the embedder that fits it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "commands/embedder_arguments.h"
#include "siglip/embedder.hpp"
#include "siglip/index.hpp"

namespace siglip::cli {

/// --index DIR; empty stands for DefaultIndexFolder().
CLI::Option* AddIndexOption(CLI::App& command, std::filesystem::path& index);

/// The folder, made absolute.
std::filesystem::path IndexFolder(const std::filesystem::path& index);

/// What is not said on the command line is as the index has it.
struct IndexEmbedderArguments {
  EmbedderArguments embedder;
  CLI::App* command = nullptr;  ///< Whose options these are.
};

/// --model and those of AddEmbedderOptions.
void AddIndexEmbedderOptions(CLI::App& command, IndexEmbedderArguments& arguments);

/// For an index with this space, or a new one. Loads the image tower if `use` says so. Throws a
/// usage error where nothing names a model.
Embedder OpenIndexEmbedder(const IndexEmbedderArguments& arguments,
                           const std::optional<IndexSpace>& space, const EmbedderUse& use);

/// What the index calls the model: a name of the hub, or an absolute path.
std::string RecordedModel(const IndexEmbedderArguments& arguments,
                          const std::optional<IndexSpace>& space);

/// "30d", "12h", "10m", "5s" in seconds. Throws Error(kInvalidArgument).
int64_t ParseAge(const std::string& text);

}  // namespace siglip::cli
