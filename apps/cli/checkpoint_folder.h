// Folders that commands write checkpoints to.
#pragma once

#include <filesystem>
#include <string>

namespace siglip::cli {

/// Throws a usage error when what is to become a folder is named like a file with weights.
void CheckFolderName(const std::filesystem::path& folder);

/// Throws Error(kInvalidArgument) when the folder holds a checkpoint, or part of one, already.
void RefuseExistingCheckpoint(const std::filesystem::path& folder);

/// Throws Error(kInvalidArgument) when a checkpoint written to `folder`, its weights to the file
/// `weights` in it, would replace a file of the checkpoint `input`, a folder or a file.
void RefuseToReplaceInput(const std::filesystem::path& input, const std::filesystem::path& folder,
                          const std::string& weights);

}  // namespace siglip::cli
