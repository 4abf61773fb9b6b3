// The part of `siglip convert` that writes folders of transformers.
#pragma once

#include <filesystem>
#include <string>

#include "siglip/write_options.hpp"

namespace siglip::cli {

/// Converts a checkpoint and makes sure that the new folder says how pictures are prepared. The
/// answer is what to tell the user.
std::string ConvertToHuggingFace(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& folder, const WriteOptions& options);

}  // namespace siglip::cli
