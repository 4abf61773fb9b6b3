// The small files beside the weights of a checkpoint: preprocessing and tokenizers.
#pragma once

#include <filesystem>
#include <string_view>

namespace siglip {

/// Copies those that transformers knows and `from` has to the folder `to`, each whole or not at
/// all. Throws Error(kIo).
void CopySideFiles(const std::filesystem::path& from, const std::filesystem::path& to);

/// The same for one file by its name.
void CopySideFile(const std::filesystem::path& from, const std::filesystem::path& to,
                  std::string_view name);

}  // namespace siglip
