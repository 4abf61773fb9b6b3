// The rows that a resize reads: of a picture in memory, or of one that is being decoded.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "image/image_view.h"
#include "image/row_decoder.h"

namespace siglip {

/// Windows of rows that move downwards only.
class RowWindow {
 public:
  RowWindow() = default;
  RowWindow(const RowWindow&) = delete;
  RowWindow& operator=(const RowWindow&) = delete;
  virtual ~RowWindow() = default;

  /// Before the first call of Rows: the most rows that any call will ask for.
  virtual void Reserve(int64_t rows) = 0;
  /// Rows [begin, end), valid until the next call. Each is readable kResizeRowSlack bytes past its
  /// end. Neither `begin` nor `end` may decrease from call to call.
  virtual const uint8_t* const* Rows(int64_t begin, int64_t end) = 0;
};

class ImageRows : public RowWindow {
 public:
  explicit ImageRows(const ImageView& image);
  void Reserve(int64_t) override {}
  const uint8_t* const* Rows(int64_t begin, int64_t) override { return rows_.data() + begin; }

 private:
  std::vector<const uint8_t*> rows_;
  std::vector<uint8_t> copies_;  // of rows too near the end of the picture's memory
};

class DecodedRows : public RowWindow {
 public:
  explicit DecodedRows(RowDecoder& decoder) : decoder_(decoder) {}
  void Reserve(int64_t rows) override;
  const uint8_t* const* Rows(int64_t begin, int64_t end) override;
  /// Decodes what no window reached, for the errors that may be in it.
  void Finish();
  /// Spent decoding.
  std::chrono::nanoseconds time() const { return time_; }

 private:
  void DecodeUpTo(int64_t end);
  uint8_t* RingRow(int64_t row) { return ring_.data() + row % ring_rows_ * stride_; }

  RowDecoder& decoder_;
  int64_t ring_rows_ = 0;
  int64_t stride_ = 0;
  int64_t decoded_ = 0;  // rows so far
  std::vector<uint8_t> ring_;
  std::vector<uint8_t*> targets_;
  std::vector<const uint8_t*> window_;
  std::chrono::nanoseconds time_{0};
};

}  // namespace siglip
