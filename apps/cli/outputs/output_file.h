// Checks of the files that subcommands are to write.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "output/output_file.h"

namespace siglip::cli {

/// For commands that write one format. Throws a usage error when the ending of what `--output` was
/// given is that of another; a name without one is left alone.
void CheckEnding(const std::filesystem::path& path, std::string_view ending);

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
