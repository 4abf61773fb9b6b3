#include "siglip/tensor.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace siglip {
namespace {

/// The bytes of a tensor. Throws Error(kInvalidArgument) where nothing holds that many.
size_t ByteCount(DType dtype, const Shape& shape) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(ElementCount(shape), SizeOf(dtype), &bytes)) {
    throw Error(ErrorCode::kInvalidArgument, "impossible shape " + ToString(shape));
  }
  return static_cast<size_t>(bytes);
}

void CheckByteCount(DType dtype, const Shape& shape, size_t found) {
  const size_t expected = ByteCount(dtype, shape);
  if (found == expected) return;
  throw Error(ErrorCode::kMismatch, std::string(ToString(dtype)) + " " + ToString(shape) +
                                        " needs " + std::to_string(expected) + " bytes, found " +
                                        std::to_string(found));
}

void CheckAlignment(DType dtype, std::span<const std::byte> bytes) {
  const auto size = static_cast<uintptr_t>(SizeOf(dtype));
  if (bytes.empty() || reinterpret_cast<uintptr_t>(bytes.data()) % size == 0) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(ToString(dtype)) +
                                               ": expected memory aligned to " +
                                               std::to_string(size) + " bytes, found other");
}

int64_t Extent(const Shape& shape, int axis) {
  const int rank = static_cast<int>(shape.size());
  const int index = axis < 0 ? axis + rank : axis;
  if (index < 0 || index >= rank) {
    throw Error(ErrorCode::kInvalidArgument,
                "axis " + std::to_string(axis) + " of a tensor of shape " + ToString(shape));
  }
  return shape[static_cast<size_t>(index)];
}

}  // namespace

int64_t SizeOf(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64: return 8;
    case DType::kF32:
    case DType::kI32: return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16: return 2;
    case DType::kI8:
    case DType::kU8:
    case DType::kBool: return 1;
  }
  return 0;
}

std::string_view ToString(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "F32";
    case DType::kF16: return "F16";
    case DType::kBF16: return "BF16";
    case DType::kF64: return "F64";
    case DType::kI64: return "I64";
    case DType::kI32: return "I32";
    case DType::kI16: return "I16";
    case DType::kI8: return "I8";
    case DType::kU8: return "U8";
    case DType::kBool: return "BOOL";
  }
  return "unknown";
}

int64_t ElementCount(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw Error(ErrorCode::kInvalidArgument, "impossible shape " + ToString(shape));
    }
  }
  return count;
}

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

TensorView::TensorView(DType dtype, Shape shape, std::span<const std::byte> bytes)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(bytes) {
  CheckByteCount(dtype_, shape_, bytes_.size());
}

int64_t TensorView::dim(int axis) const { return Extent(shape_, axis); }

void TensorView::CheckValues(DType expected, DType found, std::span<const std::byte> bytes) {
  if (found != expected) {
    throw Error(ErrorCode::kMismatch, "expected " + std::string(ToString(expected)) + ", found " +
                                          std::string(ToString(found)));
  }
  CheckAlignment(found, bytes);
  if (found != DType::kBool) return;
  // To read another byte as a bool is undefined.
  for (const std::byte byte : bytes) {
    if (byte <= std::byte{1}) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "BOOL: expected 0 or 1, found " + std::to_string(static_cast<int>(byte)));
  }
}

void ConvertToFloat(const TensorView& view, std::span<float> out) {
  if (static_cast<size_t>(view.size()) != out.size()) {
    throw Error(ErrorCode::kMismatch, "expected " + std::to_string(out.size()) +
                                          " elements, found shape " + ToString(view.shape()));
  }
  const std::byte* data = view.bytes().data();
  // The bytes may be unaligned, hence memcpy element by element; compilers vectorise it.
  const auto convert = [&]<typename Stored>(auto to_float) {
    for (size_t i = 0; i < out.size(); ++i) {
      Stored stored;
      std::memcpy(&stored, data + i * sizeof(Stored), sizeof(Stored));
      out[i] = to_float(stored);
    }
  };
  switch (view.dtype()) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), data, out.size_bytes());
      return;
    case DType::kF16: convert.operator()<uint16_t>(Float16ToFloat); return;
    case DType::kBF16: convert.operator()<uint16_t>(BFloat16ToFloat); return;
    case DType::kF64:
      convert.operator()<double>([](double value) { return static_cast<float>(value); });
      return;
    default:
      throw Error(ErrorCode::kMismatch,
                  "expected a floating-point dtype, found " + std::string(ToString(view.dtype())));
  }
}

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), element_count_(ElementCount(shape_)) {
  // Zeroed by the system where the block is large, without touching its pages now.
  const size_t bytes = std::max<size_t>(ByteCount(dtype_, shape_), 1);
  auto* data = static_cast<std::byte*>(std::calloc(bytes, 1));
  if (data == nullptr) throw std::bad_alloc();
  data_ = std::shared_ptr<std::byte[]>(data, [](std::byte* block) { std::free(block); });
}

Tensor::Tensor(Shape shape, const std::vector<float>& values)
    : Tensor(TensorView(DType::kF32, std::move(shape), std::as_bytes(std::span(values)))) {}

Tensor::Tensor(DType dtype, Shape shape, std::span<std::byte> bytes, std::shared_ptr<void> owner)
    : dtype_(dtype),
      shape_(std::move(shape)),
      element_count_(ElementCount(shape_)),
      data_(std::move(owner), bytes.data()) {
  CheckByteCount(dtype_, shape_, bytes.size());
  CheckAlignment(dtype_, bytes);
}

Tensor::Tensor(const TensorView& elements) : Tensor(elements.dtype(), elements.shape()) {
  std::ranges::copy(elements.bytes(), data_.get());
}

int64_t Tensor::dim(int axis) const { return Extent(shape_, axis); }

}  // namespace siglip
