// The pre-tokenizer of a tokenizer.json: how a normalised text is cut into words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siglip {

class PreTokenizer {
 public:
  enum class Kind {
    kSplitBehind,      ///< Words end behind each `mark`.
    kWhitespaceSplit,  ///< Words are what stands between white space.
    kMetaspace,        ///< Spaces become `mark`, one is put before a word, words begin with it.
  };
  enum class Prepend { kAlways, kFirst, kNever };
  struct Step {
    Kind kind = Kind::kSplitBehind;
    std::string mark = {};
    Prepend prepend = Prepend::kAlways;  ///< Of kMetaspace; kFirst: where the whole text begins.
    bool split = true;                   ///< Of kMetaspace.
  };

  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<Step> steps);

  /// `begins_text` says whether the first character is the first of the text as it was given.
  std::vector<std::string> operator()(std::string_view text, bool begins_text) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace siglip
