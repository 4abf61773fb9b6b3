#include "siglip/tensor.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "siglip/error.h"
#include "tensor/float16.h"

namespace siglip {

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

void ConvertToFloat(const TensorView& view, std::span<float> out) {
  const int64_t count = ElementCount(view.shape);
  if (static_cast<size_t>(count) != out.size() ||
      view.data.size() != out.size() * static_cast<size_t>(SizeOf(view.dtype))) {
    throw Error(ErrorCode::kMismatch, "expected " + std::to_string(out.size()) +
                                          " elements, found shape " + ToString(view.shape));
  }
  const std::byte* data = view.data.data();
  // The bytes may be unaligned, hence memcpy element by element; compilers vectorise it.
  const auto convert = [&]<typename Stored>(auto to_float) {
    for (size_t i = 0; i < out.size(); ++i) {
      Stored stored;
      std::memcpy(&stored, data + i * sizeof(Stored), sizeof(Stored));
      out[i] = to_float(stored);
    }
  };
  switch (view.dtype) {
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
                  "expected a floating-point dtype, found " + std::string(ToString(view.dtype)));
  }
}

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), element_count_(ElementCount(shape_)) {
  if (element_count_ > std::numeric_limits<int64_t>::max() / SizeOf(dtype)) {
    throw Error(ErrorCode::kInvalidArgument, "impossible shape " + ToString(shape_));
  }
  // Zeroed by the system where the block is large, without touching its pages now.
  auto* data = static_cast<std::byte*>(std::calloc(std::max<size_t>(byte_count(), 1), 1));
  if (data == nullptr) throw std::bad_alloc();
  data_ = std::shared_ptr<std::byte[]>(data, [](std::byte* block) { std::free(block); });
}

Tensor::Tensor(Shape shape, const std::vector<float>& values)
    : Tensor(DType::kF32, std::move(shape)) {
  if (values.size() != static_cast<size_t>(element_count_)) {
    throw Error(ErrorCode::kMismatch, "shape " + ToString(shape_) + " holds " +
                                          std::to_string(element_count_) + " values, found " +
                                          std::to_string(values.size()));
  }
  if (!values.empty()) std::memcpy(data_.get(), values.data(), byte_count());
}

int64_t Tensor::dim(int axis) const {
  const int rank = static_cast<int>(shape_.size());
  const int index = axis < 0 ? axis + rank : axis;
  if (index < 0 || index >= rank) {
    throw Error(ErrorCode::kInvalidArgument,
                "axis " + std::to_string(axis) + " of a tensor of shape " + ToString(shape_));
  }
  return shape_[static_cast<size_t>(index)];
}

std::span<float> Tensor::floats() {
  if (dtype_ != DType::kF32) {
    throw Error(ErrorCode::kMismatch, "expected F32, found " + std::string(ToString(dtype_)));
  }
  return {reinterpret_cast<float*>(data_.get()), static_cast<size_t>(element_count_)};
}

std::span<const float> Tensor::floats() const { return const_cast<Tensor*>(this)->floats(); }

}  // namespace siglip
