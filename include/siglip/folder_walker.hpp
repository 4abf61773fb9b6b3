// The pictures in a folder and the folders below it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/export.hpp"

namespace siglip {

struct FolderWalkOptions {
  /// Whether symbolic links to files and folders are followed; no folder is entered twice. The
  /// folder that the walk begins in may be a link.
  bool follow_links = true;
  /// What is passed over: patterns of the shell (*, ?, [...]) for names or, where they have a
  /// slash, for paths within the folder, "raw/*.tif".
  std::vector<std::string> exclude = {};
};

/// What a walk tells of while it is on its way.
struct WalkListener {
  /// A folder cannot be read; the walk goes on after it.
  std::function<void(const std::string& folder, const Error& error)> failed = {};
  /// What is passed over, and why; may be empty.
  std::function<void(const std::string& path, const std::string& reason)> passed_over = {};
};

struct WalkedFile {
  std::string path;  ///< Begins with that of the folder as it was given.
  uint64_t size = 0;
  int64_t mtime_ns = 0;  ///< Of the last change, in nanoseconds since 1970.
};

/// Walks in the byte order of whole paths, the same on every machine. Keeps only the names of the
/// folders it is in, so a large tree costs no memory. Passed over and counted are files that are no
/// pictures by name or signature, hidden ones (their name begins with a dot), and whatever is
/// neither file nor folder. Hidden folders are not entered.
class SIGLIP_EXPORT FolderWalker {
 public:
  FolderWalker(const std::string& folder, WalkListener listener, FolderWalkOptions options = {});
  FolderWalker(FolderWalker&&) noexcept;
  ~FolderWalker();

  /// The next picture, or nothing at the end.
  std::optional<WalkedFile> Next();
  uint64_t passed_over() const;
  /// Folders that were not entered since they are hidden or excluded.
  uint64_t folders_passed_over() const;

 private:
  class SIGLIP_HIDDEN Walk;
  std::unique_ptr<Walk> walk_;
};

}  // namespace siglip
