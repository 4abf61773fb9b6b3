// Reads the one EXIF field that matters here. Damaged metadata never fails a picture.
#include "image/exif.h"

#include <cstddef>

namespace siglip {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr std::string_view kExifPrefix("Exif\0\0", 6);

std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A TIFF structure in memory. Reads out of range give nothing.
class TiffBlock {
 public:
  explicit TiffBlock(std::span<const uint8_t> bytes) : bytes_(bytes) {
    const std::string_view magic = AsText(bytes.subspan(0, bytes.size() < 4 ? 0 : 4));
    big_endian_ = magic.starts_with("MM");
    // Some writers store the 42 in the wrong byte order.
    valid_ = magic == std::string_view("II*\0", 4) || magic == std::string_view("II\0*", 4) ||
             magic == std::string_view("MM\0*", 4) || magic == std::string_view("MM*\0", 4);
  }

  bool valid() const { return valid_; }

  std::optional<uint32_t> Read(size_t offset, size_t width) const {
    if (offset > bytes_.size() || width > bytes_.size() - offset) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      const size_t position = big_endian_ ? offset + i : offset + width - 1 - i;
      value = value << 8 | bytes_[position];
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_ = false;
  bool valid_ = false;
};

// Where the first entry with this tag begins in the first directory.
std::optional<size_t> FindEntry(const TiffBlock& block, uint16_t wanted) {
  const auto directory = block.Read(4, 4);
  if (!directory) return std::nullopt;
  const auto entries = block.Read(*directory, 2);
  if (!entries) return std::nullopt;
  for (size_t i = 0; i < *entries; ++i) {
    const size_t entry = size_t{*directory} + 2 + 12 * i;
    const auto tag = block.Read(entry, 2);
    if (!tag) return std::nullopt;
    if (*tag == wanted) return entry;
  }
  return std::nullopt;
}

// The first value of a 12-byte directory entry, if it is an integer of 2 or 4 bytes.
std::optional<int> EntryValue(const TiffBlock& block, size_t entry) {
  const auto type = block.Read(entry + 2, 2);
  const auto count = block.Read(entry + 4, 4);
  if (!type || !count || *count == 0) return std::nullopt;
  const bool is_short = *type == 3 || *type == 8;
  const bool is_long = *type == 4 || *type == 9;
  if (!is_short && !is_long) return std::nullopt;
  const size_t width = is_short ? 2 : 4;
  size_t position = entry + 8;
  if (*count > 4 / width) {
    const auto offset = block.Read(entry + 8, 4);
    if (!offset) return std::nullopt;
    position = *offset;
  }
  const auto value = block.Read(position, width);
  if (!value || *value > 0xFFFF) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

std::optional<int> TiffTagValue(std::span<const uint8_t> tiff, uint16_t tag) {
  const TiffBlock block(tiff);
  if (!block.valid()) return std::nullopt;
  const auto entry = FindEntry(block, tag);
  return entry ? EntryValue(block, *entry) : std::nullopt;
}

std::optional<int> ExifOrientation(std::span<const uint8_t> exif) {
  for (int i = 0; i < 2 && AsText(exif).starts_with(kExifPrefix); ++i) {
    exif = exif.subspan(kExifPrefix.size());
  }
  return TiffTagValue(exif, kOrientationTag);
}

std::optional<int> XmpOrientation(std::string_view xmp) {
  constexpr std::string_view kKey = "tiff:Orientation";
  for (size_t at = xmp.find(kKey); at != std::string_view::npos; at = xmp.find(kKey, at + 1)) {
    std::string_view rest = xmp.substr(at + kKey.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

int FindOrientation(std::span<const uint8_t> exif, std::string_view xmp) {
  if (const auto orientation = ExifOrientation(exif)) return *orientation;
  if (const auto orientation = XmpOrientation(xmp)) return *orientation;
  return 1;
}

}  // namespace siglip
