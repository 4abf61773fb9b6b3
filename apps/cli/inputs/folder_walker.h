// The pictures in a folder and the folders below it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "siglip/error.hpp"

namespace siglip::cli {

/// What a walk tells of while it is on its way.
struct WalkListener {
  /// A folder cannot be read; the walk goes on after it.
  std::function<void(const std::string& folder, const Error& error)> failed = {};
  /// What is passed over, and why; may be empty.
  std::function<void(const std::string& path, const std::string& reason)> passed_over = {};
};

/// Walks in the byte order of whole paths, the same on every machine. Keeps only the names of the
/// folders it is in, so a large tree costs no memory. Symbolic links are followed, yet no folder is
/// entered twice. Passed over and counted are files that are no pictures by name or signature,
/// hidden ones (their name begins with a dot), and whatever is neither file nor folder. Hidden
/// folders are not entered.
class FolderWalker {
 public:
  FolderWalker(const std::string& folder, WalkListener listener);

  /// The next picture, or nothing at the end.
  std::optional<std::string> Next();
  uint64_t passed_over() const { return passed_over_; }

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
  void PassOver(const std::string& path, const char* reason);

  const WalkListener listener_;
  std::vector<Level> levels_;  // from the outermost folder to the one being read
  std::set<std::pair<dev_t, ino_t>> entered_;
  uint64_t passed_over_ = 0;
};

}  // namespace siglip::cli
