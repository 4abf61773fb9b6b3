// siglip help: what the program or one of its commands does.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "commands/commands.h"

namespace siglip::cli {

void AddHelp(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("help", "Explain the program or one of its commands");
  command->add_option("COMMAND", *name, "What to explain. Default: the program");
  command->footer("Example:\n  siglip help embed");
  command->callback([&app, name] {
    // The program's own help() would be that of the command chosen, which is this one.
    std::cout << (name->empty() ? app.get_formatter()->make_help(&app, app.get_name(),
                                                                 CLI::AppFormatMode::Normal)
                                : app.get_subcommand(*name)->help(app.get_name()));
  });
}

}  // namespace siglip::cli
