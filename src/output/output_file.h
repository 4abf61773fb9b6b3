// Checks of the files that a program is to write.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siglip {

/// To be called before the work starts, not after an hour of it. Throws Error(kInvalidArgument)
/// when `path` exists and `force` is not given or it is a folder, and Error(kNotFound) when the
/// folder it goes into does not exist.
void CheckOutputFile(const std::filesystem::path& path, bool force);

/// The ending of a file's name in lower case, as ".npy"; may be empty.
std::string EndingOf(const std::filesystem::path& path);

/// Which file it is, by whatever name: device and number.
using FileId = std::pair<dev_t, ino_t>;

FileId Identify(const struct stat& status);

/// Of the file that a path leads to; nothing when there is none.
std::optional<FileId> IdentifyFile(const std::filesystem::path& path);

/// Those files of a run's output that were there when it began. Pictures of lists and folders are
/// known only when their turn comes.
class OutputFilesPresent {
 public:
  explicit OutputFilesPresent(const std::vector<std::filesystem::path>& outputs);
  /// Throws Error(kInvalidArgument) when `input` is one of these, by whatever name.
  void CheckInput(const std::filesystem::path& input) const;
  bool empty() const { return files_.empty(); }

 private:
  std::set<FileId> files_;
};

}  // namespace siglip
