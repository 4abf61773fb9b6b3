// siglip completion: what a shell needs to complete command lines, made of the options themselves.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands/commands.h"
#include "commands/completion_words.h"

namespace siglip::cli {
namespace {

/// `text` with `escape` before each of `letters`.
std::string Escaped(std::string_view text, std::string_view letters, std::string_view escape) {
  std::string escaped;
  for (const char letter : text) {
    if (letters.find(letter) != std::string_view::npos) escaped += escape;
    escaped += letter;
  }
  return escaped;
}

std::string Joined(const std::vector<std::string>& words, const std::string& separator = " ") {
  return CLI::detail::join(words, separator);
}

// --- bash

/// Sets what the shell function below looks at.
std::string BashValues(const CompletionValue& value) {
  switch (value.kind) {
    case CompletionValue::kFiles: return "values=files";
    case CompletionValue::kFolders: return "values=folders";
    case CompletionValue::kChoices: return "values='" + Joined(value.choices) + "'";
    case CompletionValue::kUnknown: break;
  }
  return "values=";
}

std::string BashCommand(const CompletionCommand& command) {
  std::vector<std::string> names;
  std::string cases;
  for (const CompletionOption& option : command.options) {
    std::ranges::copy(option.names, std::back_inserter(names));
    if (!option.takes_value) continue;
    cases += "        " + Joined(option.names, " | ") + ") options= " + BashValues(option.value) +
             " ;;\n";
  }
  std::string text = "    " + (command.name.empty() ? "''" : command.name) + ")\n";
  text += "      options='" + Joined(names) + "'";
  // The last argument of a command is the one that may be repeated.
  if (!command.arguments.empty()) text += " " + BashValues(command.arguments.back().value);
  text += "\n";
  if (!cases.empty()) text += "      case $before in\n" + cases + "      esac\n";
  return text + "      ;;\n";
}

constexpr const char* kBashBegin = R"(# Completion for bash, as `siglip completion bash` prints it.
_siglip() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i
  # Bash takes --option=value for three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  local options= values=
  case $command in
)";

constexpr const char* kBashEnd = R"(  esac
  if [[ $word == -* ]]; then
    values=$options
  fi
  # Names of files are left to the shell, which knows how to quote them.
  case $values in
    files) COMPREPLY=() ;;
    folders) COMPREPLY=() && compopt -o dirnames +o default ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word") && compopt +o default ;;
  esac 2> /dev/null
  return 0
}
complete -o default -F _siglip siglip
)";

std::string BashScript(const std::vector<CompletionCommand>& commands) {
  std::string script = kBashBegin;
  for (const CompletionCommand& command : commands) script += BashCommand(command);
  return script + kBashEnd;
}

// --- zsh

std::string ZshQuoted(const std::string& text) {
  return "'" + CLI::detail::find_and_replace(text, "'", "'\\''") + "'";
}

std::string ZshText(const std::string& text) { return Escaped(text, "\\[]:", "\\"); }

/// ":what:how to complete it"
std::string ZshValue(const CompletionValue& value) {
  const std::string name = ":" + ZshText(value.name) + ":";
  switch (value.kind) {
    case CompletionValue::kFiles: return name + "_files";
    case CompletionValue::kFolders: return name + "_path_files -/";
    case CompletionValue::kChoices: return name + "(" + Joined(value.choices) + ")";
    case CompletionValue::kUnknown: break;
  }
  return name + " ";
}

std::string ZshOption(const CompletionOption& option) {
  // Other names of an option that may be given once are not offered any more.
  std::string spec = option.repeatable ? "*" : "(" + Joined(option.names) + ")";
  std::vector<std::string> names;
  for (const std::string& name : option.names) {
    const char* value = !option.takes_value ? "" : name.starts_with("--") ? "=" : "+";
    names.push_back(name + value);
  }
  std::string rest = "[" + ZshText(option.description) + "]";
  if (option.takes_value) rest += ZshValue(option.value);
  if (names.size() == 1) return ZshQuoted(spec + names.front() + rest);
  return ZshQuoted(spec) + "{" + Joined(names, ",") + "}" + ZshQuoted(rest);
}

