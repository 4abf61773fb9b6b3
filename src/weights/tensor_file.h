// A file of named tensors, whatever its format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/tensor.hpp"

namespace siglip {

/// What a file says of one tensor.
struct StoredTensor {
  std::string name;
  std::string dtype;  ///< As safetensors or, for what safetensors lacks, the format spells it.
  Shape shape;
  bool is_float = false;  ///< Whether Read gives its values.
};

/// Opening reads and checks what the file says of its tensors, not their values. Safe to read from
/// several threads at once.
class TensorFile {
 public:
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;
  virtual ~TensorFile() = default;

  const std::filesystem::path& path() const { return path_; }
  /// In the order of the file.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// The tensor of this name; null when there is none. Valid as long as this object.
  const StoredTensor* Find(std::string_view name) const;

  /// Whether any part of a tensor is read as fast as any other.
  virtual bool is_mapped() const { return true; }
  /// The dtypes that Read understands, for errors: "F32, F16 or BF16".
  virtual std::string_view float_dtypes() const = 0;
  /// The elements first, first + 1, ... of a tensor of this file in row-major order, as many as
  /// `values` holds. Reads fastest in ascending order.
  virtual void Read(const StoredTensor& tensor, int64_t first, std::span<float> values) const = 0;

 protected:
  /// Throws Error(kMalformedFile) when two tensors have the same name.
  TensorFile(std::filesystem::path path, std::vector<StoredTensor> tensors);

  /// Where a tensor stands in tensors().
  size_t IndexOf(const StoredTensor& tensor) const { return &tensor - tensors_.data(); }

 private:
  std::filesystem::path path_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_of_;
};

/// Whether ConvertToFloat takes this type.
bool IsFloat(DType dtype);

/// A safetensors file, mapped.
std::shared_ptr<const TensorFile> OpenSafetensors(const std::filesystem::path& path);

/// A .npz file; arrays of two opaque bytes are BF16, as numpy saves it. See npz_reader.h.
std::shared_ptr<const TensorFile> OpenNpz(const std::filesystem::path& path);

}  // namespace siglip
