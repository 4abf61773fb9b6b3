#include "image/grey_means.h"

#include <algorithm>
#include <array>
#include <vector>

namespace siglip {
namespace {

constexpr int64_t kColumns = 9;
constexpr int64_t kRows = 8;

/// One of `fields` equal parts of a line of pixels. In units of which a pixel has `fields`, it is
/// as long as there are pixels, and both begin and end at whole units.
class Part {
 public:
  Part(int64_t index, int64_t fields, int64_t pixels)
      : fields_(fields), begin_(index * pixels), end_(begin_ + pixels) {}

  // The pixels of which it has more than nothing.
  int64_t first() const { return begin_ / fields_; }
  int64_t last() const { return (end_ - 1) / fields_; }
  /// How many units of one of these.
  int64_t UnitsOf(int64_t pixel) const {
    return std::min(end_, (pixel + 1) * fields_) - std::max(begin_, pixel * fields_);
  }

 private:
  int64_t fields_;
  int64_t begin_;
  int64_t end_;
};

/// As Pillow's convert("L").
uint8_t Grey(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

/// Of a row of pixels, the sums over each field's part of it.
std::array<int64_t, kColumns> SumsOfRow(const std::vector<uint8_t>& greys) {
  std::array<int64_t, kColumns> sums = {};
  for (int64_t column = 0; column < kColumns; ++column) {
    const Part part(column, kColumns, std::ssize(greys));
    // Of the pixels between its first and its last, the part has all.
    int64_t between = 0;
    for (int64_t x = part.first() + 1; x < part.last(); ++x) {
      between += greys[static_cast<size_t>(x)];
    }
    int64_t& sum = sums[static_cast<size_t>(column)];
    sum =
        between * kColumns + greys[static_cast<size_t>(part.first())] * part.UnitsOf(part.first());
    if (part.last() > part.first()) {
      sum += greys[static_cast<size_t>(part.last())] * part.UnitsOf(part.last());
    }
  }
  return sums;
}

}  // namespace

PictureGreys GreyMeans(const ImageView& image) {
  std::array<std::array<int64_t, kColumns>, kRows> sums = {};
  std::vector<uint8_t> greys(static_cast<size_t>(image.width));
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* const pixels = image.row(y);
    for (int64_t x = 0; x < image.width; ++x) greys[static_cast<size_t>(x)] = Grey(pixels + 3 * x);
    const std::array<int64_t, kColumns> row = SumsOfRow(greys);
    // The fields that have a part of this row of pixels.
    const int64_t first = y * kRows / image.height;
    const int64_t last = ((y + 1) * kRows - 1) / image.height;
    for (int64_t field = first; field <= last; ++field) {
      const int64_t units = Part(field, kRows, image.height).UnitsOf(y);
      for (size_t column = 0; column < kColumns; ++column) {
        sums[static_cast<size_t>(field)][column] += units * row[column];
      }
    }
  }
  PictureGreys means;
  const int64_t area = image.width * image.height;  // of a field, in units of both directions
  auto mean = means.begin();
  for (const auto& row : sums) {
    for (const int64_t sum : row) *mean++ = static_cast<uint8_t>((sum + area / 2) / area);
  }
  return means;
}

}  // namespace siglip
