#include "inputs/inputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "siglip/error.hpp"

namespace siglip::cli {
namespace {

ListKind KindOf(const PathArguments& arguments) {
  return arguments.null ? ListKind::kNullPaths : ListKind::kPaths;
}

bool CanReadListTwice(const std::string& list) {
  std::error_code ignored;
  return list != "-" && !std::filesystem::is_other(list, ignored);
}

bool IsStandardInput(const std::string& file) {
  return file == "-" || file == "/dev/stdin" || file == "/dev/fd/0" || file == "/proc/self/fd/0";
}

}  // namespace

CLI::Option* AddPathOptions(CLI::App& command, PathArguments& arguments) {
  command.add_flag("--null,-0", arguments.null,
                   "Lists have a NUL after each path, not a line end, as find -print0 writes them");
  return command.add_option("PATH", arguments.paths,
                            "Pictures; folders, with all below them; @FILE, a list with one path "
                            "per line; - for a list on standard input");
}

std::optional<std::string> ListFile(const std::string& argument) {
  if (argument == "-") return argument;
  if (argument.size() > 1 && argument.starts_with('@')) return argument.substr(1);
  return std::nullopt;
}

void CheckStandardInput(const std::vector<std::string>& arguments, std::vector<std::string> files) {
  for (const std::string& argument : arguments) {
    if (auto list = ListFile(argument)) files.push_back(*std::move(list));
  }
  if (std::ranges::count_if(files, IsStandardInput) < 2) return;
  throw CLI::ValidationError("standard input", "is asked for more than once");
}

Inputs::Inputs(PathArguments arguments, const std::atomic<bool>& stop, WalkListener listener)
    : arguments_(std::move(arguments)), stop_(stop), listener_(std::move(listener)) {
  for (const std::string& argument : arguments_.paths) {
    const std::optional<std::string> list = ListFile(argument);
    if (!list || *list == "-") continue;
    std::error_code ignored;
    if (std::filesystem::is_directory(*list, ignored)) {
      throw Error(ErrorCode::kInvalidArgument, *list + ": expected a list",
                  "a folder is named without @");
    }
    // A pipe must not be opened twice; anything else shows early whether it can be read.
    if (CanReadListTwice(*list)) LineReader(*list, KindOf(arguments_), stop_);
  }
}

std::optional<std::string> Inputs::Next() {
  while (!stop_) {
    std::optional<std::string> path;
    if (folder_) {
      if (auto picture = folder_->Next()) return std::move(picture->path);
      passed_over_ += folder_->passed_over();
      folder_.reset();
    } else if (list_) {
      path = list_->Next();
      if (!path) list_.reset();
    } else if (next_argument_ < arguments_.paths.size()) {
      const std::string& argument = arguments_.paths[next_argument_++];
      if (const auto list = ListFile(argument)) {
        list_.emplace(*list, KindOf(arguments_), stop_);
      } else {
        path = argument;
      }
    } else {
      return std::nullopt;
    }
    std::error_code ignored;
    if (path && !std::filesystem::is_directory(*path, ignored)) return path;
    if (path) folder_.emplace(*path, listener_);
  }
  return std::nullopt;
}

uint64_t Inputs::passed_over() const {
  return passed_over_ + (folder_ ? folder_->passed_over() : 0);
}

bool CanReadTwice(const PathArguments& arguments) {
  return std::ranges::all_of(arguments.paths, [](const std::string& argument) {
    const std::optional<std::string> list = ListFile(argument);
    return !list || CanReadListTwice(*list);
  });
}

uint64_t CountInputs(const PathArguments& arguments, const std::atomic<bool>& stop) {
  uint64_t count = 0;
  try {
    Inputs inputs(arguments, stop, {.failed = [](const std::string&, const Error&) {}});
    while (inputs.Next()) ++count;
  } catch (const Error&) {
    // Whoever embeds the pictures meets the same error and reports it.
  }
  return count;
}

}  // namespace siglip::cli
