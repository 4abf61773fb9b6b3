// Checks of the folders that checkpoints are to be written to.
#pragma once

#include <filesystem>
#include <string>

namespace siglip::cli {

/// Throws a usage error when what is to become a folder is named like a file with weights.
void CheckFolderName(const std::filesystem::path& folder);

/// Throws Error(kInvalidArgument) when the folder holds a checkpoint, or part of one, already.
void RefuseExistingCheckpoint(const std::filesystem::path& folder);

/// Throws Error(kInvalidArgument) when `folder`, by whatever name, is where the checkpoint `input`,
/// a folder or a file, lies, or when a checkpoint written there, its weights to the file `weights`,
/// would replace a file of it.
void RefuseToReplaceInput(const std::filesystem::path& input, const std::filesystem::path& folder,
                          const std::string& weights);

}  // namespace siglip::cli
