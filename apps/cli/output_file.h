// Checks of the files that subcommands are to write.
#pragma once

#include <filesystem>
#include <string>

namespace siglip::cli {

/// To be called before the work starts, not after an hour of it. Throws Error(kInvalidArgument)
/// when `path` exists and `force` is not given or it is a folder, and Error(kNotFound) when the
/// folder it goes into does not exist.
void CheckOutputFile(const std::filesystem::path& path, bool force);

/// The ending of a file's name in lower case, as ".npy"; may be empty.
std::string EndingOf(const std::filesystem::path& path);

}  // namespace siglip::cli
