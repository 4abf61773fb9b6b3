// The pictures that the arguments of a command line stand for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "folder_walker.h"
#include "line_reader.h"
#include "siglip/error.h"

namespace siglip::cli {

/// Arguments are files, folders (see FolderWalker), @FILE (a list, one path per line) and - (a list
/// on standard input). A line of a list is a file or a folder. A file named directly counts as a
/// picture whatever it is; opening it will tell.
class Inputs {
 public:
  /// `report` hears of folders that cannot be read. Throws Error for a list that cannot be.
  Inputs(std::vector<std::string> arguments, const std::atomic<bool>& stop,
         std::function<void(const Error&)> report);

  /// The next picture, or nothing at the end or when asked to stop. Throws Error when a list cannot
  /// be read on.
  std::optional<std::string> Next();

  /// Files of folders that are no pictures, so far.
  uint64_t passed_over() const;

 private:
  const std::vector<std::string> arguments_;
  const std::atomic<bool>& stop_;
  const std::function<void(const Error&)> report_;
  size_t next_argument_ = 0;
  std::optional<LineReader> list_;
  std::optional<FolderWalker> folder_;
  uint64_t passed_over_ = 0;  // in folders walked before
};

/// Whether the arguments may be read twice: no list comes from standard input or a pipe.
bool CanReadTwice(const std::vector<std::string>& arguments);

/// How many pictures they stand for; fewer if asked to stop or something cannot be read.
uint64_t CountInputs(const std::vector<std::string>& arguments, const std::atomic<bool>& stop);

/// What help says about PATH.
inline constexpr const char* kPathHelp =
    "Pictures; folders, with all below them; @FILE, a list with one path per line; - for a list on "
    "standard input";

}  // namespace siglip::cli
