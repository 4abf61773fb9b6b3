// Dense row-major tensors: Tensor, whose elements can be written, and TensorView to read those of
// anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/export.hpp"

namespace siglip {

/// Element types of safetensors that this library reads or writes.
enum class DType { kF32, kF16, kBF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes of one element.
SIGLIP_EXPORT int64_t SizeOf(DType dtype);
/// The name safetensors uses: "F32", "BF16", ...
SIGLIP_EXPORT std::string_view ToString(DType dtype);

/// Extents, outermost first. Empty for a scalar.
using Shape = std::vector<int64_t>;

/// Product of the extents. Throws Error(kInvalidArgument) on a negative extent or on overflow.
SIGLIP_EXPORT int64_t ElementCount(const Shape& shape);
/// "[2, 3, 224, 224]"
SIGLIP_EXPORT std::string ToString(const Shape& shape);

/// The dtype of a C++ type; F16 and BF16 have none.
template <class Value>
constexpr DType DTypeOf() = delete;
template <>
constexpr DType DTypeOf<float>() {
  return DType::kF32;
}
template <>
constexpr DType DTypeOf<double>() {
  return DType::kF64;
}
template <>
constexpr DType DTypeOf<int64_t>() {
  return DType::kI64;
}
template <>
constexpr DType DTypeOf<int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType DTypeOf<int16_t>() {
  return DType::kI16;
}
template <>
constexpr DType DTypeOf<int8_t>() {
  return DType::kI8;
}
template <>
constexpr DType DTypeOf<uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}

/// Borrowed elements that cannot be changed, contiguous and row-major: of a Tensor, which converts
/// to it, of a mapped file, or of any memory. Valid as long as what it was taken from.
class SIGLIP_EXPORT TensorView {
 public:
  /// No elements: F32 [0].
  TensorView() = default;
  /// `bytes` need not be aligned. Throws Error(kMismatch) unless they are as many as `shape` needs,
  /// and as ElementCount does.
  TensorView(DType dtype, Shape shape, std::span<const std::byte> bytes);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// The extent of one axis; negative axes count from the end. Throws Error(kInvalidArgument) when
  /// there is no such axis.
  int64_t dim(int axis) const;
  /// Count of elements.
  int64_t size() const { return static_cast<int64_t>(bytes_.size()) / SizeOf(dtype_); }
  bool empty() const { return bytes_.empty(); }

  /// The elements. Throws Error(kMismatch) when Value is not what dtype() stands for,
  /// Error(kInvalidArgument) when the bytes are not aligned, as in some files, for which there is
  /// ConvertToFloat, or when a bool is neither 0 nor 1, for which it looks at all of them.
  template <class Value>
  std::span<const Value> values() const {
    CheckValues(DTypeOf<Value>(), dtype_, bytes_);
    return {reinterpret_cast<const Value*>(bytes_.data()), static_cast<size_t>(size())};
  }
  /// values<float>(), in short.
  std::span<const float> floats() const { return values<float>(); }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  friend class Tensor;
  /// Throws what values() does.
  static void CheckValues(DType expected, DType found, std::span<const std::byte> bytes);

  DType dtype_ = DType::kF32;
  Shape shape_ = {0};
  std::span<const std::byte> bytes_;
};

/// Copies any of F32, F16, BF16, F64 to float (exact except for F64, which rounds to nearest).
/// `view` need not be aligned. Throws Error(kMismatch) for other dtypes or when `out` has another
/// element count.
SIGLIP_EXPORT void ConvertToFloat(const TensorView& view, std::span<float> out);

/// A tensor that owns its elements, or borrows memory to write them to.
///
/// A handle, as in torch: copies are cheap and share the elements. A `const Tensor` hands out none
/// that can be changed, but a copy of it is a handle that does; what must not change its input
/// takes a TensorView, of which no Tensor can be made without copying the elements.
class SIGLIP_EXPORT Tensor {
 public:
  /// No elements: F32 [0].
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape);
  /// F32 from values in row-major order; their count must be the product of `shape`.
  Tensor(Shape shape, const std::vector<float>& values);
  /// Over memory of the caller, which stays as it is. `owner` is held as long as the elements are
  /// in use; without one the memory must outlive this tensor and its copies. Throws
  /// Error(kMismatch) unless `bytes` are as many as `shape` needs, Error(kInvalidArgument) unless
  /// they are aligned to SizeOf(dtype), and as ElementCount does.
  Tensor(DType dtype, Shape shape, std::span<std::byte> bytes, std::shared_ptr<void> owner);
  /// A copy of the elements.
  explicit Tensor(const TensorView& elements);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// The extent of one axis; negative axes count from the end. Throws Error(kInvalidArgument) when
  /// there is no such axis.
  int64_t dim(int axis) const;
  /// Count of elements.
  int64_t size() const { return element_count_; }
  bool empty() const { return element_count_ == 0; }

  /// The elements. Throws Error(kMismatch) when Value is not what dtype() stands for,
  /// Error(kInvalidArgument) when a bool is neither 0 nor 1, for which it looks at all of them.
  template <class Value>
  std::span<Value> values() {
    TensorView::CheckValues(DTypeOf<Value>(), dtype_, bytes());
    return {reinterpret_cast<Value*>(data_.get()), static_cast<size_t>(element_count_)};
  }
  template <class Value>
  std::span<const Value> values() const {
    TensorView::CheckValues(DTypeOf<Value>(), dtype_, bytes());
    return {reinterpret_cast<const Value*>(data_.get()), static_cast<size_t>(element_count_)};
  }
  /// values<float>(), in short.
  std::span<float> floats() { return values<float>(); }
  std::span<const float> floats() const { return values<float>(); }

  std::span<std::byte> bytes() { return {data_.get(), byte_count()}; }
  std::span<const std::byte> bytes() const { return {data_.get(), byte_count()}; }

  operator TensorView() const { return view(); }  // NOLINT(google-explicit-constructor)
  TensorView view() const { return {dtype_, shape_, bytes()}; }

 private:
  size_t byte_count() const { return static_cast<size_t>(element_count_ * SizeOf(dtype_)); }

  DType dtype_ = DType::kF32;
  Shape shape_ = {0};
  int64_t element_count_ = 0;
  std::shared_ptr<std::byte[]> data_;
};

}  // namespace siglip
