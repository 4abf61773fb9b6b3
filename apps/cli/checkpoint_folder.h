// Folders that commands write checkpoints to.
#pragma once

#include <filesystem>

namespace siglip::cli {

/// Throws Error(kInvalidArgument) when the folder holds a checkpoint, or part of one, already.
void RefuseExistingCheckpoint(const std::filesystem::path& folder);

/// Throws Error(kInvalidArgument) when `folder`, by whatever name, is where the checkpoint `input`
/// lies: a folder becomes another kind of checkpoint on purpose only.
void RefuseToConvertInPlace(const std::filesystem::path& input,
                            const std::filesystem::path& folder);

}  // namespace siglip::cli
