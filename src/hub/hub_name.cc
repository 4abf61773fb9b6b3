// See hub_name.h.
#include "hub/hub_name.h"

#include <algorithm>

#include "hub/characters.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kLongestPart = 96;
constexpr size_t kLongestRevision = 250;

bool IsWordCharacter(char character) { return IsLetterOrDigit(character) || character == '_'; }

/// An organisation or the name behind it.
bool IsNamePart(std::string_view part) {
  return !part.empty() && part.size() <= kLongestPart && IsWordCharacter(part.front()) &&
         IsWordCharacter(part.back()) && std::ranges::all_of(part, [](char c) {
           return IsWordCharacter(c) || c == '-' || c == '.';
         });
}

bool IsRepository(std::string_view text) {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && IsNamePart(text.substr(0, slash)) &&
         IsNamePart(text.substr(slash + 1)) && text.find("--") == std::string_view::npos &&
         text.find("..") == std::string_view::npos && !text.ends_with(".git");
}

/// The characters that git forbids in names of references are forbidden here too; a slash is not,
/// but each part between slashes must be a name of its own.
bool IsRevision(std::string_view text) {
  if (text.empty() || text.size() > kLongestRevision) return false;
  for (const char character : text) {
    if (!IsWordCharacter(character) && !IsOneOf(character, "/-.+=,#%!")) return false;
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    if (part.empty() || part.starts_with('.') || part.find("..") != std::string_view::npos) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

}  // namespace

std::string HubName::ToString() const {
  return revision == "main" ? repository : repository + "@" + revision;
}

std::optional<HubName> ParseHubName(std::string_view text, const std::string& revision) {
  const size_t at = text.find('@');
  const std::string_view repository = text.substr(0, at);
  if (!IsRepository(repository)) return std::nullopt;

  HubName name{std::string(repository), revision};
  if (at != std::string_view::npos) {
    name.revision = text.substr(at + 1);
    if (!revision.empty() && revision != name.revision) {
      throw Error(ErrorCode::kInvalidArgument, std::string(text) +
                                                   ": names a revision, while another one is " +
                                                   "asked for, '" + revision + "'");
    }
  } else if (name.revision.empty()) {
    name.revision = "main";
  }
  if (!IsRevision(name.revision)) {
    throw Error(ErrorCode::kInvalidArgument,
                name.repository + ": '" + name.revision + "' cannot be a revision",
                "a branch, a tag or a full commit hash");
  }
  return name;
}

bool IsHexadecimal(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsCommitHash(std::string_view text) { return IsHexadecimal(text, 40); }

}  // namespace siglip
