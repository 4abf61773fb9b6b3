// What a command line of siglip may consist of, as shells need to know it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace siglip::cli {

struct CompletionValue {
  enum Kind : uint8_t { kUnknown, kFiles, kFolders, kChoices };

  std::string name;  ///< As help calls it: FILE.
  Kind kind = kUnknown;
  std::vector<std::string> choices;
};

struct CompletionOption {
  std::vector<std::string> names;  ///< With their dashes.
  std::string description;         ///< A few words.
  bool takes_value = false;
  bool repeatable = false;
  CompletionValue value;
};

struct CompletionArgument {
  bool repeatable = false;
  CompletionValue value;
};

struct CompletionCommand {
  std::string name;
  std::string description;
  std::vector<CompletionOption> options;
  std::vector<CompletionArgument> arguments;
};

/// The program itself, without a name and with its commands as argument, and then every command.
std::vector<CompletionCommand> CompletionWords(const CLI::App& app);

}  // namespace siglip::cli
