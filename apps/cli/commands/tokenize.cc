// siglip tokenize: texts to the ids that the text tower is fed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/options.h"
#include "inputs/inputs.h"
#include "inputs/texts.h"
#include "siglip/hub.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

struct TokenizeArguments {
  std::string model;  // folder or name
  std::vector<std::string> texts;
  TokenizerOptions tokenizer;
  bool json = false;
};

/// Arguments are texts, @FILE (a list, one text per line) and - (a list on standard input).
std::vector<std::string> ReadTexts(const std::vector<std::string>& arguments) {
  std::vector<std::string> texts;
  for (const std::string& argument : arguments) {
    if (const auto list = ListFile(argument)) {
      std::ranges::move(ReadLines(*list), std::back_inserter(texts));
    } else {
      texts.push_back(argument);
    }
  }
  return texts;
}

std::string PadLeft(const std::string& number) {
  constexpr size_t kColumns = 8;
  return std::string(kColumns - std::min(kColumns, number.size()), ' ') + number;
}

void PrintPieces(const Tokenizer& tokenizer, const std::string& text, std::span<int64_t> row) {
  const size_t count = tokenizer.Tokenize(text, row);
  std::cout << Printable(text) << "\n";
  for (const int64_t id : tokenizer.pads_left() ? row.last(count) : row.first(count)) {
    std::cout << PadLeft(std::to_string(id)) << "  " << Printable(tokenizer.Piece(id)) << "\n";
  }
  if (count == row.size()) return;
  std::cout << PadLeft(std::to_string(tokenizer.pad_id())) << "  "
            << Printable(tokenizer.Piece(tokenizer.pad_id())) << "  x " << row.size() - count
            << " (padding)\n";
}

void PrintJson(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
               std::span<int64_t> row) {
  std::cout << "{\"input_ids\": [";
  const char* row_separator = "";
  for (const std::string& text : texts) {
    tokenizer.Tokenize(text, row);
    std::cout << std::exchange(row_separator, ", ") << "[";
    const char* separator = "";
    for (const int64_t id : row) std::cout << std::exchange(separator, ", ") << id;
    std::cout << "]";
  }
  std::cout << "]}\n";
}

void Tokenize(const TokenizeArguments& arguments) {
  CheckStandardInput(arguments.texts);
  const auto tokenizer = Tokenizer::FromPretrained(
      ResolveModel(arguments.model, {}, ModelFiles::kAny), arguments.tokenizer);
  const std::vector<std::string> texts = ReadTexts(arguments.texts);
  std::vector<int64_t> row(static_cast<size_t>(tokenizer->max_length()));
  if (arguments.json) return PrintJson(*tokenizer, texts, row);
  for (const std::string& text : texts) PrintPieces(*tokenizer, text, row);
}

}  // namespace

void AddTokenize(CLI::App& app) {
  auto arguments = std::make_shared<TokenizeArguments>();
  CLI::App* command =
      app.add_subcommand("tokenize", "Show texts as the ids that the text tower is fed");
  AddModelOption(*command, arguments->model);
  command
      ->add_option("TEXT", arguments->texts,
                   "Texts; @FILE, a list with one text per line; - for a list on standard input")
      ->required();
  command
      ->add_option("--max-length", arguments->tokenizer.max_length,
                   "Ids per text instead of as many as the model takes")
      ->type_name("N")
      ->check(InRange(1, kMaxTokensPerText));
  command->add_flag("--keep-file-case", arguments->tokenizer.keep_file_case,
                    "SigLIP 2: lower-case only if tokenizer.json says so");
  AddJsonOption(*command, arguments->json);
  command->footer("Example:\n  siglip tokenize --model siglip-base-patch16-224 'a photo of a cat'");
  command->callback([arguments] { Tokenize(*arguments); });
}

}  // namespace siglip::cli
