// Windows and OS/2 bitmaps: 1 to 32 bits, run lengths, bit fields, rows in either direction.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/pixels.h"

namespace siglip {
namespace {

constexpr size_t kFileHeader = 14;
enum Compression : uint32_t { kRaw = 0, kRunLength8 = 1, kRunLength4 = 2, kBitFields = 3 };

// Where the bytes of a 32-bit pixel hold red, green, blue and alpha (-1: none).
struct Layout32 {
  std::array<uint32_t, 4> masks;
  std::array<int, 4> bytes;
};

// The layouts that Pillow knows.
constexpr Layout32 kLayouts32[] = {
    {{0xFF0000, 0xFF00, 0xFF, 0}, {2, 1, 0, -1}},
    {{0xFF000000, 0xFF0000, 0xFF00, 0}, {3, 2, 1, -1}},
    {{0xFF000000, 0xFF00, 0xFF, 0}, {3, 1, 0, -1}},
    {{0xFF000000, 0xFF0000, 0xFF00, 0xFF}, {3, 2, 1, 0}},
    {{0xFF, 0xFF00, 0xFF0000, 0xFF000000}, {0, 1, 2, 3}},
    {{0xFF0000, 0xFF00, 0xFF, 0xFF000000}, {2, 1, 0, 3}},
    {{0xFF000000, 0xFF00, 0xFF, 0xFF0000}, {3, 1, 0, 2}},
    {{0, 0, 0, 0}, {2, 1, 0, 3}},
};

class BmpReader {
 public:
  explicit BmpReader(const ImageSource& source) : source_(source) {}

  DecodedImage Read();

 private:
  void ReadHeader();
  void ReadMasks(uint32_t header_size);
  void ReadPalette(size_t position);
  void ReadRows(Image& image) const;
  void ConvertRow(const uint8_t* row, std::vector<uint8_t>& indices, uint8_t* rgb) const;
  std::vector<uint8_t> ReadRunLengths() const;
  bool ReadEscape(uint8_t code, size_t& at, size_t& x, std::vector<uint8_t>& pixels,
                  size_t total) const;
  uint8_t* Row(Image& image, int64_t stored_row) const;
  int64_t Stride() const { return (width_ * bits_ + 31) / 32 * 4; }

  uint32_t Number(size_t position, int bytes) const;
  [[noreturn]] void Fail(std::string_view detail) const {
    ThrowMalformed(source_, ImageFormat::kBmp, detail);
  }
  [[noreturn]] void Refuse(std::string_view detail) const {
    ThrowUnsupported(source_, ImageFormat::kBmp, detail);
  }