std::string ZshArguments(const CompletionCommand& command) {
  std::string text;
  for (const CompletionOption& option : command.options) text += " \\\n      " + ZshOption(option);
  for (const CompletionArgument& argument : command.arguments) {
    text += " \\\n      " + ZshQuoted((argument.repeatable ? "*" : "") + ZshValue(argument.value));
  }
  return text;
}

std::string ZshScript(const std::vector<CompletionCommand>& commands) {
  std::string names;
  std::string cases;
  CompletionCommand program = commands.front();
  program.arguments.clear();
  for (const CompletionCommand& command : commands) {
    if (command.name.empty()) continue;
    names +=
        "    " + ZshQuoted(command.name + ":" + Escaped(command.description, ":\\", "\\")) + "\n";
    cases += "    " + command.name + ")\n      _arguments -s" + ZshArguments(command) + " ;;\n";
  }
  return "#compdef siglip\n"
         "# Completion for zsh, as `siglip completion zsh` prints it.\n"
         "_siglip() {\n"
         "  local curcontext=$curcontext state line\n"
         "  typeset -A opt_args\n"
         "  local -a commands\n"
         "  commands=(\n" +
         names +
         "  )\n"
         "  _arguments -C" +
         ZshArguments(program) +
         " \\\n"
         "      ':command:->command' '*::argument:->argument' && return\n"
         "  if [[ $state == command ]]; then\n"
         "    _describe -t commands command commands\n"
         "    return\n"
         "  fi\n"
         "  case $words[1] in\n" +
         cases +
         "  esac\n"
         "}\n"
         "# Loaded by its name or read as a script.\n"
         "if [[ $funcstack[1] == _siglip ]]; then _siglip \"$@\"; else compdef _siglip siglip; "
         "fi\n";
}

// --- fish

std::string FishQuoted(const std::string& text) { return "'" + Escaped(text, "'\\", "\\") + "'"; }

/// Completes `value`, and nothing else.
std::string FishValue(const CompletionValue& value) {
  switch (value.kind) {
    case CompletionValue::kFiles: return " -F";
    case CompletionValue::kFolders: return " -f -a '(__fish_complete_directories)'";
    case CompletionValue::kChoices: return " -f -a " + FishQuoted(Joined(value.choices));
    case CompletionValue::kUnknown: break;
  }
  return " -f";
}

std::string FishScript(const std::vector<CompletionCommand>& commands) {
  std::string script = "# Completion for fish, as `siglip completion fish` prints it.\n";
  for (const CompletionCommand& command : commands) {
    const std::string line =
        "complete -c siglip -n " +
        (command.name.empty() ? "__fish_use_subcommand"
                              : FishQuoted("__fish_seen_subcommand_from " + command.name));
    if (!command.name.empty()) {
      script += "complete -c siglip -n __fish_use_subcommand -f -a " + command.name + " -d " +
                FishQuoted(command.description) + "\n";
      script += line;
      script += command.arguments.empty() ? " -f" : FishValue(command.arguments.back().value);
      script += "\n";
    }
    for (const CompletionOption& option : command.options) {
      script += line;
      for (const std::string& name : option.names) {
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option.takes_value) script += " -r" + FishValue(option.value);
      script += " -d " + FishQuoted(option.description) + "\n";
    }
  }
  return script;
}

}  // namespace

void AddCompletion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "Print what a shell needs to complete siglip's options");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->required();
  command->footer(
      "cmake --install puts them where the shells look for them. Examples of how to do without:\n"
      "  source <(siglip completion bash)\n"
      "  siglip completion fish > ~/.config/fish/completions/siglip.fish");
  command->callback([&app, shell] {
    const std::vector<CompletionCommand> commands = CompletionWords(app);
    std::cout << (*shell == "bash"  ? BashScript(commands)
                  : *shell == "zsh" ? ZshScript(commands)
                                    : FishScript(commands));
  });
}

}  // namespace siglip::cli
