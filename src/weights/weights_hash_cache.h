// Hashes of weights that were computed before, in files of the user's cache folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "weights/checkpoint.h"

namespace siglip {

/// A version of a file: it changes when the file is written to or replaced.
struct FileVersion {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t mtime = 0;  ///< When it was last modified, in nanoseconds since 1970.

  bool operator==(const FileVersion&) const = default;
};

/// Of all files that hold the weights of a checkpoint; links are followed. Nothing when one of them
/// cannot be looked at.
std::optional<std::vector<FileVersion>> FileVersionsOf(const Checkpoint& checkpoint);

/// A modification may leave a time that is as old as the steps of the file system's clock. Whether
/// none that follows `now` (nanoseconds since 1970) can leave the version as it is.
bool AreSettled(const std::vector<FileVersion>& files, int64_t now);

/// One small file per hash, under the name of what it was computed from. A file that is damaged, or
/// that cannot be read or written, is as good as none: nothing here throws.
class WeightsHashCache {
 public:
  /// In siglip/weights of the user's cache folder; without one, nothing is kept.
  WeightsHashCache();
  explicit WeightsHashCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// `tensors` is the HashTensorList of what was hashed.
  std::optional<std::string> Find(const std::vector<FileVersion>& files,
                                  const std::string& tensors) const;
  void Store(const std::vector<FileVersion>& files, const std::string& tensors,
             const std::string& hash) const;

 private:
  std::filesystem::path folder_;  // empty: none
};

}  // namespace siglip
