// What the user may have meant by a misspelt option or subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace siglip::cli {

/// "Did you mean --model instead of --modle?", or nothing when all of `words`, the command line, is
/// known or nothing known is like it.
std::string SuggestCorrection(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace siglip::cli
