#include "outputs/duplicates_output.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "output/text.h"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

/// Files that are here beside the representative.
struct Spare {
  size_t files = 0;
  int64_t bytes = 0;  ///< What removing them would free.
};

Spare SpareOf(const DuplicateGroup& group) {
  Spare spare;
  for (size_t i = 1; i < group.files.size(); ++i) {
    if (group.files[i].archived) continue;
    ++spare.files;
    spare.bytes += group.files[i].bytes;
  }
  return spare;
}

std::string Line(const DuplicateGroup& group, size_t index) {
  const DuplicateFile& file = group.files[index];
  const bool is_copy = file.content == group.files.front().content;
  const std::string relation = index == 0 ? "" : is_copy ? "copy" : FormatNumber(file.score, 4);
  const std::string pixels =
      file.width == 0 ? "" : std::to_string(file.width) + " x " + std::to_string(file.height);
  std::array<char, 64> columns;
  std::snprintf(columns.data(), columns.size(), "  %-6s  %9s  %13s  ", relation.c_str(),
                FormatBytes(file.bytes).c_str(), pixels.c_str());
  return columns.data() + Printable(file.path) + "\n";
}

/// Seconds with nine digits behind the point, exactly.
std::string ExactSeconds(int64_t nanoseconds) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t magnitude = nanoseconds < 0 ? -nanoseconds : nanoseconds;
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%s%lld.%09lld", nanoseconds < 0 ? "-" : "",
                static_cast<long long>(magnitude / kSecond),
                static_cast<long long>(magnitude % kSecond));
  return text.data();
}

}  // namespace

std::string DuplicatesText(const std::vector<DuplicateGroup>& groups) {
  if (groups.empty()) return "no duplicates found\n";
  std::string text;
  Spare all;
  for (const DuplicateGroup& group : groups) {
    for (size_t i = 0; i < group.files.size(); ++i) text += Line(group, i);
    text += "\n";
    const Spare spare = SpareOf(group);
    all.files += spare.files;
    all.bytes += spare.bytes;
  }
  return text + std::to_string(groups.size()) + (groups.size() == 1 ? " group" : " groups") + ", " +
         std::to_string(all.files) + (all.files == 1 ? " file" : " files") +
         " beside the first of each; without these, " + FormatBytes(all.bytes) + " less\n";
}

std::string DuplicatesJson(const DuplicateGroup& group, DuplicateKind kind) {
  std::string text = "{\"kind\":\"" + std::string(ToString(kind)) +
                     "\",\"spare_bytes\":" + std::to_string(SpareOf(group).bytes) + ",\"files\":[";
  for (const DuplicateFile& file : group.files) {
    if (text.back() != '[') text += ",";
    text +=
        "{" + JsonPath(file.path) + ",\"id\":" + std::to_string(file.content) +
        ",\"bytes\":" + std::to_string(file.bytes) + ",\"width\":" + std::to_string(file.width) +
        ",\"height\":" + std::to_string(file.height) + ",\"mtime\":" + ExactSeconds(file.mtime_ns) +
        ",\"score\":" + ExactNumber(file.score) + (file.archived ? ",\"archived\":true" : "") + "}";
  }
  return text + "]}\n";
}

}  // namespace siglip::cli
