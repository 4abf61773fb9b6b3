// The arrays of a .npz file: numpy's .npy files in a zip archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "siglip/tensor.hpp"
#include "weights/npy_header.h"
#include "weights/zip_archive.h"

namespace siglip {

/// One array of a .npz file.
struct NpzArray {
  std::string name;  ///< As numpy shows it: without ".npy".
  ZipMember member;
  NpyHeader header;
  std::optional<DType> dtype;  ///< Nothing for a type that this library has no use for.
};

/// Members are unpacked when they are read. One that holds several layers is unpacked once as long
/// as they are asked for in order. Safe to use from several threads at once.
class NpzReader {
 public:
  /// Reads the directory and every header of `file`, a whole archive that must outlive this object,
  /// and checks that types, shapes and sizes agree. `name` is what errors call it. Throws
  /// Error(kMalformedFile) or Error(kUnsupported).
  NpzReader(std::span<const std::byte> file, std::string name);

  const std::vector<NpzArray>& arrays() const { return arrays_; }
  /// The elements of array `index` from `first` on as float, in row-major order whatever their
  /// order in the file. Throws Error(kMalformedFile) when they cannot be unpacked.
  void Read(size_t index, int64_t first, std::span<float> values) const;

 private:
  NpzArray ReadHeader(ZipMember member) const;
  std::string Where(const ZipMember& member) const;
  void ReadInFileOrder(size_t index, int64_t first, std::span<float> values) const;

  std::span<const std::byte> file_;
  std::string name_;
  std::vector<NpzArray> arrays_;
  mutable std::mutex mutex_;
  mutable std::map<size_t, ZipStream> streams_;  // half-read members by index
};

}  // namespace siglip
