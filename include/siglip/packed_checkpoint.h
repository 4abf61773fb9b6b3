// A checkpoint packed for the kernels: loaded by mapping, shared among processes.
#pragma once

#include <filesystem>
#include <memory>

#include "siglip/atomic_file.h"
#include "siglip/runtime.h"

namespace siglip {

/// Writes the weights of `checkpoint` (any that FromPretrained loads) to
/// `folder`/packed.safetensors, in `precision` and laid out for the instruction set of `runtime`,
/// and beside them config.json and what preprocessing and tokenizers need. Both towers are packed
/// where both are there; classifiers and projectors are left out. FromPretrained of the folder then
/// maps the file instead of converting weights; results have the same bits as those of the
/// checkpoint itself in that precision. The folder is made if need be; all files appear together,
/// whole or not at all. Throws Error as FromPretrained and AtomicFile do, and
/// Error(kInvalidArgument) for a packed checkpoint.
void PackCheckpoint(const std::filesystem::path& checkpoint, const std::filesystem::path& folder,
                    PrecisionChoice precision, std::shared_ptr<const Runtime> runtime = nullptr,
                    const WriteOptions& options = {});

}  // namespace siglip
