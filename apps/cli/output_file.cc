// Checks of the files that subcommands are to write.
#include "output_file.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "siglip/error.h"

namespace siglip::cli {

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

}  // namespace siglip::cli
