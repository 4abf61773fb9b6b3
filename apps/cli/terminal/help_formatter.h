// The look of --help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace siglip::cli {

/// As CLI11 lays it out, but as wide as the terminal and at most 100 columns.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_footer(const CLI::App* app) const override;

 private:
  /// Names on the left, what is to be said about them on the right or below.
  std::string Entry(const std::string& names, const std::string& description) const;

  const size_t columns_;
};

}  // namespace siglip::cli