  const ImageSource& source_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  bool top_down_ = false;
  int bits_ = 0;
  uint32_t compression_ = kRaw;
  uint32_t colours_ = 0;
  size_t palette_entry_ = 4;
  size_t pixels_ = 0;
  std::array<uint32_t, 4> masks_ = {};
  std::array<int, 4> channel_bytes_ = {2, 1, 0, -1};
  bool six_bit_green_ = false;
  Palette palette_;
};

uint32_t BmpReader::Number(size_t position, int bytes) const {
  if (position > source_.size() || source_.size() - position < static_cast<size_t>(bytes)) {
    Fail("the file ends inside its header");
  }
  uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | source_.data()[position + i];
  return value;
}

void BmpReader::ReadHeader() {
  const uint32_t header_size = Number(kFileHeader, 4);
  const size_t fields = kFileHeader + 4;
  if (header_size == 12) {
    width_ = Number(fields, 2);
    height_ = Number(fields + 2, 2);
    bits_ = static_cast<int>(Number(fields + 6, 2));
    palette_entry_ = 3;
  } else if (header_size == 40 || header_size == 52 || header_size == 56 || header_size == 64 ||
             header_size == 108 || header_size == 124) {
    width_ = Number(fields, 4);
    height_ = Number(fields + 4, 4);
    // A negative height means rows from top to bottom; Pillow looks at the highest byte only.
    top_down_ = height_ >> 24 == 0xFF;
    if (top_down_) height_ = (int64_t{1} << 32) - height_;
    bits_ = static_cast<int>(Number(fields + 10, 2));
    compression_ = Number(fields + 12, 4);
    colours_ = Number(fields + 28, 4);
    if (compression_ == kBitFields) ReadMasks(header_size);
  } else {
    Refuse("expected a header of 12, 40, 52, 56, 64, 108 or 124 bytes, found " +
           std::to_string(header_size));
  }
  if (bits_ != 1 && bits_ != 4 && bits_ != 8 && bits_ != 16 && bits_ != 24 && bits_ != 32) {
    Refuse("expected 1, 4, 8, 16, 24 or 32 bits per pixel, found " + std::to_string(bits_));
  }
  const bool run_lengths = compression_ == kRunLength8 || compression_ == kRunLength4;
  if (compression_ > kBitFields || (run_lengths && bits_ > 8) ||
      (compression_ == kBitFields && bits_ < 16)) {
    Refuse("compression " + std::to_string(compression_) + " with " + std::to_string(bits_) +
           " bits per pixel");
  }
  const size_t header_end = kFileHeader + header_size;
  const size_t masks = header_size == 40 && compression_ == kBitFields ? 12 : 0;
  pixels_ = Number(10, 4);
  if (bits_ <= 8) {
    if (colours_ == 0) colours_ = 1u << bits_;
    if (colours_ > 65536) Fail("expected at most 65536 colours, found " + std::to_string(colours_));
    ReadPalette(header_end);
    if (pixels_ == 0 || pixels_ == header_end) pixels_ = header_end + palette_entry_ * colours_;
  } else if (pixels_ == 0) {
    pixels_ = header_end + masks;
  }
}

void BmpReader::ReadMasks(uint32_t header_size) {
  const size_t masks = kFileHeader + 40;  // inside the header, or right behind the shortest one
  for (int i = 0; i < (header_size >= 56 ? 4 : 3); ++i) masks_[i] = Number(masks + 4 * i, 4);
  if (bits_ == 32) {
    const auto* layout = std::find_if(std::begin(kLayouts32), std::end(kLayouts32),
                                      [&](const Layout32& l) { return l.masks == masks_; });
    if (layout == std::end(kLayouts32)) Refuse("an unusual layout of bit fields");
    channel_bytes_ = layout->bytes;
    return;
  }
  const std::array<uint32_t, 3> rgb = {masks_[0], masks_[1], masks_[2]};
  using Masks = std::array<uint32_t, 3>;
  six_bit_green_ = bits_ == 16 && rgb == Masks{0xF800, 0x7E0, 0x1F};
  const bool known = six_bit_green_ || (bits_ == 16 && rgb == Masks{0x7C00, 0x3E0, 0x1F}) ||
                     (bits_ == 24 && rgb == Masks{0xFF0000, 0xFF00, 0xFF});
  if (!known) Refuse("an unusual layout of bit fields");
}

// A palette may be cut short by the end of the file; what it lacks stays black. It may also claim
// more colours than any pixel can name.
void BmpReader::ReadPalette(size_t position) {
  const auto count = std::min<size_t>(colours_, palette_.colours.size());
  for (size_t i = 0; i < count; ++i, position += palette_entry_) {
    if (position + palette_entry_ > source_.size()) return;
    const uint8_t* entry = source_.data() + position;
    palette_.colours[i] = {entry[2], entry[1], entry[0], 255};
  }
  if (bits_ == 8) ContinueGreys(palette_, count);
  // As the only colour, black leaves white for the other bit.
  const bool only_black = colours_ == 1 && palette_.colours[0] == palette_.colours[1];
  if (bits_ == 1 && only_black) palette_.colours[1] = {255, 255, 255, 255};
}

uint8_t* BmpReader::Row(Image& image, int64_t stored_row) const {
  const int64_t y = top_down_ ? stored_row : height_ - 1 - stored_row;
  return image.rgb.data() + 3 * y * width_;
}

DecodedImage BmpReader::Read() {
  ReadHeader();
  const bool run_lengths = compression_ == kRunLength8 || compression_ == kRunLength4;
  CheckLimits(source_, width_, height_, run_lengths ? SaturatingMultiply(width_, height_) : width_);
  if (pixels_ > source_.size()) Fail("its pixels are said to start behind the end of the file");
  if (run_lengths) {
    const std::vector<uint8_t> indices = ReadRunLengths();
    Image image = AllocateImage(source_, width_, height_, 0);
    for (int64_t row = 0; row < height_; ++row) {
      PaletteRowToRgb(indices.data() + row * width_, width_, palette_, source_.options.alpha,
                      Row(image, row));
    }
    return {std::move(image), 1};
  }
  const int64_t needed = Stride() * (height_ - 1) + (width_ * bits_ + 7) / 8;
  const auto found = static_cast<int64_t>(source_.size() - pixels_);
  if (found < needed) {
    Fail("expected " + std::to_string(needed) + " bytes of pixels, found " + std::to_string(found));
  }
  Image image = AllocateImage(source_, width_, height_, 0);
  ReadRows(image);
  return {std::move(image), 1};
}

void BmpReader::ReadRows(Image& image) const {
  std::vector<uint8_t> indices(bits_ <= 8 ? width_ : 0);
  for (int64_t row = 0; row < height_; ++row) {
    CheckTime(source_);
    ConvertRow(source_.data() + pixels_ + row * Stride(), indices, Row(image, row));
  }
}

void BmpReader::ConvertRow(const uint8_t* row, std::vector<uint8_t>& indices, uint8_t* rgb) const {
  if (bits_ <= 8) {
    UnpackBits(row, width_, bits_, indices.data());
    PaletteRowToRgb(indices.data(), width_, palette_, source_.options.alpha, rgb);
    return;
  }
  for (int64_t x = 0; x < width_; ++x, rgb += 3) {
    if (bits_ == 16) {
      const int pixel = row[2 * x] | row[2 * x + 1] << 8;
      const int green =
          six_bit_green_ ? (pixel >> 5 & 63) * 255 / 63 : (pixel >> 5 & 31) * 255 / 31;
      rgb[0] = static_cast<uint8_t>((pixel >> (six_bit_green_ ? 11 : 10) & 31) * 255 / 31);
      rgb[1] = static_cast<uint8_t>(green);
      rgb[2] = static_cast<uint8_t>((pixel & 31) * 255 / 31);
      continue;
    }
    const uint8_t* pixel = row + x * (bits_ / 8);
    const int alpha = channel_bytes_[3];
    StoreRgba({pixel[channel_bytes_[0]], pixel[channel_bytes_[1]], pixel[channel_bytes_[2]],
               alpha < 0 ? uint8_t{255} : pixel[alpha]},
              source_.options.alpha, rgb);
  }
}

// One index per pixel, rows as stored. Runs are cut at the end of their row, as in Pillow.
std::vector<uint8_t> BmpReader::ReadRunLengths() const {
  const auto total = static_cast<size_t>(width_ * height_);
  std::vector<uint8_t> pixels;
  pixels.reserve(total);
  size_t at = pixels_;
  size_t x = 0;
  while (pixels.size() < total && at + 2 <= source_.size()) {
    const size_t count = source_.data()[at];
    const uint8_t value = source_.data()[at + 1];
    at += 2;
    if (count == 0) {
      if (!ReadEscape(value, at, x, pixels, total)) break;
      continue;
    }
    const size_t left = static_cast<size_t>(width_) - std::min<size_t>(x, width_);
    const size_t run = std::min({count, left, total - pixels.size()});
    for (size_t i = 0; i < run; ++i) {
      const int nibble = i % 2 == 0 ? value >> 4 : value & 15;
      pixels.push_back(compression_ == kRunLength4 ? static_cast<uint8_t>(nibble) : value);
    }
    x += run;
  }
  if (pixels.size() < total) {
    Fail("expected " + std::to_string(total) + " pixels, found " + std::to_string(pixels.size()));
  }
  return pixels;
}

// Codes behind a count of zero. Returns false where the pixels end.
bool BmpReader::ReadEscape(uint8_t code, size_t& at, size_t& x, std::vector<uint8_t>& pixels,
                           size_t total) const {
  const auto width = static_cast<size_t>(width_);
  if (code == 0) {  // end of the row
    pixels.resize((pixels.size() + width - 1) / width * width);
    x = 0;
    return true;
  }
  if (code == 1) return false;  // end of the picture
  if (code == 2) {              // skip to the right and up
    if (at + 2 > source_.size()) return false;
    const size_t skipped = source_.data()[at] + source_.data()[at + 1] * width;
    at += 2;
    pixels.resize(pixels.size() + std::min(total - pixels.size(), skipped));
    x = pixels.size() % width;
    return true;
  }
  const size_t count = std::min<size_t>(total - pixels.size(), code);
  const size_t bytes = compression_ == kRunLength4 ? (count + 1) / 2 : count;
  if (bytes > source_.size() - at) return false;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* data = source_.data() + at;
    const int nibble = i % 2 == 0 ? data[i / 2] >> 4 : data[i / 2] & 15;
    pixels.push_back(compression_ == kRunLength4 ? static_cast<uint8_t>(nibble) : data[i]);
  }
  at += bytes;
  at += at % 2;  // literal pixels are padded to an even place in the file
  x += code;
  return true;
}

}  // namespace

DecodedImage DecodeBmp(const ImageSource& source) { return BmpReader(source).Read(); }

}  // namespace siglip
