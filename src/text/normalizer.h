// The normaliser of a tokenizer.json: what is done to a text before it is cut into pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siglip {

class Normalizer {
 public:
  struct Step {
    enum class Kind { kLowercase, kReplace };
    Kind kind = Kind::kLowercase;
    std::string pattern;  // of kReplace: every occurrence ...
    std::string content;  // ... becomes this
  };

  Normalizer() = default;
  explicit Normalizer(std::vector<Step> steps);

  bool lowers_case() const;
  /// The same steps after lower-casing.
  Normalizer AfterLowercase() const;

  /// Throws Error(kLimitExceeded) when replacing makes a text of some size much longer.
  std::string operator()(std::string_view text) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace siglip
