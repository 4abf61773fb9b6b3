// See output_file.h.
#include "outputs/output_file.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
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

void CheckEnding(const std::filesystem::path& path, std::string_view ending) {
  const std::string found = EndingOf(path);
  if (found.empty() || found == ending) return;
  throw CLI::ValidationError("--output", "\"" + path.string() +
                                             "\": the format written is that of files in " +
                                             std::string(ending) + ", not in " + found);
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

void InputFiles::Add(const std::filesystem::path& path) {
  struct stat status = {};
  const bool is_there =
      (path == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(path.c_str(), &status)) == 0;
  if (is_there) files_.insert(Identify(status));
}

void InputFiles::AddWords(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const bool is_list = word.size() > 1 && word.starts_with('@');
    Add(is_list ? word.substr(1) : word);
  }
}

void InputFiles::AddCheckpoint(const std::filesystem::path& path) {
  Add(path);
  std::error_code failure;
  std::filesystem::directory_iterator entry(path, failure);
  while (!failure && entry != std::filesystem::directory_iterator()) {
    Add(entry->path());
    entry.increment(failure);
  }
}

void InputFiles::CheckOutput(const std::filesystem::path& output) const {
  const std::optional<FileId> file = IdentifyFile(output);
  if (!file || !files_.contains(*file)) return;
  throw Error(ErrorCode::kInvalidArgument,
              output.string() + ": the output is one of the inputs, which it would replace",
              "write to another file");
}

}  // namespace siglip::cli
