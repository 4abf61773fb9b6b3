#include "folder_walker.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "siglip/image.h"

namespace siglip::cli {

FolderWalker::FolderWalker(const std::string& folder, std::function<void(const Error&)> report)
    : report_(std::move(report)) {
  Enter(folder.ends_with('/') ? folder : folder + "/");
}

std::optional<std::string> FolderWalker::Next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    std::string path = level.folder + level.names[level.next++];
    if (path.ends_with('/')) {
      Enter(path);
    } else if (LooksLikeImage(path)) {
      return path;
    } else {
      ++passed_over_;
    }
  }
  return std::nullopt;
}

void FolderWalker::Enter(const std::string& folder) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) == 0 &&
      !entered_.emplace(status.st_dev, status.st_ino).second) {
    return;
  }
  Level level;
  level.folder = folder;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    AddEntry(level, *entry);
  }
  if (error) {
    report_(Error(ErrorCode::kIo, folder + ": cannot read the folder: " + error.message()));
  }
  std::ranges::sort(level.names);
  levels_.push_back(std::move(level));
}

void FolderWalker::AddEntry(Level& level, const std::filesystem::directory_entry& entry) {
  std::string name = entry.path().filename().string();
  const bool hidden = name.starts_with('.');
  std::error_code reason;
  std::error_code ignored;  // of a link that leads nowhere, for one
  if (!hidden && entry.status(reason).type() == std::filesystem::file_type::none &&
      reason == std::errc::permission_denied) {
    report_(Error(ErrorCode::kIo, entry.path().string() + ": " + reason.message()));
  } else if (entry.is_directory(ignored)) {
    if (!hidden) level.names.push_back(name + "/");
  } else if (!hidden && entry.is_regular_file(ignored)) {
    level.names.push_back(std::move(name));
  } else {
    ++passed_over_;
  }
}

}  // namespace siglip::cli
