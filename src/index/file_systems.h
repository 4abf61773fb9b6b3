// Which disks there are below a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace siglip {

/// Where other file systems are mounted below a folder: relative to it, each with a slash at its
/// end. The folder is absolute, without links. Empty where the system will not say.
std::vector<std::string> MountsBelow(const std::filesystem::path& folder);

}  // namespace siglip
