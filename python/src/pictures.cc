// Pictures over memory of Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "arrays.h"
#include "parts.h"
#include "siglip/error.hpp"
#include "siglip/picture.hpp"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using PixelArray = nb::ndarray<const uint8_t, nb::device::cpu>;

/// Keeps what Python owns for pictures, which threads without Python's lock let go.
template <class Owned>
std::shared_ptr<const void> Keep(Owned owned) {
  return {new Owned(std::move(owned)), [](const void* pointer) {
            const nb::gil_scoped_acquire lock;
            // When the interpreter has gone, so has what would be let go.
            if (lock) delete static_cast<const Owned*>(pointer);
          }};
}

Picture FromBytes(const nb::object& data, nb::handle name) {
  if (nb::isinstance<nb::bytes>(data)) {
    const auto bytes = nb::borrow<nb::bytes>(data);
    const auto* const begin = static_cast<const std::byte*>(bytes.data());
    const size_t size = bytes.size();
    return Picture::BorrowedBytes({begin, size}, Keep(bytes), PathOf(name));
  }
  AnyArray array;
  if (!nb::try_cast(data, array)) {
    throw nb::type_error("data: expected bytes, or what shares its memory without gaps");
  }
  const std::span view(static_cast<const std::byte*>(array.data()), array.nbytes());
  return Picture::BorrowedBytes(view, Keep(std::move(array)), PathOf(name));
}

Picture FromPixels(PixelArray array, nb::handle name) {
  const size_t rank = array.ndim();
  if (rank != 2 && rank != 3) {
    throw Error(ErrorCode::kInvalidArgument, "pixels: expected [H, W] or [H, W, channels], found " +
                                                 std::to_string(rank) + " axes");
  }
  const PixelLayout layout = {.width = static_cast<int64_t>(array.shape(1)),
                              .height = static_cast<int64_t>(array.shape(0)),
                              .channels = rank == 2 ? 1 : static_cast<int64_t>(array.shape(2)),
                              .row_stride = array.stride(0)};
  const bool rows_are_dense =
      array.stride(1) == layout.channels && (rank == 2 || array.stride(2) == 1);
  if (!rows_are_dense || layout.row_stride < layout.width * layout.channels) {
    throw Error(ErrorCode::kInvalidArgument, "pixels: expected rows without gaps in them");
  }
  // From the first pixel of the first row to the last one of the last.
  const size_t size = layout.height == 0
                          ? 0
                          : static_cast<size_t>((layout.height - 1) * layout.row_stride +
                                                layout.width * layout.channels);
  const std::span<const uint8_t> pixels(array.data(), size);
  return Picture::BorrowedPixels(pixels, layout, Keep(std::move(array)), PathOf(name));
}

}  // namespace

void AddPictures(nb::module_& module) {
  nb::class_<Picture>(module, "Picture")
      .def_static(
          "file",
          [](nb::handle path, nb::handle name) {
            return Picture::File(PathOf(path), PathOf(name));
          },
          "path"_a, "name"_a = "")
      .def_static("bytes", &FromBytes, "data"_a, "name"_a = "")
      .def_static("pixels", &FromPixels, "pixels"_a, "name"_a = "");
}

}  // namespace siglip::python
