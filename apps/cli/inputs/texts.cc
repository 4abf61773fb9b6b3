#include "inputs/texts.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "inputs/inputs.h"
#include "inputs/line_reader.h"
#include "terminal/interrupt.h"

namespace siglip::cli {

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  LineReader reader(path, ListKind::kTexts, Interrupted());
  while (auto line = reader.Next()) lines.push_back(std::move(*line));
  ThrowIfInterrupted();
  return lines;
}

std::vector<std::string> TextArguments::Read() const {
  std::vector<std::string> all = texts;
  for (const std::string& file : files) {
    std::ranges::move(ReadLines(file), std::back_inserter(all));
  }
  return all;
}

InputFiles FilesOf(const PathArguments& pictures, const TextArguments& texts,
                   const std::filesystem::path& model) {
  InputFiles files;
  files.AddWords(pictures.paths);
  for (const std::string& file : texts.files) files.Add(file);
  files.AddCheckpoint(model);
  return files;
}

void AddTextOptions(CLI::App& command, TextArguments& arguments) {
  command.add_option("--text", arguments.texts, "A text; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);  // each time one, so that a picture may follow
  command.add_option("--text-file", arguments.files, "Texts, one per line; - for standard input")
      ->type_name("FILE")
      ->allow_extra_args(false);  // each time one, so that a picture may follow
}

void CheckInputs(const std::vector<std::string>& paths, const TextArguments& texts) {
  if (paths.empty() && texts.empty()) throw CLI::RequiredError("PATH or --text");
  CheckStandardInput(paths, texts.files);
}

}  // namespace siglip::cli
