#include "terminal/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "terminal/text.h"

namespace siglip::cli {
namespace {

/// Letters to insert, delete or replace to turn one into the other (Levenshtein).
size_t EditDistance(const std::string& from, const std::string& to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The question about `word`, if one of `known` is near enough to be what was meant.
std::string AskAbout(const std::string& word, const std::vector<std::string>& known) {
  if (known.empty() || std::find(known.begin(), known.end(), word) != known.end()) return {};
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](const std::string& left, const std::string& right) {
        return EditDistance(word, left) < EditDistance(word, right);
      });
  if (EditDistance(word, *nearest) > std::max<size_t>(2, nearest->size() / 4)) return {};
  return "Did you mean " + *nearest + " instead of " + Printable(word) + "?";
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace

std::optional<std::string> CommandWord(const std::vector<std::string>& words) {
  std::optional<std::string> command;
  for (const std::string& word : words) {
    if (word.starts_with('-')) continue;
    const bool is_subject = command.has_value();
    command = word;
    if (is_subject || word != "help") break;
  }
  return command;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string SuggestCorrection(const CLI::App& app, const std::vector<std::string>& words) {
  const auto chosen = app.get_subcommands();
  const std::optional<std::string> command = CommandWord(words);
  if (chosen.empty() && command) return AskAbout(*command, CommandNames(app));
  const std::vector<std::string> known = OptionNames(chosen.empty() ? app : *chosen.front());
  for (const std::string& word : words) {
    if (word == "--") break;  // what follows are no options
    if (!word.starts_with("--")) continue;
    std::string question = AskAbout(word.substr(0, word.find('=')), known);
    if (!question.empty()) return question;
  }
  return {};
}

}  // namespace siglip::cli
