#include "image/row_window.h"

#include <algorithm>
#include <cstring>

#include "image/resize_kernels.h"

namespace siglip {

ImageRows::ImageRows(const ImageView& image) : rows_(static_cast<size_t>(image.height)) {
  const int64_t row_bytes = image.width * 3;
  const int64_t copied = std::min(image.height, kResizeRowSlack / row_bytes + 1);
  const int64_t first_copied = image.height - copied;
  copies_.resize(static_cast<size_t>(copied * row_bytes + kResizeRowSlack));
  for (int64_t y = 0; y < image.height; ++y) {
    if (y < first_copied) {
      rows_[y] = image.row(y);
    } else {
      uint8_t* const copy = copies_.data() + (y - first_copied) * row_bytes;
      std::memcpy(copy, image.row(y), static_cast<size_t>(row_bytes));
      rows_[y] = copy;
    }
  }
}

void DecodedRows::Reserve(int64_t rows) {
  ring_rows_ = rows;
  stride_ = decoder_.size().width * 3 + kResizeRowSlack;
  ring_.resize(static_cast<size_t>(rows * stride_));
  targets_.resize(static_cast<size_t>(rows));
  window_.resize(static_cast<size_t>(rows));
}

const uint8_t* const* DecodedRows::Rows(int64_t begin, int64_t end) {
  DecodeUpTo(end);
  for (int64_t row = begin; row < end; ++row) window_[row - begin] = RingRow(row);
  return window_.data();
}

void DecodedRows::Finish() { DecodeUpTo(decoder_.size().height); }

void DecodedRows::DecodeUpTo(int64_t end) {
  const auto start = std::chrono::steady_clock::now();
  while (decoded_ < end) {
    const int64_t count = std::min(end - decoded_, ring_rows_);
    for (int64_t k = 0; k < count; ++k) targets_[k] = RingRow(decoded_ + k);
    decoder_.Read(targets_.data(), count);
    decoded_ += count;
  }
  time_ += std::chrono::steady_clock::now() - start;
}

}  // namespace siglip
