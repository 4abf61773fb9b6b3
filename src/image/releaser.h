// Objects of C libraries in smart pointers.
#pragma once

namespace siglip {

/// For std::unique_ptr: `Release` is the library's function that frees such an object.
template <auto Release>
struct Releaser {
  template <typename T>
  void operator()(T* object) const {
    Release(object);
  }
};

}  // namespace siglip
