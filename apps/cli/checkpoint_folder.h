// Folders that commands write checkpoints to.
#pragma once

#include <filesystem>

namespace siglip::cli {

/// What a command writes: weights packed for the kernels, or as transformers does.
enum class CheckpointForm { kPacked, kTransformers };

/// Throws Error(kInvalidArgument) when the folder holds a checkpoint, or part of one, already,
/// unless `force` says that it may be replaced. A packed one is not replaced by another form: its
/// file would still be the one that loads.
void CheckOutputFolder(const std::filesystem::path& folder, CheckpointForm form, bool force);

/// Throws Error(kInvalidArgument) when `folder`, by whatever name, is where the checkpoint `input`
/// lies: a folder becomes another kind of checkpoint on purpose only.
void RefuseToConvertInPlace(const std::filesystem::path& input,
                            const std::filesystem::path& folder);

}  // namespace siglip::cli
