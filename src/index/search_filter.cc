#include "index/search_filter.h"

#include <span>
#include <system_error>
#include <vector>

#include "index/archive_update.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// A part of a root, as the paths of its files that are at least `begin` and below `end`.
struct PathRange {
  int64_t root = 0;
  std::string begin;
  std::optional<std::string> end;
};

void AddRangesBelow(const Database& database, const std::string& prefix,
                    std::vector<PathRange>& ranges) {
  Statement roots = database.Prepare("SELECT id, path FROM root");
  while (roots.Step()) {
    const std::string root = roots.Text(1) == "/" ? "/" : roots.Text(1) + "/";
    if (root.starts_with(prefix)) {
      ranges.push_back({.root = roots.Integer(0), .begin = "", .end = std::nullopt});
    } else if (prefix.starts_with(root)) {
      const std::string begin = prefix.substr(root.size());
      std::string end = begin;
      end.back() = '/' + 1;  // a prefix ends with a slash
      ranges.push_back({.root = roots.Integer(0), .begin = begin, .end = end});
    }
  }
}

bool IsEmpty(const SearchFilter& filter) {
  return filter.under.empty() && !filter.after && !filter.before && filter.format.empty() &&
         filter.min_width <= 0;
}

}  // namespace

std::string PrefixOf(const std::filesystem::path& folder) {
  if (folder.empty()) return "";
  std::error_code error;
  const std::string path = std::filesystem::weakly_canonical(folder, error).string();
  if (error) throw Error(ErrorCode::kIo, folder.string() + ": " + error.message());
  return path.ends_with('/') ? path : path + "/";
}

std::vector<std::string> PrefixesOf(const std::filesystem::path& under) {
  std::vector<std::string> prefixes = {PrefixOf(under)};
  const std::string name = WithoutSlashes(under.string()) + "/";
  if (!under.empty() && name != prefixes.front()) prefixes.push_back(name);
  return prefixes;
}

std::optional<Passing> FindPassing(const Database& database, const SearchFilter& filter,
                                   const ContentFilter& present) {
  if (IsEmpty(filter)) return std::nullopt;
  Statement statement = database.Prepare(
      "SELECT content.id FROM file JOIN content ON content.id = file.content"
      " WHERE file.root = ?1 AND file.path >= ?2 AND (?3 IS NULL OR file.path < ?3)"
      " AND file.missing_since IS NULL AND (?4 IS NULL OR taken >= ?4)"
      " AND (?5 IS NULL OR taken < ?5) AND (?6 IS NULL OR format = ?6)"
      " AND (?7 <= 0 OR width >= ?7)");
  const auto blob = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  std::vector<PathRange> ranges;
  for (const std::string& prefix : PrefixesOf(filter.under)) {
    AddRangesBelow(database, prefix, ranges);
  }
  Passing passing;
  for (const PathRange& range : ranges) {
    std::optional<std::span<const std::byte>> end;
    if (range.end) end = blob(*range.end);
    std::optional<std::string_view> format;
    if (!filter.format.empty()) format = filter.format;
    statement.Bind(range.root, blob(range.begin), end, filter.after, filter.before, format,
                   filter.min_width);
    while (statement.Step()) {
      const int64_t id = statement.Integer(0);
      if (!present.Contains(id) || passing.contents.Contains(id)) continue;
      passing.contents.Add(id);
      ++passing.count;
    }
  }
  return passing;
}

}  // namespace siglip
