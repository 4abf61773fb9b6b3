#include "inputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace siglip::cli {
namespace {

bool IsList(const std::string& argument) {
  return argument == "-" || (argument.size() > 1 && argument.starts_with('@'));
}

std::string ListPath(const std::string& argument) {
  return argument == "-" ? argument : argument.substr(1);
}

}  // namespace

Inputs::Inputs(std::vector<std::string> arguments, const std::atomic<bool>& stop,
               std::function<void(const Error&)> report)
    : arguments_(std::move(arguments)), stop_(stop), report_(std::move(report)) {
  if (std::ranges::count(arguments_, "-") > 1) {
    throw Error(ErrorCode::kInvalidArgument, "standard input (-) is named more than once");
  }
  for (const std::string& argument : arguments_) {
    if (argument == "-" || !IsList(argument)) continue;
    std::error_code ignored;
    if (std::filesystem::is_directory(ListPath(argument), ignored)) {
      throw Error(ErrorCode::kInvalidArgument, ListPath(argument) + ": expected a list",
                  "a folder is named without @");
    }
    // A pipe must not be opened twice; anything else shows early whether it can be read.
    if (CanReadTwice({argument})) LineReader(ListPath(argument), stop_);
  }
}

std::optional<std::string> Inputs::Next() {
  while (!stop_) {
    std::optional<std::string> path;
    if (folder_) {
      path = folder_->Next();
      if (path) return path;
      passed_over_ += folder_->passed_over();
      folder_.reset();
    } else if (list_) {
      path = list_->Next();
      if (!path) list_.reset();
    } else if (next_argument_ < arguments_.size()) {
      const std::string& argument = arguments_[next_argument_++];
      if (IsList(argument)) {
        list_.emplace(ListPath(argument), stop_);
      } else {
        path = argument;
      }
    } else {
      return std::nullopt;
    }
    std::error_code ignored;
    if (path && !std::filesystem::is_directory(*path, ignored)) return path;
    if (path) folder_.emplace(*path, report_);
  }
  return std::nullopt;
}

uint64_t Inputs::passed_over() const {
  return passed_over_ + (folder_ ? folder_->passed_over() : 0);
}

bool CanReadTwice(const std::vector<std::string>& arguments) {
  return std::ranges::none_of(arguments, [](const std::string& argument) {
    std::error_code ignored;
    return argument == "-" ||
           (IsList(argument) && std::filesystem::is_other(ListPath(argument), ignored));
  });
}

uint64_t CountInputs(const std::vector<std::string>& arguments, const std::atomic<bool>& stop) {
  uint64_t count = 0;
  try {
    Inputs inputs(arguments, stop, [](const Error&) {});
    while (inputs.Next()) ++count;
  } catch (const Error&) {
    // Whoever embeds the pictures meets the same error and reports it.
  }
  return count;
}

}  // namespace siglip::cli
