// Checks of the files that subcommands are to write.
#pragma once

#include <filesystem>

namespace siglip::cli {

/// To be called before the work starts, not after an hour of it. Throws Error(kInvalidArgument)
/// when `path` exists and `force` is not given or it is a folder, and Error(kNotFound) when the
/// folder it goes into does not exist.
void CheckOutputFile(const std::filesystem::path& path, bool force);

}  // namespace siglip::cli
