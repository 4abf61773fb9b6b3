// See output_file.h.
#include "outputs/output_file.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <system_error>

#include "siglip/error.hpp"

namespace siglip::cli {

void CheckEnding(const std::filesystem::path& path, std::string_view ending) {
  const std::string found = EndingOf(path);
  if (found.empty() || found == ending) return;
  throw CLI::ValidationError("--output", "\"" + path.string() +
                                             "\": the format written is that of files in " +
                                             std::string(ending) + ", not in " + found);
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
