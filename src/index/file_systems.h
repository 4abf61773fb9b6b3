// On what kind of disk a file lies.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace siglip {

/// Whether it is shared over a network: there locks and memory maps are not what they promise, and
/// nobody tells what other computers change. False where the system will not say.
bool IsOnAnotherComputer(const std::filesystem::path& path);

/// Where other file systems are mounted below a folder: relative to it, each with a slash at its
/// end. The folder is absolute, without links. Empty where the system will not say.
std::vector<std::string> MountsBelow(const std::filesystem::path& folder);

}  // namespace siglip
