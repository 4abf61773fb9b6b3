// Reading and writing safetensors files (github.com/huggingface/safetensors, format section).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/tensor.hpp"
#include "siglip/write_options.hpp"

namespace siglip {

/// What a file's header says of one tensor.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< As the file spells it; may be one that has no DType, e.g. "F8_E4M3".
  Shape shape;
  uint64_t begin = 0;  ///< First byte, counted from the end of the header.
  uint64_t end = 0;    ///< One past the last byte.
};

/// A file mapped read-only. Opening checks the whole header: its length <= 100,000,000, JSON of
/// bounded depth, no duplicate names, dtypes of known width, offsets contiguous from 0 without
/// holes or overlaps, shape times dtype equal to the bytes, end of data equal to the end of the
/// file. Throws Error(kMalformedFile) naming the file and the tensor otherwise, Error(kUnsupported)
/// for a dtype of unknown width, Error(kIo) or Error(kNotFound) when it cannot be read.
class SIGLIP_EXPORT SafetensorsFile {
 public:
  static SafetensorsFile Open(const std::filesystem::path& path);
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  const std::filesystem::path& path() const;
  /// In the order of their data in the file.
  const std::vector<std::string>& names() const;
  /// The same tensors in the same order, with all the header says of them.
  const std::vector<SafetensorsEntry>& entries() const;
  const std::map<std::string, std::string>& metadata() const;
  bool contains(std::string_view name) const;
  /// Points into the mapping, valid while this object lives. Throws Error(kNotFound), or
  /// Error(kUnsupported) when the tensor's dtype has no DType.
  TensorView Get(std::string_view name) const;
  /// Tells the operating system that these pages, part of a view of Get, are not needed for now.
  void ReleasePages(const TensorView& view) const;

 private:
  struct SIGLIP_HIDDEN Contents;
  explicit SafetensorsFile(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

/// Named tensors in the order they are to be written.
using NamedTensors = std::vector<std::pair<std::string, TensorView>>;

/// Writes to a temporary name beside `path`, flushes and renames: the file appears whole or not at
/// all. Throws as AtomicFile does, and Error(kInvalidArgument) for a duplicate name.
SIGLIP_EXPORT void WriteSafetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                    const std::map<std::string, std::string>& metadata = {},
                                    const WriteOptions& options = {});

}  // namespace siglip
