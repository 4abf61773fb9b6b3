#include "weights/weight_source.h"

#include <algorithm>

namespace siglip {
namespace {

/// All rows, read once.
class RowsInMemory final : public RowSource {
 public:
  explicit RowsInMemory(std::vector<float> values) : values_(std::move(values)) {}

  void ReadRow(int64_t row, std::span<float> out) const override {
    std::copy_n(values_.data() + static_cast<size_t>(row) * out.size(), out.size(), out.data());
  }

 private:
  std::vector<float> values_;  // row-major
};

}  // namespace

std::shared_ptr<const RowSource> WeightSource::OpenRows(const TensorSpec& matrix) const {
  return std::make_shared<RowsInMemory>(Read(matrix));
}

}  // namespace siglip
