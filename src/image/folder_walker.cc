#include "siglip/folder_walker.hpp"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "siglip/image.hpp"

namespace siglip {

class FolderWalker::Walk {
 public:
  Walk(const std::string& folder, WalkListener listener, FolderWalkOptions options)
      : listener_(std::move(listener)),
        options_(std::move(options)),
        root_(folder.ends_with('/') ? folder : folder + "/") {
    Enter(root_);
  }

  std::optional<WalkedFile> Next();

  uint64_t passed_over = 0;
  uint64_t folders_passed_over = 0;

 private:
  struct Entry {
    std::string name;              // that of a folder ends with a slash
    const char* reason = nullptr;  // why it is passed over, if that is known already
  };
  struct Level {
    std::string folder;          // ends with a slash
    std::vector<Entry> entries;  // sorted by their names
    size_t next = 0;
  };

  void Enter(const std::string& folder);
  void AddEntry(Level& level, const std::filesystem::directory_entry& entry);
  bool Excluded(const std::string& path, const std::string& name) const;
  void PassOver(const std::string& path, const char* reason);

  const WalkListener listener_;
  const FolderWalkOptions options_;
  const std::string root_;     // ends with a slash
  std::vector<Level> levels_;  // from the outermost folder to the one being read
  std::set<std::pair<dev_t, ino_t>> entered_;
};

FolderWalker::FolderWalker(const std::string& folder, WalkListener listener,
                           FolderWalkOptions options)
    : walk_(std::make_unique<Walk>(folder, std::move(listener), std::move(options))) {}
FolderWalker::FolderWalker(FolderWalker&&) noexcept = default;
FolderWalker::~FolderWalker() = default;

std::optional<WalkedFile> FolderWalker::Next() { return walk_->Next(); }
uint64_t FolderWalker::passed_over() const { return walk_->passed_over; }
uint64_t FolderWalker::folders_passed_over() const { return walk_->folders_passed_over; }

std::optional<WalkedFile> FolderWalker::Walk::Next() {
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
    } else if (!LooksLikeImage(path)) {
      PassOver(path, "neither its name nor its first bytes are those of a picture");
    } else {
      struct stat status = {};  // of a file that is gone by now, whoever opens it will say so
      ::stat(path.c_str(), &status);
      return WalkedFile{std::move(path), static_cast<uint64_t>(status.st_size),
                        status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    }
  }
  return std::nullopt;
}

void FolderWalker::Walk::Enter(const std::string& folder) {
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

void FolderWalker::Walk::AddEntry(Level& level, const std::filesystem::directory_entry& entry) {
  std::string name = entry.path().filename().string();
  const std::string path = entry.path().string();
  const bool hidden = name.starts_with('.');
  std::error_code reason;
  std::error_code ignored;  // of a link that cannot be followed, for one
  if (!options_.follow_links && entry.is_symlink(ignored)) {
    level.entries.push_back({std::move(name), hidden ? "hidden" : "a link"});
  } else if (!hidden && entry.status(reason).type() == std::filesystem::file_type::none &&
             reason == std::errc::permission_denied) {
    listener_.failed(path, Error(ErrorCode::kIo, path + ": " + reason.message()));
  } else if (entry.is_directory(ignored)) {
    if (hidden || Excluded(path, name)) {
      ++folders_passed_over;
    } else {
      level.entries.push_back({name + "/"});
    }
  } else if (hidden) {
    level.entries.push_back({std::move(name), "hidden"});
  } else if (Excluded(path, name)) {
    level.entries.push_back({std::move(name), "excluded"});
  } else if (entry.is_regular_file(ignored)) {
    level.entries.push_back({std::move(name)});
  } else {
    level.entries.push_back({std::move(name), entry.exists(ignored)
                                                  ? "neither a file nor a folder"
                                                  : "a link that cannot be followed"});
  }
}

bool FolderWalker::Walk::Excluded(const std::string& path, const std::string& name) const {
  return std::ranges::any_of(options_.exclude, [&](const std::string& pattern) {
    const bool of_path = pattern.find('/') != std::string::npos;
    const char* const subject = of_path ? path.c_str() + root_.size() : name.c_str();
    return ::fnmatch(pattern.c_str(), subject, FNM_PATHNAME) == 0;
  });
}

void FolderWalker::Walk::PassOver(const std::string& path, const char* reason) {
  ++passed_over;
  if (listener_.passed_over) listener_.passed_over(path, reason);
}

}  // namespace siglip
