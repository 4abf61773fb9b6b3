// Reads the few EXIF fields that matter here, as Pillow's Exif and ImageFileDirectory_v2 do.
// Damaged metadata never fails a picture.
#include "image/exif.h"

#include <algorithm>
#include <bit>
#include <bitset>
#include <chrono>
#include <cstddef>

namespace siglip {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kExifDirectoryTag = 0x8769;

enum FieldType : uint32_t {
  kByte = 1,
  kAscii = 2,
  kShort = 3,
  kLong = 4,
  kRational = 5,
  kSignedByte = 6,
  kUndefined = 7,
  kSignedShort = 8,
  kSignedLong = 9,
  kSignedRational = 10,
  kFloat = 11,
  kDouble = 12,
  kDirectory = 13,
  kLong8 = 16
};

// Bytes of one value; 0 for a type that Pillow does not know.
size_t SizeOf(uint32_t type) {
  switch (type) {
    case kByte:
    case kAscii:
    case kSignedByte:
    case kUndefined: return 1;
    case kShort:
    case kSignedShort: return 2;
    case kLong:
    case kSignedLong:
    case kFloat:
    case kDirectory: return 4;
    case kRational:
    case kSignedRational:
    case kDouble:
    case kLong8: return 8;
    default: return 0;
  }
}

std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A TIFF structure in memory.
class TiffBlock {
 public:
  explicit TiffBlock(std::span<const uint8_t> bytes) : bytes_(bytes) {
    constexpr size_t kHeader = 8;
    if (bytes.size() < kHeader) return;
    const std::string_view magic = AsText(bytes.subspan(0, 4));
    big_endian_ = magic.starts_with("MM");
    // Some writers store the 42 in the wrong byte order; Pillow does not tell big-endian BigTIFF
    // from classic TIFF here.
    valid_ = magic == std::string_view("II*\0", 4) || magic == std::string_view("II\0*", 4) ||
             magic == std::string_view("MM\0*", 4) || magic == std::string_view("MM*\0", 4) ||
             magic == std::string_view("MM\0+", 4);
  }

  bool valid() const { return valid_; }
  size_t size() const { return bytes_.size(); }

