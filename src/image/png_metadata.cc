// Reads PNG metadata apart from libpng, which would allocate whatever a chunk claims to hold.
#include "image/png_metadata.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "image/exif.h"
#include "image/png_chunks.h"

namespace siglip {
namespace {

constexpr size_t kMaxInflatedBytes = size_t{1} << 20;  // Pillow's limit for text, too
constexpr std::string_view kRawProfile = "Raw profile type exif";
constexpr std::string_view kXmp = "XML:com.adobe.xmp";

// Also of a stream that is cut short. Nothing where it is damaged or larger than the limit.
std::optional<std::string> Inflate(std::string_view deflated) {
  std::string out(kMaxInflatedBytes, '\0');
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  inflateEnd(&stream);
  const bool is_whole = status == Z_STREAM_END || stream.avail_in == 0;
  if ((status < 0 && status != Z_BUF_ERROR) || status == Z_NEED_DICT || !is_whole) {
    return std::nullopt;
  }
  out.resize(out.size() - stream.avail_out);
  return out;
}

// What precedes the next zero byte, which is removed from `text` along with it.
std::string_view TakeField(std::string_view& text) {
  const std::string_view field = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(text.size(), field.size() + 1));
  return field;
}

// ImageMagick's way to store EXIF in text: a name and a length, each on its line, then hex.
std::string ParseRawProfile(std::string_view text) {
  std::string bytes;
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
    if (high >= 0) bytes += static_cast<char>(high << 4 | digit);
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

struct Metadata {
  std::optional<std::string> exif;
  std::string raw_profile;
  std::string xmp;
};

/// The block of EXIF, empty where there is none.
std::string ExifOf(const Metadata& metadata) {
  return metadata.exif ? *metadata.exif : ParseRawProfile(metadata.raw_profile);
}

void Store(std::string_view key, std::string text, Metadata& metadata) {
  std::string& kept = key == kXmp ? metadata.xmp : metadata.raw_profile;
  if (key == kXmp || key == kRawProfile) kept = std::move(text);
}

// The last one of a kind counts.
void ReadChunk(std::string_view name, std::string_view data, Metadata& metadata) {
  if (name == "eXIf") {
    metadata.exif = std::string(kExifPrefix) + std::string(data);
  } else if (name == "tEXt") {  // key, text
    const std::string_view key = TakeField(data);
    if (key == "exif") metadata.exif = data;
    Store(key, std::string(data), metadata);
  } else if (name == "zTXt") {  // key, method, deflated text
    const std::string_view key = TakeField(data);
    if (key != kXmp && key != kRawProfile) return;
    Store(key, Inflate(data.substr(std::min<size_t>(data.size(), 1))).value_or(""), metadata);
  } else if (name == "iTXt") {  // key, flag, method, language, translated key, text
    const std::string_view key = TakeField(data);
    if ((key != kXmp && key != kRawProfile) || data.size() < 2) return;
    const bool deflated = data[0] != 0;
    data.remove_prefix(2);
    TakeField(data);
    TakeField(data);
    // Only damage to this kind of text leaves an earlier one in force.
    if (auto text = deflated ? Inflate(data) : std::string(data)) Store(key, *text, metadata);
  }
}

Metadata ReadMetadata(std::span<const uint8_t> file) {
  Metadata metadata;
  PngChunkWalk walk(file);
  while (const std::optional<PngChunk> chunk = walk.Next()) {
    if (chunk->is_cut_short || chunk->name == "IEND") break;
    ReadChunk(chunk->name, chunk->data, metadata);
  }
  return metadata;
}

std::span<const uint8_t> View(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

int PngOrientation(std::span<const uint8_t> file) {
  const Metadata metadata = ReadMetadata(file);
  return FindOrientation(View(ExifOf(metadata)), metadata.xmp);
}

std::optional<TimeTaken> PngTimeTaken(std::span<const uint8_t> file) {
  return ExifTimeTaken(View(ExifOf(ReadMetadata(file))));
}

}  // namespace siglip
