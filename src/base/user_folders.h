// Folders that belong to the user who runs this process. A variable of the environment that is
// empty counts as not set.
#pragma once

#include <filesystem>
#include <optional>

namespace siglip {

/// $HOME; nothing where it is not set.
std::optional<std::filesystem::path> HomeFolder();

/// For what can be made or fetched again: $XDG_CACHE_HOME, else ~/.cache; nothing where neither is
/// known.
std::optional<std::filesystem::path> UserCacheFolder();

/// For what the user keeps: $XDG_DATA_HOME, else ~/.local/share; nothing where neither is known.
std::optional<std::filesystem::path> UserDataFolder();

/// Shells write out a "~" at the beginning, but files with settings do not. Nothing for a path with
/// "~" where the home folder is not known.
std::optional<std::filesystem::path> WithoutTilde(const std::filesystem::path& path);

}  // namespace siglip
