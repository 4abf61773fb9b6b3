// PBM, PGM and PPM, plain and binary, with Pillow's scaling of samples.
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/pixels.h"

namespace siglip {
namespace {

constexpr size_t kMaxTokenLength = 10;

bool IsSpace(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmReader {
 public:
  explicit PnmReader(const ImageSource& source) : source_(source) {}

  DecodedImage Read();

 private:
  void ReadHeader();
  int64_t ReadNumber();
  void SkipComment();
  void BuildScale();
  void CheckBinaryData() const;
  uint8_t NextSample();
  uint8_t NextPlainBit();
  void ReadBits(Image& image);
  void ReadSamples(Image& image);
  [[noreturn]] void Fail(std::string_view detail) const {
    ThrowMalformed(source_, ImageFormat::kPnm, detail);
  }

  const ImageSource& source_;
  size_t position_ = 2;  // behind "P1".."P6"
  bool plain_ = false;
  int kind_ = 0;  // 1: bits, 2: grey, 3: RGB
  int64_t width_ = 0;
  int64_t height_ = 0;
  int64_t max_value_ = 1;
  std::vector<uint8_t> scale_;  // from a stored sample to 8 bits
};

void PnmReader::SkipComment() {
  while (position_ < source_.size()) {
    const uint8_t c = source_.data()[position_++];
    if (c == '\n' || c == '\r') return;
  }
}

// A decimal number and the one character that ends it. As in Pillow, a comment inside a number
// does not end it.
int64_t PnmReader::ReadNumber() {
  int64_t value = 0;
  size_t digits = 0;
  while (position_ < source_.size()) {
    const uint8_t c = source_.data()[position_++];
    if (IsSpace(c)) {
      if (digits == 0) continue;
      return value;
    }
    if (c == '#') {
      SkipComment();
      continue;
    }
    if (c < '0' || c > '9') Fail("expected a number, found another character");
    if (++digits > kMaxTokenLength) Fail("a number of more than 10 digits");
    value = value * 10 + (c - '0');
  }
  if (digits == 0) Fail("the file ends where a number was expected");
  return value;
}

void PnmReader::ReadHeader() {
  const int magic = source_.data()[1] - '0';
  plain_ = magic <= 3;
  kind_ = plain_ ? magic : magic - 3;
  width_ = ReadNumber();
  height_ = ReadNumber();
  if (kind_ != 1) {
    max_value_ = ReadNumber();
    if (max_value_ < 1 || max_value_ > 65535) {
      Fail("expected a largest value of 1..65535, found " + std::to_string(max_value_));
    }
  }
}

// Pillow scales grey of more than 8 bits to 16 and then clips what exceeds 255.
void PnmReader::BuildScale() {
  const bool clips = kind_ == 2 && max_value_ > 255;
  const double largest = clips ? 65535 : 255;
  scale_.resize(static_cast<size_t>(max_value_) + 1);
  for (int64_t value = 0; value <= max_value_; ++value) {
    // nearbyint rounds halves to even, as Python's round does.
    const double scaled =
        std::nearbyint(static_cast<double>(value) / static_cast<double>(max_value_) * largest);
    scale_[value] = static_cast<uint8_t>(scaled > 255 ? 255 : scaled);
  }
}

void PnmReader::CheckBinaryData() const {
  const int64_t row =
      kind_ == 1 ? (width_ + 7) / 8 : width_ * (kind_ == 3 ? 3 : 1) * (max_value_ > 255 ? 2 : 1);
  const auto found = static_cast<int64_t>(source_.size() - position_);
  // Each sample of a plain picture takes at least one character.
  const int64_t needed =
      plain_ ? width_ * height_ * (kind_ == 3 ? 3 : 1) : SaturatingMultiply(row, height_);
  if (found < needed) {
    Fail("expected " + std::to_string(needed) + " bytes of pixels, found " + std::to_string(found));
  }
}

uint8_t PnmReader::NextSample() {
  int64_t value = 0;
  if (plain_) {
    value = ReadNumber();
    if (value > max_value_) Fail("a sample larger than the largest value stated");
  } else {
    value = source_.data()[position_++];
    if (max_value_ > 255) value = value << 8 | source_.data()[position_++];
    if (value > max_value_) value = max_value_;
  }
  return scale_[value];
}

uint8_t PnmReader::NextPlainBit() {
  while (position_ < source_.size()) {
    const uint8_t c = source_.data()[position_++];
    if (c == '0' || c == '1') return c - '0';
    if (c == '#') {
      SkipComment();
    } else if (!IsSpace(c)) {
      Fail("expected 0 or 1, found another character");
    }
  }
  Fail("the file ends before its last pixel");
}

void PnmReader::ReadBits(Image& image) {
  uint8_t* rgb = image.rgb.data();
  for (int64_t y = 0; y < height_; ++y) {
    CheckTime(source_);
    for (int64_t x = 0; x < width_; ++x, rgb += 3) {
      const int bit =
          plain_ ? NextPlainBit() : source_.data()[position_ + x / 8] >> (7 - x % 8) & 1;
      StoreGrey(bit != 0 ? 0 : 255, rgb);
    }
    if (!plain_) position_ += (width_ + 7) / 8;
  }
}

void PnmReader::ReadSamples(Image& image) {
  BuildScale();
  uint8_t* rgb = image.rgb.data();
  for (int64_t i = 0; i < width_ * height_; ++i, rgb += 3) {
    if (i % width_ == 0) CheckTime(source_);
    if (kind_ == 2) {
      StoreGrey(NextSample(), rgb);
    } else {
      for (int channel = 0; channel < 3; ++channel) rgb[channel] = NextSample();
    }
  }
}

DecodedImage PnmReader::Read() {
  ReadHeader();
  CheckLimits(source_, width_, height_, 65536);
  CheckBinaryData();
  Image image = AllocateImage(source_, width_, height_, 65536);
  if (kind_ == 1) {
    ReadBits(image);
  } else {
    ReadSamples(image);
  }
  return {std::move(image), 1};
}

}  // namespace

DecodedImage DecodePnm(const ImageSource& source) { return PnmReader(source).Read(); }

}  // namespace siglip
