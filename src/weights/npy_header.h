// The header of a .npy file (numpy.lib.format, versions 1 to 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "siglip/tensor.hpp"

namespace siglip {

struct NpyHeader {
  std::string dtype;  ///< numpy's code, e.g. "<f4".
  bool fortran_order = false;
  Shape shape;
  uint64_t data_begin = 0;  ///< Where the elements begin in the file.
};

/// Reads the header from the front of a file: `read` fills what it is handed with the next bytes.
/// `name` is what errors call the file. Throws Error(kMalformedFile), or Error(kUnsupported) for
/// another version or for records.
NpyHeader ReadNpyHeader(const std::function<void(std::span<std::byte>)>& read,
                        const std::string& name);

}  // namespace siglip
