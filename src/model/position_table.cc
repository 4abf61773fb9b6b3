// See position_table.h. Source of the arithmetic: torch's aten/src/ATen/native/cpu/
// UpSampleKernel.cpp (weights with antialiasing; rows of the table first, then its columns).
#include "model/position_table.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "siglip/error.h"

namespace siglip {
namespace {

/// Neighbours along one axis that an output is the weighted mean of.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

/// The window of output `i` of `out` on an axis of `in` entries: a triangle, as wide as the outputs
/// are apart, but never narrower than the entries are.
Taps TapsAt(int64_t i, int64_t in, int64_t out) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float support = scale >= 1.0F ? scale : 1.0F;
  const float inverse = scale >= 1.0F ? static_cast<float>(1.0 / scale) : 1.0F;
  const auto center = static_cast<float>(scale * (static_cast<double>(i) + 0.5));
  const auto bound = [](float position) { return static_cast<int64_t>(position + 0.5); };
  Taps taps;
  taps.first = std::max<int64_t>(bound(center - support), 0);
  // Rounding may let one entry more in than torch has room for.
  const int64_t most = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  const int64_t end = std::min({bound(center + support), in, taps.first + most});
  float total = 0;
  for (int64_t j = taps.first; j < end; ++j) {
    const double distance = static_cast<double>(static_cast<float>(j) - center) + 0.5;
    const float weight = std::max(0.0F, 1.0F - std::abs(static_cast<float>(distance * inverse)));
    taps.weights.push_back(weight);
    total += weight;
  }
  for (float& weight : taps.weights) weight /= total;
  return taps;
}

/// out += sum over the taps of weight * entry, entries being `stride` apart.
void AddWeighted(const Taps& taps, const float* entries, size_t stride, size_t width, float* out) {
  const float* entry = entries + static_cast<size_t>(taps.first) * stride;
  for (const float weight : taps.weights) {
    for (size_t d = 0; d < width; ++d) out[d] += weight * entry[d];
    entry += stride;
  }
}

}  // namespace

PositionTable::PositionTable(std::vector<float> values, int64_t side, int64_t width)
    : values_(std::move(values)), side_(side), width_(width) {}

MatrixBuffer PositionTable::Resize(int64_t rows, int64_t columns) const {
  const auto width = static_cast<size_t>(width_);
  const size_t narrowed_row = static_cast<size_t>(columns) * width;
  std::vector<float> narrowed(static_cast<size_t>(side_) * narrowed_row);  // [side, columns, width]
  for (int64_t x = 0; x < columns; ++x) {
    const Taps taps = TapsAt(x, side_, columns);
    for (int64_t y = 0; y < side_; ++y) {
      AddWeighted(taps, values_.data() + static_cast<size_t>(y * side_) * width, width, width,
                  narrowed.data() + static_cast<size_t>(y * columns + x) * width);
    }
  }
  MatrixBuffer resized(rows * columns, width_);
  for (int64_t y = 0; y < rows; ++y) {
    const Taps taps = TapsAt(y, side_, rows);
    for (int64_t x = 0; x < columns; ++x) {
      AddWeighted(taps, narrowed.data() + static_cast<size_t>(x) * width, narrowed_row, width,
                  resized.matrix().row(y * columns + x));
    }
  }
  return resized;
}

std::shared_ptr<const MatrixBuffer> PositionTable::For(int64_t rows, int64_t columns) const {
  if (rows < 1 || columns < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "position embedding: expected at least 1 x 1 patches, found " +
                    std::to_string(rows) + " x " + std::to_string(columns));
  }
  const std::pair shape(rows, columns);
  {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(shape);
    if (found != kept_.end()) {
      found->second.last_use = ++uses_;
      return found->second.positions;
    }
  }
  // Not under the lock: others need not wait, and two that resize to the same shape agree.
  Kept made;
  made.positions = std::make_shared<const MatrixBuffer>(Resize(rows, columns));
  const Matrix& matrix = made.positions->matrix();
  made.bytes = matrix.rows * static_cast<int64_t>(matrix.stride * sizeof(float));
  if (made.bytes > kMostKeptBytes) return made.positions;
  const std::lock_guard lock(mutex_);
  made.last_use = ++uses_;
  const auto [kept, is_new] = kept_.emplace(shape, std::move(made));
  std::shared_ptr<const MatrixBuffer> positions = kept->second.positions;
  if (is_new) kept_bytes_ += kept->second.bytes;
  while (kept_bytes_ > kMostKeptBytes) ForgetOldest();
  return positions;
}

void PositionTable::ForgetOldest() const {
  const auto oldest =
      std::ranges::min_element(kept_, {}, [](const auto& entry) { return entry.second.last_use; });
  kept_bytes_ -= oldest->second.bytes;
  kept_.erase(oldest);
}

void PositionTable::ForgetThreads() {
  if (!MakeLockAnew(mutex_)) return;
  MakeAnew(kept_);
  kept_bytes_ = 0;
}

int64_t PositionTable::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace siglip
