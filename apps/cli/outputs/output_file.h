// Checks of the files that subcommands are to write.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siglip::cli {

/// To be called before the work starts, not after an hour of it. Throws Error(kInvalidArgument)
/// when `path` exists and `force` is not given or it is a folder, and Error(kNotFound) when the
/// folder it goes into does not exist.
void CheckOutputFile(const std::filesystem::path& path, bool force);

/// The ending of a file's name in lower case, as ".npy"; may be empty.
std::string EndingOf(const std::filesystem::path& path);

/// For commands that write one format. Throws a usage error when the ending of what `--output` was
/// given is that of another; a name without one is left alone.
void CheckEnding(const std::filesystem::path& path, std::string_view ending);

/// Which file it is, by whatever name: device and number.
using FileId = std::pair<dev_t, ino_t>;

FileId Identify(const struct stat& status);

/// Of the file that a path leads to; nothing when there is none.
std::optional<FileId> IdentifyFile(const std::filesystem::path& path);

/// Those files of a command's output that were there when it began. Pictures of lists and folders
/// are known only when their turn comes.
class OutputFilesPresent {
 public:
  explicit OutputFilesPresent(const std::vector<std::filesystem::path>& outputs);
  /// Throws Error(kInvalidArgument) when `input` is one of these, by whatever name.
  void CheckInput(const std::filesystem::path& input) const;
  bool empty() const { return files_.empty(); }

 private:
  std::set<FileId> files_;
};

/// The files that a command reads, so that it does not write over them.
class InputFiles {
 public:
  /// "-" is what standard input reads from.
  void Add(const std::filesystem::path& path);
  /// Words of the command line: files, or lists as @FILE.
  void AddWords(const std::vector<std::string>& words);
  /// A file, or all files of a checkpoint's folder.
  void AddCheckpoint(const std::filesystem::path& path);
  /// Throws Error(kInvalidArgument) when `output` is one of these, by this or another name: links
  /// are looked through.
  void CheckOutput(const std::filesystem::path& output) const;

 private:
  std::set<FileId> files_;
};

}  // namespace siglip::cli
