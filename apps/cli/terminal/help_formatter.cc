#include "terminal/help_formatter.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "terminal/terminal.h"

namespace siglip::cli {
namespace {

constexpr size_t kMostColumns = 100;
constexpr size_t kLeastColumns = 20;
/// Where descriptions begin, and where they do in a terminal too narrow for two columns.
constexpr size_t kIndent = 30;
constexpr size_t kNarrowIndent = 6;
constexpr size_t kLeastColumnsForTwo = 70;

/// Words between spaces; with `quoted`, spaces in quotes are part of a word, as in a shell.
std::vector<std::string> Words(std::string_view line, bool quoted) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (const char letter : line) {
    if (quoted && (letter == '\'' || letter == '"') && (quote == 0 || quote == letter)) {
      quote = quote == 0 ? letter : char{0};
    }
    if (letter == ' ' && quote == 0) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += letter;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// `words` in lines of at most `columns`; a longer word is broken.
std::vector<std::string> Fill(const std::vector<std::string>& words, size_t columns) {
  std::vector<std::string> lines(1);
  for (std::string word : words) {
    std::string& line = lines.back();
    if (!line.empty() && line.size() + 1 + word.size() <= columns) {
      line += " " + word;
      continue;
    }
    if (!line.empty()) lines.emplace_back();
    for (; word.size() > columns; word.erase(0, columns)) {
      lines.back() = word.substr(0, columns);
      lines.emplace_back();
    }
    lines.back() = word;
  }
  return lines;
}

/// The lines of `text`, each filled anew and indented.
std::string Paragraphs(const std::string& text, size_t indent, size_t columns) {
  std::string filled;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    for (const std::string& part : Fill(Words(line, false), columns - indent)) {
      filled += (part.empty() ? part : std::string(indent, ' ') + part) + "\n";
    }
  }
  return filled;
}

/// A command to be copied into a shell, which takes lines that end in a backslash for one.
std::string Example(std::string_view line, size_t columns) {
  constexpr size_t kExampleIndent = 2;
  constexpr std::string_view kContinued = " \\";
  const auto words = Words(line, true);
  std::string text;
  std::string separator;
  const size_t room = columns - 2 * kExampleIndent - kContinued.size();
  for (const std::string& part : Fill(words, room)) {
    text += separator + std::string(separator.empty() ? kExampleIndent : 2 * kExampleIndent, ' ');
    text += part;
    separator = std::string(kContinued) + "\n";
  }
  return text + "\n";
}

}  // namespace

HelpFormatter::HelpFormatter()
    : columns_(std::clamp(TerminalColumns(STDOUT_FILENO), kLeastColumns, kMostColumns)) {
  label("SUBCOMMAND", "COMMAND");
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  // Behind a group of options CLI11 leaves one line more than it leaves elsewhere.
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode),
                                       "\n\n\n", "\n\n");
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return Paragraphs(app->get_description(), 0, columns_);
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = CLI::Formatter::make_usage(app, std::move(name));
  usage.pop_back();  // the line's end
  return Paragraphs(usage, 0, columns_);
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  // Whether an argument is needed and may be repeated stands in the usage already.
  return Entry(make_option_name(option, is_positional) +
                   (is_positional ? std::string() : make_option_opts(option)),
               make_option_desc(option));
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return Entry(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  std::string footer;
  const std::string text = app->get_footer();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    footer += line.starts_with("  ") ? Example(line, columns_) : Paragraphs(line, 0, columns_);
    begin = end + 1;
  }
  return footer;
}

std::string HelpFormatter::Entry(const std::string& names, const std::string& description) const {
  constexpr size_t kNamesIndent = 2;
  const size_t indent = columns_ < kLeastColumnsForTwo ? kNarrowIndent : kIndent;
  std::string entry = Paragraphs(names, kNamesIndent, columns_);
  std::string text = Paragraphs(description, indent, columns_);
  // Side by side where there is room for it.
  const size_t width = entry.size() - 1;
  if (width + kNamesIndent <= indent && entry.find('\n') == width) {
    entry.pop_back();
    text.erase(0, width);
  }
  return entry + text;
}

}  // namespace siglip::cli
