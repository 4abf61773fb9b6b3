// See pre_tokenizer.h. Source: tokenizers, pre_tokenizers/ (metaspace.rs, whitespace.rs, split.rs).
#include "text/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "text/unicode_text.h"

namespace siglip {
namespace {

struct Word {
  std::string text;
  bool begins_text;
};

void SplitBehind(const Word& word, const std::string& mark, std::vector<Word>& words) {
  const std::string_view text = word.text;
  for (size_t begin = 0; begin < text.size();) {
    const size_t found = text.find(mark, begin);
    const size_t end = found == std::string_view::npos ? text.size() : found + mark.size();
    words.push_back({std::string(text.substr(begin, end - begin)), begin == 0 && word.begins_text});
    begin = end;
  }
}

void SplitAtWhitespace(const Word& word, std::vector<Word>& words) {
  bool in_word = false;
  for (size_t i = 0; i < word.text.size();) {
    const auto [character, size] = FirstCharacter(std::string_view(word.text).substr(i));
    if (IsRustSpace(character)) {
      in_word = false;
    } else {
      if (!in_word) words.push_back({{}, i == 0 && word.begins_text});
      in_word = true;
      words.back().text.append(word.text, i, size);
    }
    i += size;
  }
}

void ToMetaspace(const Word& word, const PreTokenizer::Step& step, std::vector<Word>& words) {
  std::string text = ReplaceAll(word.text, " ", step.mark);
  const bool prepends = step.prepend == PreTokenizer::Prepend::kAlways ||
                        (step.prepend == PreTokenizer::Prepend::kFirst && word.begins_text);
  if (prepends && !text.starts_with(step.mark)) text.insert(0, step.mark);
  if (!step.split) {
    words.push_back({std::move(text), word.begins_text});
    return;
  }
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(step.mark, begin + 1), text.size());
    words.push_back({text.substr(begin, end - begin), begin == 0 && word.begins_text});
    begin = end;
  }
}

}  // namespace

PreTokenizer::PreTokenizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

std::vector<std::string> PreTokenizer::operator()(std::string_view text, bool begins_text) const {
  std::vector<Word> words;
  if (!text.empty()) words.push_back({std::string(text), begins_text});
  for (const Step& step : steps_) {
    std::vector<Word> cut;
    for (const Word& word : words) {
      switch (step.kind) {
        case Kind::kSplitBehind: SplitBehind(word, step.mark, cut); break;
        case Kind::kWhitespaceSplit: SplitAtWhitespace(word, cut); break;
        case Kind::kMetaspace: ToMetaspace(word, step, cut); break;
      }
    }
    words = std::move(cut);
  }
  std::vector<std::string> texts;
  texts.reserve(words.size());
  for (Word& word : words) texts.push_back(std::move(word.text));
  return texts;
}

}  // namespace siglip
