// What models are called on the hub. Names become parts of paths and URLs, so only valid ones
// exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siglip {

struct HubName {
  std::string repository;  // "organisation/name"
  std::string revision;    // a branch, tag or commit

  /// As it is typed: with "@revision" where that is not "main".
  std::string ToString() const;
};

/// "organisation/name" or "organisation/name@revision"; nothing if `text` has another form. The
/// rules for organisation and name are those of huggingface_hub. `revision` applies where the text
/// has none, "main" where both have none. Throws Error(kInvalidArgument) for a revision that cannot
/// be one, or when there are two that differ.
std::optional<HubName> ParseHubName(std::string_view text, const std::string& revision);

/// 40 lower-case hexadecimal digits.
bool IsCommitHash(std::string_view text);

/// This many lower-case hexadecimal digits.
bool IsHexadecimal(std::string_view text, size_t digits);

}  // namespace siglip
