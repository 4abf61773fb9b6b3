// The position embeddings of an image tower: one square table, resized to every picture's grid.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/fork_handler.h"
#include "model/position_interpolation.h"
#include "tensor/arena.h"

namespace siglip {

/// Safe to use from several threads.
class PositionTable {
 public:
  /// `values` [side, side, width].
  PositionTable(std::vector<float> values, int64_t side, int64_t width,
                PositionInterpolation interpolate);
  PositionTable(const PositionTable&) = delete;
  PositionTable& operator=(const PositionTable&) = delete;

  /// [rows * columns, width]. Tables used last are kept, up to a fixed amount of memory.
  std::shared_ptr<const MatrixBuffer> For(int64_t rows, int64_t columns) const;

  /// The table itself.
  std::span<const float> values() const { return values_; }
  /// Of what is kept.
  int64_t kept_bytes() const;

  static constexpr int64_t kMostKeptBytes = int64_t{64} << 20;

 private:
  struct Kept {
    std::shared_ptr<const MatrixBuffer> positions;
    int64_t bytes = 0;
    uint64_t last_use = 0;
  };

  void ForgetOldest() const;
  void ForgetThreads();

  const std::vector<float> values_;
  const SquareTable table_;
  const PositionInterpolation interpolate_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::map<std::pair<int64_t, int64_t>, Kept> kept_;
  mutable int64_t kept_bytes_ = 0;
  mutable uint64_t uses_ = 0;
  ForkHandler fork_handler_{[this] { ForgetThreads(); }};
};

}  // namespace siglip
