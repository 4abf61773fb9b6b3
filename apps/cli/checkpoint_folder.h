// Folders that commands write checkpoints to.
#pragma once

#include <filesystem>

namespace siglip::cli {

/// Throws Error(kInvalidArgument) when the folder holds a checkpoint, or part of one, already.
void RefuseExistingCheckpoint(const std::filesystem::path& folder);

}  // namespace siglip::cli
