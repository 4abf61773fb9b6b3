#include "server/api/duplicates_reply.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "output/text.h"

namespace siglip::server {
namespace {

std::span<const DuplicateGroup> Shown(std::span<const DuplicateGroup> groups,
                                      const DuplicatesRequest& request) {
  const size_t begin = std::min(static_cast<size_t>(request.offset), groups.size());
  return groups.subspan(begin, std::min(static_cast<size_t>(request.top), groups.size() - begin));
}

/// Seconds with nine digits behind the point, exactly.
std::string Seconds(int64_t nanoseconds) {
  constexpr uint64_t kSecond = 1'000'000'000;
  const auto bits = static_cast<uint64_t>(nanoseconds);
  const uint64_t magnitude = nanoseconds < 0 ? 0 - bits : bits;
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%s%llu.%09llu", nanoseconds < 0 ? "-" : "",
                static_cast<unsigned long long>(magnitude / kSecond),
                static_cast<unsigned long long>(magnitude % kSecond));
  return text.data();
}

std::string FileJson(const DuplicateFile& file, const std::string& hash) {
  return "{\"id\":" + std::to_string(file.content) +
         (hash.empty() ? "" : ",\"hash\":" + JsonQuoted(hash)) + "," + JsonPath(file.path) +
         ",\"width\":" + std::to_string(file.width) + ",\"height\":" + std::to_string(file.height) +
         ",\"bytes\":" + std::to_string(file.bytes) + ",\"mtime\":" + Seconds(file.mtime_ns) +
         ",\"score\":" + ExactNumber(file.score) + "}";
}

}  // namespace

std::string DuplicatesReply(std::span<const DuplicateGroup> groups,
                            const DuplicatesRequest& request,
                            const std::function<std::string(int64_t content)>& hash) {
  std::string text = "{\"object\":\"list\",\"kind\":\"" +
                     std::string(ToString(request.options.kind)) +
                     "\",\"total\":" + std::to_string(groups.size()) + ",\"data\":[";
  for (const DuplicateGroup& group : Shown(groups, request)) {
    int64_t spare = -group.files.front().bytes;
    for (const DuplicateFile& file : group.files) spare += file.bytes;
    if (text.back() != '[') text += ",";
    text += "{\"spare_bytes\":" + std::to_string(spare) + ",\"files\":[";
    for (const DuplicateFile& file : group.files) {
      if (text.back() != '[') text += ",";
      text += FileJson(file, hash(file.content));
    }
    text += "]}";
  }
  return text + "]}\n";
}

uint64_t DuplicatesReplyBytes(std::span<const DuplicateGroup> groups,
                              const DuplicatesRequest& request) {
  constexpr uint64_t kAround = 300;  // names, numbers and a hash
  uint64_t bytes = kAround;
  for (const DuplicateGroup& group : Shown(groups, request)) {
    bytes += kAround;
    for (const DuplicateFile& file : group.files) bytes += kAround + JsonPath(file.path).size();
  }
  return bytes;
}

}  // namespace siglip::server
