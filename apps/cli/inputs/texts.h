// Texts from the command line and from files.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "inputs/inputs.h"
#include "outputs/output_file.h"

namespace siglip::cli {

/// The lines of a file, or of standard input for "-", without empty ones. Throws Error, and
/// ExitCode when interrupted meanwhile.
std::vector<std::string> ReadLines(const std::string& path);

/// What --text and --text-file were given.
struct TextArguments {
  std::vector<std::string> texts;
  std::vector<std::string> files;

  bool empty() const { return texts.empty() && files.empty(); }
  /// The texts, then the lines of the files. Throws as ReadLines does.
  std::vector<std::string> Read() const;
};

/// What a command that takes pictures and texts reads, but for what is in folders and lists.
InputFiles FilesOf(const PathArguments& pictures, const TextArguments& texts,
                   const std::filesystem::path& model);

/// --text TEXT and --text-file FILE, both repeatable.
void AddTextOptions(CLI::App& command, TextArguments& arguments);

/// Throws a usage error when there is neither a picture nor a text, or when both are to come from
/// standard input.
void CheckInputs(const std::vector<std::string>& paths, const TextArguments& texts);

}  // namespace siglip::cli
