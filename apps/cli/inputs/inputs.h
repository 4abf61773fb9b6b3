// The pictures that the arguments of a command line stand for.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inputs/line_reader.h"
#include "siglip/error.hpp"
#include "siglip/folder_walker.hpp"

namespace siglip::cli {

/// What a command line says about pictures.
struct PathArguments {
  std::vector<std::string> paths;
  bool null = false;  ///< Lists have a NUL behind each path.
};

/// PATH and --null.
CLI::Option* AddPathOptions(CLI::App& command, PathArguments& arguments);

/// Arguments are files, folders (see FolderWalker), @FILE (a list, one path per line) and - (a list
/// on standard input). A line of a list is a file or a folder. A file named directly counts as a
/// picture whatever it is; opening it will tell.
class Inputs {
 public:
  /// `listener` hears of folders. Throws Error for a list that cannot be read.
  Inputs(PathArguments arguments, const std::atomic<bool>& stop, WalkListener listener);

  /// The next picture, or nothing at the end or when asked to stop. Throws Error when a list cannot
  /// be read on.
  std::optional<std::string> Next();

  /// Files of folders that are no pictures, so far.
  uint64_t passed_over() const;

 private:
  const PathArguments arguments_;
  const std::atomic<bool>& stop_;
  const WalkListener listener_;
  size_t next_argument_ = 0;
  std::optional<LineReader> list_;
  std::optional<FolderWalker> folder_;
  uint64_t passed_over_ = 0;  // in folders walked before
};

/// Whether the arguments may be read twice: no list comes from standard input or a pipe.
bool CanReadTwice(const PathArguments& arguments);

/// How many pictures they stand for; fewer if asked to stop or something cannot be read.
uint64_t CountInputs(const PathArguments& arguments, const std::atomic<bool>& stop);

/// The file that an argument of the form @FILE or - names, "-" being standard input; nothing for
/// other arguments.
std::optional<std::string> ListFile(const std::string& argument);

/// Throws a usage error when the lists among `arguments` and `files` name standard input more than
/// once: whoever came second would find it empty.
void CheckStandardInput(const std::vector<std::string>& arguments,
                        std::vector<std::string> files = {});

}  // namespace siglip::cli
