// Tensors of the library as arrays of numpy, and the other way round. Nothing is copied.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "siglip/tensor.hpp"

namespace siglip::python {

namespace nb = nanobind;

/// Whatever shares its memory without gaps, of any type and shape: its bytes are meant.
using AnyArray = nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

/// Arrays that are handed in: contiguous, on the CPU.
template <class Value>
using ArrayOf = nb::ndarray<const Value, nb::c_contig, nb::device::cpu>;
using FloatArray = ArrayOf<float>;

template <class Value>
TensorView ViewOf(const ArrayOf<Value>& array) {
  Shape shape;
  for (size_t axis = 0; axis < array.ndim(); ++axis) {
    shape.push_back(static_cast<int64_t>(array.shape(axis)));
  }
  return {DTypeOf<Value>(), std::move(shape),
          std::as_bytes(std::span<const Value>(array.data(), array.size()))};
}

/// An empty view for what was left out.
template <class Value>
TensorView ViewOf(const std::optional<ArrayOf<Value>>& array) {
  return array ? ViewOf(*array) : TensorView{};
}

/// An array of numpy over the elements, which it keeps.
template <class Value>
nb::object ToArray(Tensor tensor) {
  auto* const owned = new Tensor(std::move(tensor));
  const nb::capsule owner(owned,
                          [](void* pointer) noexcept { delete static_cast<Tensor*>(pointer); });
  const std::vector<size_t> shape(owned->shape().begin(), owned->shape().end());
  return nb::cast(nb::ndarray<nb::numpy, Value>(owned->template values<Value>().data(),
                                                shape.size(), shape.data(), owner));
}

inline nb::object ToArray(Tensor tensor) { return ToArray<float>(std::move(tensor)); }

inline nb::object ToArray(std::optional<Tensor> tensor) {
  return tensor ? ToArray<float>(std::move(*tensor)) : nb::none();
}

inline nb::list ToArrays(std::vector<Tensor> tensors) {
  nb::list arrays;
  for (Tensor& tensor : tensors) arrays.append(ToArray<float>(std::move(tensor)));
  return arrays;
}

}  // namespace siglip::python
