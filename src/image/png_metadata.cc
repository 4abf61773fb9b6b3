// Reads PNG metadata apart from libpng, which would allocate whatever a chunk claims to hold.
#include "image/png_metadata.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "image/exif.h"

namespace siglip {
namespace {

constexpr size_t kSignature = 8;
constexpr size_t kMaxInflatedBytes = size_t{1} << 20;  // Pillow's limit for text, too

uint32_t ReadBigEndian(const uint8_t* data) {
  return uint32_t{data[0]} << 24 | uint32_t{data[1]} << 16 | uint32_t{data[2]} << 8 | data[3];
}

// Nothing where the data is damaged or larger than the limit.
std::string Inflate(std::string_view deflated) {
  std::string out(kMaxInflatedBytes, '\0');
  uLongf size = out.size();
  const auto* data = reinterpret_cast<const Bytef*>(deflated.data());
  if (uncompress(reinterpret_cast<Bytef*>(out.data()), &size, data, deflated.size()) != Z_OK) {
    return {};
  }
  out.resize(size);
  return out;
}

// What precedes the next zero byte, which is removed from `text` along with it.
std::string_view TakeField(std::string_view& text) {
  const std::string_view field = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(text.size(), field.size() + 1));
  return field;
}

// ImageMagick's way to store EXIF in text: a name and a length, each on its line, then hex.
std::vector<uint8_t> ParseRawProfile(std::string_view text) {
  std::vector<uint8_t> bytes;
  for (int line = 0; line < 3; ++line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return bytes;
    text.remove_prefix(end + 1);
  }
  constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
  int high = -1;
  for (const char c : text) {
    const size_t found = kDigits.find(c);
    if (found == std::string_view::npos) continue;
    const int digit = static_cast<int>(found % 16);
    if (high >= 0) bytes.push_back(static_cast<uint8_t>(high << 4 | digit));
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

struct Metadata {
  std::vector<uint8_t> exif;
  std::vector<uint8_t> raw_profile;
  std::string xmp;
};

// tEXt: key, text. zTXt: key, method, deflated text. iTXt: key, flag, method, language,
// translated key, text that is deflated where the flag is set.
void ReadText(std::string_view name, std::string_view data, Metadata& metadata) {
  const std::string_view key = TakeField(data);
  const bool is_xmp = key == "XML:com.adobe.xmp" && name == "iTXt";
  if (!is_xmp && key != "Raw profile type exif") return;
  bool deflated = name == "zTXt";
  if (name == "iTXt") {
    deflated = !data.empty() && data[0] != 0;
    data.remove_prefix(std::min<size_t>(data.size(), 2));
    TakeField(data);
    TakeField(data);
  } else if (deflated) {
    data.remove_prefix(std::min<size_t>(data.size(), 1));
  }
  const std::string text = deflated ? Inflate(data) : std::string(data);
  if (is_xmp) {
    metadata.xmp = text;
  } else {
    metadata.raw_profile = ParseRawProfile(text);
  }
}

}  // namespace

int PngOrientation(std::span<const uint8_t> file) {
  constexpr size_t kHeader = 8;
  constexpr size_t kChecksum = 4;
  Metadata metadata;
  for (size_t at = kSignature; at < file.size() && file.size() - at >= kHeader;) {
    const size_t length = ReadBigEndian(file.data() + at);
    const std::string_view name(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
    at += kHeader;
    if (length > file.size() - at || name == "IEND") break;
    const std::string_view data(reinterpret_cast<const char*>(file.data()) + at, length);
    if (name == "eXIf") metadata.exif.assign(data.begin(), data.end());
    if (name == "tEXt" || name == "zTXt" || name == "iTXt") ReadText(name, data, metadata);
    at += length + kChecksum;
  }
  return FindOrientation(metadata.exif.empty() ? metadata.raw_profile : metadata.exif,
                         metadata.xmp);
}

}  // namespace siglip
