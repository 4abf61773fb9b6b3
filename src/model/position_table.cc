#include "model/position_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {

PositionTable::PositionTable(std::vector<float> values, int64_t side, int64_t width,
                             PositionInterpolation interpolate)
    : values_(std::move(values)), table_{values_, side, width}, interpolate_(interpolate) {}

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
  made.positions = std::make_shared<const MatrixBuffer>(interpolate_(table_, rows, columns));
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
