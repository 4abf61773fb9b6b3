// See output_file.h.
#include "output/output_file.h"

#include <algorithm>
#include <system_error>

#include "siglip/error.hpp"

namespace siglip {

void CheckOutputFile(const std::filesystem::path& path, bool force) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorCode::kInvalidArgument, path.string() + ": the output is a folder",
                "name a file in it");
  }
  if (!force && std::filesystem::exists(path, ignored)) {
    throw Error(ErrorCode::kInvalidArgument, path.string() + ": the output already exists",
                "--force replaces it");
  }
  const std::filesystem::path folder = path.parent_path();
  std::error_code reason;
  if (!folder.empty() && !std::filesystem::is_directory(folder, reason)) {
    if (reason && reason != std::errc::no_such_file_or_directory) {
      throw Error(ErrorCode::kIo, folder.string() + ": " + reason.message());
    }
    throw Error(ErrorCode::kNotFound, folder.string() + ": no such folder for the output");
  }
}

std::string EndingOf(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
  });
  return ending;
}

FileId Identify(const struct stat& status) { return {status.st_dev, status.st_ino}; }

std::optional<FileId> IdentifyFile(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Identify(status);
}

OutputFilesPresent::OutputFilesPresent(const std::vector<std::filesystem::path>& outputs) {
  for (const std::filesystem::path& output : outputs) {
    if (const std::optional<FileId> present = IdentifyFile(output)) files_.insert(*present);
  }
}

void OutputFilesPresent::CheckInput(const std::filesystem::path& input) const {
  if (files_.empty()) return;
  const std::optional<FileId> file = IdentifyFile(input);
  if (!file || !files_.contains(*file)) return;
  throw Error(ErrorCode::kInvalidArgument,
              input.string() + ": is one of the inputs, and the output would replace it",
              "write to another file");
}

}  // namespace siglip
