#include "base/file_system.h"

#include <algorithm>
#include <system_error>

#include "siglip/error.hpp"

namespace siglip {
namespace {

std::filesystem::file_status StatusOf(const std::filesystem::path& path) {
  std::error_code reason;
  const std::filesystem::file_status status = std::filesystem::status(path, reason);
  // That there is nothing is an answer, too.
  if (status.type() != std::filesystem::file_type::none) return status;
  throw Error(ErrorCode::kIo, path.string() + ": cannot be looked at: " + reason.message());
}

}  // namespace

bool FileExists(const std::filesystem::path& path) {
  return std::filesystem::exists(StatusOf(path));
}

bool IsFolder(const std::filesystem::path& path) {
  return std::filesystem::is_directory(StatusOf(path));
}

std::vector<std::filesystem::path> ListFolder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code reason;
  for (std::filesystem::directory_iterator entry(folder, reason), end; !reason && entry != end;
       entry.increment(reason)) {
    paths.push_back(entry->path());
  }
  if (reason) {
    throw Error(ErrorCode::kIo, folder.string() + ": cannot be listed: " + reason.message());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace siglip
