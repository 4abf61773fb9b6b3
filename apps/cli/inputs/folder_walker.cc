#include "inputs/folder_walker.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "siglip/error.hpp"
#include "siglip/image.hpp"

namespace siglip::cli {

FolderWalker::FolderWalker(const std::string& folder, WalkListener listener)
    : listener_(std::move(listener)) {
  Enter(folder.ends_with('/') ? folder : folder + "/");
}

std::optional<std::string> FolderWalker::Next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.entries.size()) {
      levels_.pop_back();
      continue;
    }
    const Entry& entry = level.entries[level.next++];
    std::string path = level.folder + entry.name;
    if (entry.reason != nullptr) {
      PassOver(path, entry.reason);
    } else if (path.ends_with('/')) {
      Enter(path);
    } else if (LooksLikeImage(path)) {
      return path;
    } else {
      PassOver(path, "neither its name nor its first bytes are those of a picture");
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
    listener_.failed(
        folder, Error(ErrorCode::kIo, folder + ": cannot read the folder: " + error.message()));
  }
  std::ranges::sort(level.entries, {}, &Entry::name);
  levels_.push_back(std::move(level));
}

void FolderWalker::AddEntry(Level& level, const std::filesystem::directory_entry& entry) {
  std::string name = entry.path().filename().string();
  const bool hidden = name.starts_with('.');
  std::error_code reason;
  std::error_code ignored;  // of a link that cannot be followed, for one
  if (!hidden && entry.status(reason).type() == std::filesystem::file_type::none &&
      reason == std::errc::permission_denied) {
    const std::string path = entry.path().string();
    listener_.failed(path, Error(ErrorCode::kIo, path + ": " + reason.message()));
  } else if (entry.is_directory(ignored)) {
    if (!hidden) level.entries.push_back({name + "/"});
  } else if (hidden) {
    level.entries.push_back({std::move(name), "hidden"});
  } else if (entry.is_regular_file(ignored)) {
    level.entries.push_back({std::move(name)});
  } else {
    level.entries.push_back({std::move(name), entry.exists(ignored)
                                                  ? "neither a file nor a folder"
                                                  : "a link that cannot be followed"});
  }
}

void FolderWalker::PassOver(const std::string& path, const char* reason) {
  ++passed_over_;
  if (listener_.passed_over) listener_.passed_over(path, reason);
}

}  // namespace siglip::cli
