#include "text/normalizer.h"

#include <algorithm>
#include <utility>

#include "siglip/error.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr size_t kMaxNormalizedBytes = 16 * kMaxTextBytes;

/// Replacing can make a text longer than there is memory.
void CheckReplacedSize(std::string_view text, std::string_view pattern, std::string_view content) {
  if (content.size() <= pattern.size()) return;
  size_t size = text.size();
  for (size_t i = 0; (i = text.find(pattern, i)) != std::string_view::npos; i += pattern.size()) {
    size += content.size() - pattern.size();
  }
  if (size > kMaxNormalizedBytes) {
    throw Error(ErrorCode::kLimitExceeded, "text: normalised it has " + std::to_string(size) +
                                               " bytes, allowed are " +
                                               std::to_string(kMaxNormalizedBytes));
  }
}

/// Every stretch of two and more spaces as `content`, which makes no text longer than checked.
std::string ReplaceSpaces(std::string_view text, std::string_view content) {
  constexpr std::string_view kTwo = "  ";
  CheckReplacedSize(text, kTwo, content);
  std::string replaced;
  while (true) {
    const size_t found = text.find(kTwo);
    replaced += text.substr(0, found);
    if (found == std::string_view::npos) return replaced;
    replaced += content;
    text.remove_prefix(std::min(text.find_first_not_of(' ', found), text.size()));
  }
}

std::string_view Stripped(std::string_view text, bool left, bool right) {
  while (left && !text.empty() && IsRustSpace(FirstCharacter(text).character)) {
    text.remove_prefix(FirstCharacter(text).size);
  }
  while (right && !text.empty() && IsRustSpace(LastCharacter(text).character)) {
    text.remove_suffix(LastCharacter(text).size);
  }
  return text;
}

}  // namespace

Normalizer::Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

bool Normalizer::lowers_case() const {
  return std::ranges::find(steps_, Step::Kind::kLowercase, &Step::kind) != steps_.end();
}

Normalizer Normalizer::AfterLowercase() const {
  std::vector<Step> steps = steps_;
  steps.insert(steps.begin(), Step{.kind = Step::Kind::kLowercase});
  return Normalizer(std::move(steps));
}

std::string Normalizer::operator()(std::string_view text) const {
  bool begins_text = true;
  return (*this)(text, begins_text);
}

std::string Normalizer::operator()(std::string_view text, bool& begins_text) const {
  std::string normalized(text);
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Step::Kind::kLowercase: normalized = LowerAsRust(normalized); break;
      case Step::Kind::kReplace:
        CheckReplacedSize(normalized, step.pattern, step.content);
        // What replaces several characters has the place of the last of them.
        if (normalized.starts_with(step.pattern) &&
            (step.content.empty() || FirstCharacter(step.pattern).size < step.pattern.size())) {
          begins_text = false;
        }
        normalized = ReplaceAll(normalized, step.pattern, step.content);
        break;
      case Step::Kind::kReplaceSpaces:
        if (normalized.starts_with("  ")) begins_text = false;
        normalized = ReplaceSpaces(normalized, step.content);
        break;
      case Step::Kind::kPrepend:
        if (!normalized.empty()) normalized.insert(0, step.content);
        break;
      case Step::Kind::kStrip: {
        const std::string_view stripped = Stripped(normalized, step.strip_left, step.strip_right);
        if (stripped.data() != normalized.data()) begins_text = false;
        normalized = std::string(stripped);
        break;
      }
      case Step::Kind::kMap: normalized = (*step.map)(normalized, kMaxNormalizedBytes); break;
    }
  }
  return normalized;
}

}  // namespace siglip
