// The normaliser of a tokenizer.json: what is done to a text before it is cut into pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/character_map.h"

namespace siglip {

class Normalizer {
 public:
  struct Step {
    enum class Kind {
      kLowercase,
      kReplace,        ///< Every `pattern` becomes `content`.
      kReplaceSpaces,  ///< Two and more spaces become `content`.
      kPrepend,        ///< `content` stands before a text that is not empty.
      kStrip,          ///< Without white space at its ends.
      kMap,            ///< As a CharacterMap says.
    };
    Kind kind = Kind::kLowercase;
    std::string pattern = {};
    std::string content = {};
    bool strip_left = false;
    bool strip_right = false;
    std::shared_ptr<const CharacterMap> map = nullptr;
  };

  Normalizer() = default;
  explicit Normalizer(std::vector<Step> steps);

  bool lowers_case() const;
  /// The same steps after lower-casing.
  Normalizer AfterLowercase() const;

  /// Throws Error(kLimitExceeded) when replacing makes a text of some size much longer.
  std::string operator()(std::string_view text) const;
  /// The same. `begins_text` is whether the text is the beginning of what was given, and becomes
  /// whether the first character of the result still counts as that to the original.
  std::string operator()(std::string_view text, bool& begins_text) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace siglip
