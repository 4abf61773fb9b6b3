// The small files beside the weights of a checkpoint: preprocessing and tokenizers.
#pragma once

#include <filesystem>

namespace siglip {

/// Copies those that `from` has to the folder `to`, each whole or not at all. Throws Error(kIo).
void CopySideFiles(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace siglip
