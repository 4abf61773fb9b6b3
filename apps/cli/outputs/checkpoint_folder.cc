// See checkpoint_folder.h.
#include "outputs/checkpoint_folder.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <system_error>

#include "outputs/output_file.h"
#include "siglip/error.hpp"

namespace siglip::cli {

void CheckFolderName(const std::filesystem::path& folder) {
  const std::string ending = EndingOf(folder);
  if (ending != ".safetensors" && ending != ".npz" && ending != ".gguf") return;
  throw CLI::ValidationError("\"" + folder.string() + "\"",
                             "a folder is written, not a file in " + ending);
}

void RefuseExistingCheckpoint(const std::filesystem::path& folder) {
  for (const std::string_view name :
       {"config.json", "model.safetensors", "model.safetensors.index.json", "open_clip_config.json",
        "open_clip_model.safetensors", "packed.safetensors", "preprocessor_config.json"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / name, ignored)) {
      throw Error(ErrorCode::kInvalidArgument,
                  folder.string() + ": holds a checkpoint already (" + std::string(name) + ")",
                  "--force replaces it");
    }
  }
}

void RefuseToReplaceInput(const std::filesystem::path& input, const std::filesystem::path& folder,
                          const std::string& weights) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(input, ignored);
  const std::filesystem::path files =
      is_folder ? input : std::filesystem::absolute(input).parent_path();
  if (std::filesystem::equivalent(files, folder, ignored)) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": is the checkpoint that is to be converted",
                "write to another folder");
  }
  InputFiles inputs;
  inputs.Add(input);
  inputs.AddCheckpoint(files);
  inputs.CheckOutput(folder / weights);
  inputs.CheckOutput(folder / "config.json");
  for (const char* name :
       {"preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
        "tokenizer.json", "tokenizer.model", "spiece.model", "special_tokens_map.json",
        "added_tokens.json", "open_clip_config.json"}) {
    inputs.CheckOutput(folder / name);
  }
}

}  // namespace siglip::cli
