// Questions to the file system that fail with an Error, which has the path and the system's words.
#pragma once

#include <filesystem>
#include <vector>

namespace siglip {

/// Whether anything is there; a link that leads nowhere is nothing. Throws Error(kIo) where the
/// system will not say: for lack of a permission, say, or because of a loop of links.
bool FileExists(const std::filesystem::path& path);

/// Whether a folder is there. Throws as FileExists.
bool IsFolder(const std::filesystem::path& path);

/// What is in a folder, in the order of the names. Throws Error(kIo) where it cannot be read.
std::vector<std::filesystem::path> ListFolder(const std::filesystem::path& folder);

}  // namespace siglip