  bool Holds(size_t offset, size_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  // The block must hold these bytes.

  std::string_view Text(size_t offset, size_t size) const {
    return AsText(bytes_.subspan(offset, size));
  }

  uint64_t Read(size_t offset, size_t width) const {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      value = value << 8 | bytes_[big_endian_ ? offset + i : offset + width - 1 - i];
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_ = false;
  bool valid_ = false;
};

struct Field {
  uint32_t type = 0;
  size_t position = 0;  // of its first value
  size_t size = 0;      // of all, in bytes
};

// The first usable entry with this tag in a directory, which ends where an entry or its values
// leave the block. Values kept elsewhere count against the block's size, all together.
std::optional<Field> FindField(const TiffBlock& block, size_t directory, uint16_t wanted) {
  constexpr size_t kEntry = 12;
  if (!block.Holds(directory, 2)) return std::nullopt;
  std::bitset<65536> known;
  uint64_t elsewhere = 0;
  size_t entry = directory + 2;
  for (uint64_t left = block.Read(directory, 2); left > 0; --left, entry += kEntry) {
    if (!block.Holds(entry, kEntry)) return std::nullopt;
    const uint64_t tag = block.Read(entry, 2);
    Field field = {.type = static_cast<uint32_t>(block.Read(entry + 2, 2)), .position = entry + 8};
    const uint64_t size = block.Read(entry + 4, 4) * SizeOf(field.type);
    if (size == 0 || known[tag]) continue;
    field.size = size;
    if (size > 4) {
      field.position = block.Read(entry + 8, 4);
      elsewhere += size;
      if (elsewhere > block.size()) continue;
      if (!block.Holds(field.position, size)) return std::nullopt;
    }
    if (tag == wanted) return field;
    known.set(tag);
  }
  return std::nullopt;
}

// Of a valid block.
size_t FirstDirectory(const TiffBlock& block) { return block.Read(4, 4); }

// A number of any type, for Python's 6 == 6.0 == Fraction(12, 2); nothing where it is none.
std::optional<double> FirstNumber(const TiffBlock& block, const Field& field) {
  const auto read = [&](size_t offset, size_t width) {
    return block.Read(field.position + offset, width);
  };
  const auto signed_long = [&](size_t offset) { return static_cast<int32_t>(read(offset, 4)); };
  switch (field.type) {
    case kShort: return static_cast<double>(read(0, 2));
    case kSignedShort: return static_cast<int16_t>(read(0, 2));
    case kLong:
    case kDirectory: return static_cast<double>(read(0, 4));
    case kSignedLong: return signed_long(0);
    case kLong8: return static_cast<double>(read(0, 8));
    case kSignedByte: return static_cast<int8_t>(read(0, 1));
    case kFloat: return std::bit_cast<float>(static_cast<uint32_t>(read(0, 4)));
    case kDouble: return std::bit_cast<double>(read(0, 8));
    case kRational:
      if (read(4, 4) == 0) return std::nullopt;
      return static_cast<double>(read(0, 4)) / static_cast<double>(read(4, 4));
    case kSignedRational:
      if (read(4, 4) == 0) return std::nullopt;
      return static_cast<double>(signed_long(0)) / signed_long(4);
    default: return std::nullopt;
  }
}

std::optional<size_t> FindExifDirectory(const TiffBlock& block) {
  const auto field = FindField(block, FirstDirectory(block), kExifDirectoryTag);
  if (!field || (field->type != kLong && field->type != kDirectory)) return std::nullopt;
  return block.Read(field->position, 4);
}

// Empty where there is none.
std::string_view FindText(const TiffBlock& block, size_t directory, uint16_t tag) {
  const auto field = FindField(block, directory, tag);
  if (!field || field->type != kAscii) return {};
  const std::string_view text = block.Text(field->position, field->size);
  return text.substr(0, text.find('\0'));
}

// Whether the text is of this form, in which every 0 stands for a digit.
bool HasForm(std::string_view text, std::string_view form) {
  return text.size() == form.size() &&
         std::ranges::equal(text, form, [](char character, char wanted) {
           return wanted == '0' ? character >= '0' && character <= '9' : character == wanted;
         });
}

// Of digits.
int NumberOf(std::string_view digits) {
  int number = 0;
  for (const char digit : digits) number = number * 10 + (digit - '0');
  return number;
}

// "2024:05:17 09:30:00"
std::optional<int64_t> ParseTime(std::string_view text) {
  if (!HasForm(text, "0000:00:00 00:00:00")) return std::nullopt;
  const auto number = [&](size_t at, size_t length) { return NumberOf(text.substr(at, length)); };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2))));
  const int hours = number(11, 2);
  const int minutes = number(14, 2);
  const int seconds = number(17, 2);
  if (date.year() == std::chrono::year(0) || !date.ok()) return std::nullopt;
  if (hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((int64_t{days} * 24 + hours) * 60 + minutes) * 60 + seconds;
}

// "+02:00"
std::optional<int> ParseOffset(std::string_view text) {
  if (!HasForm(text, "+00:00") && !HasForm(text, "-00:00")) return std::nullopt;
  const int hours = NumberOf(text.substr(1, 2));
  const int minutes = NumberOf(text.substr(4, 2));
  if (hours > 23 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

std::span<const uint8_t> WithoutPrefix(std::span<const uint8_t> exif) {
  for (int i = 0; i < 2 && AsText(exif).starts_with(kExifPrefix); ++i) {
    exif = exif.subspan(kExifPrefix.size());
  }
  return exif;
}

}  // namespace

std::optional<int> ExifOrientation(std::span<const uint8_t> exif) {
  const TiffBlock block(WithoutPrefix(exif));
  // Where Pillow does not refuse the picture for it, it looks no further.
  if (!block.valid()) return block.size() == 0 ? std::nullopt : std::optional(1);
  const auto field = FindField(block, FirstDirectory(block), kOrientationTag);
  if (!field) return std::nullopt;
  const auto number = FirstNumber(block, *field);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    if (number == orientation) return orientation;
  }
  return 1;
}

std::optional<TimeTaken> ExifTimeTaken(std::span<const uint8_t> exif) {
  constexpr struct {
    uint16_t time;
    uint16_t offset;
  } kTags[] = {{0x9003, 0x9011}, {0x9004, 0x9012}};  // original, digitised
  const TiffBlock block(WithoutPrefix(exif));
  if (!block.valid()) return std::nullopt;
  const auto directory = FindExifDirectory(block);
  if (!directory) return std::nullopt;
  for (const auto& tags : kTags) {
    if (const auto seconds = ParseTime(FindText(block, *directory, tags.time))) {
      return TimeTaken{.local_seconds = *seconds,
                       .offset_minutes = ParseOffset(FindText(block, *directory, tags.offset))};
    }
  }
  return std::nullopt;
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
