// The words of a command line that name subcommands and options, and what a misspelt one may mean.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace siglip::cli {

/// The word that must be the name of a subcommand, if there is one: the first that is no option, or
/// the one that help is asked about.
std::optional<std::string> CommandWord(const std::vector<std::string>& words);

/// Of all subcommands, in their order.
std::vector<std::string> CommandNames(const CLI::App& app);

/// "Did you mean --model instead of --modle?", or nothing when all of `words`, the command line, is
/// known or nothing known is like it.
std::string SuggestCorrection(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace siglip::cli
