// Dense row-major tensors: Tensor owns its elements, TensorView borrows them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

/// Element types of safetensors that this library reads or writes.
enum class DType { kF32, kF16, kBF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes of one element.
int64_t SizeOf(DType dtype);
/// The name safetensors uses: "F32", "BF16", ...
std::string_view ToString(DType dtype);

/// Extents, outermost first. Empty for a scalar.
using Shape = std::vector<int64_t>;

/// Product of the extents. Throws Error(kInvalidArgument) on a negative extent or on overflow.
int64_t ElementCount(const Shape& shape);
/// "[2, 3, 224, 224]"
std::string ToString(const Shape& shape);

/// Borrowed, contiguous, row-major elements. Valid as long as what it was taken from.
/// `data` need not be aligned to the element size when it comes out of a mapped file.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> data;
};

/// Copies any of F32, F16, BF16, F64 to float (exact except for F64, which rounds to nearest).
/// Throws Error(kMismatch) for other dtypes or when `out` has another element count.
void ConvertToFloat(const TensorView& view, std::span<float> out);

/// An owning tensor; copies are cheap and share the elements.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape);
  /// F32 from values in row-major order; their count must be the product of `shape`.
  Tensor(Shape shape, const std::vector<float>& values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// The extent of one axis; negative axes count from the end.
  int64_t dim(int axis) const;
  int64_t size() const { return element_count_; }
  bool empty() const { return element_count_ == 0; }

  /// F32 elements. Throws Error(kMismatch) when dtype() is not kF32.
  std::span<float> floats();
  std::span<const float> floats() const;

  std::span<std::byte> bytes() { return {data_.get(), byte_count()}; }
  std::span<const std::byte> bytes() const { return {data_.get(), byte_count()}; }
  TensorView view() const { return {dtype_, shape_, bytes()}; }

 private:
  size_t byte_count() const { return static_cast<size_t>(element_count_ * SizeOf(dtype_)); }

  DType dtype_ = DType::kF32;
  Shape shape_ = {0};
  int64_t element_count_ = 0;
  std::shared_ptr<std::byte[]> data_;
};

}  // namespace siglip
