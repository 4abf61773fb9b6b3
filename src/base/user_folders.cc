#include "base/user_folders.h"

#include <cstdlib>
#include <string>

namespace siglip {
namespace {

std::optional<std::filesystem::path> FolderIn(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<std::filesystem::path> FolderOrBelowHome(const char* variable, const char* below) {
  if (const auto folder = FolderIn(variable)) return WithoutTilde(*folder);
  const auto home = HomeFolder();
  return home ? std::optional(*home / below) : std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> HomeFolder() { return FolderIn("HOME"); }

std::optional<std::filesystem::path> UserCacheFolder() {
  return FolderOrBelowHome("XDG_CACHE_HOME", ".cache");
}

std::optional<std::filesystem::path> UserDataFolder() {
  return FolderOrBelowHome("XDG_DATA_HOME", ".local/share");
}

std::optional<std::filesystem::path> WithoutTilde(const std::filesystem::path& path) {
  const std::string text = path.string();
  if (text != "~" && !text.starts_with("~/")) return path;
  const auto home = HomeFolder();
  if (!home) return std::nullopt;
  return text == "~" ? *home : *home / text.substr(2);
}

}  // namespace siglip
