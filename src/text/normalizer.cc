#include "text/normalizer.h"

#include <algorithm>
#include <utility>

#include "siglip/error.h"
#include "siglip/tokenizer.h"
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

}  // namespace

Normalizer::Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

bool Normalizer::lowers_case() const {
  return std::ranges::find(steps_, Step::Kind::kLowercase, &Step::kind) != steps_.end();
}

Normalizer Normalizer::AfterLowercase() const {
  std::vector<Step> steps = steps_;
  steps.insert(steps.begin(), Step{Step::Kind::kLowercase, {}, {}});
  return Normalizer(std::move(steps));
}

std::string Normalizer::operator()(std::string_view text) const {
  std::string normalized(text);
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::kLowercase) {
      normalized = LowerAsRust(normalized);
    } else {
      CheckReplacedSize(normalized, step.pattern, step.content);
      normalized = ReplaceAll(normalized, step.pattern, step.content);
    }
  }
  return normalized;
}

}  // namespace siglip
