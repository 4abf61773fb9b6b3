#include "commands/completion_words.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "terminal/suggestion.h"

namespace siglip::cli {
namespace {

/// What comes before details.
std::string Summary(const std::string& description) {
  size_t end = description.size();
  for (const std::string_view mark : {". ", "; ", ": "}) {
    end = std::min(end, description.find(mark));
  }
  return description.substr(0, end);
}

/// A type in lower case names the values there are: "white|drop".
std::vector<std::string> Choices(const std::string& type) {
  const bool named = !type.empty() && std::ranges::none_of(type, [](char letter) {
    return letter != '|' && !(letter >= 'a' && letter <= 'z') && !(letter >= '0' && letter <= '9');
  });
  return named ? CLI::detail::split(type, '|') : std::vector<std::string>();
}

CompletionValue ValueOf(const CLI::Option& option, const std::string& name) {
  CompletionValue value{name, CompletionValue::kUnknown, Choices(option.get_type_name())};
  if (!value.choices.empty()) {
    value.kind = CompletionValue::kChoices;
  } else if (name == "DIR" || name == "FOLDER") {
    value.kind = CompletionValue::kFolders;
  } else if (name == "FILE" || name == "PATH" || option.get_type_name() == "DIR|NAME") {
    value.kind = CompletionValue::kFiles;
  }
  return value;
}

CompletionCommand Describe(const CLI::App& command) {
  CompletionCommand words{command.get_name(), command.get_description(), {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    const bool repeatable = option->get_expected_max() > 1 || option->get_allow_extra_args();
    if (option->get_positional()) {
      words.arguments.push_back({repeatable, ValueOf(*option, option->get_name(true, false))});
    }
    if (!option->nonpositional()) continue;
    CompletionOption described{{},
                               Summary(option->get_description()),
                               option->get_items_expected_max() > 0,
                               option->get_expected_max() > 1,
                               ValueOf(*option, option->get_type_name())};
    for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
    words.options.push_back(std::move(described));
  }
  return words;
}

}  // namespace

std::vector<CompletionCommand> CompletionWords(const CLI::App& app) {
  const CompletionValue names{"COMMAND", CompletionValue::kChoices, CommandNames(app)};
  std::vector<CompletionCommand> commands = {Describe(app)};
  commands.front().name.clear();
  commands.front().arguments = {{false, names}};
  for (const CLI::App* command : app.get_subcommands({})) {
    commands.push_back(Describe(*command));
    for (CompletionArgument& argument : commands.back().arguments) {
      if (argument.value.name == names.name) argument.value = names;
    }
  }
  return commands;
}

}  // namespace siglip::cli
