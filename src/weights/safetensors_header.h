// The header of a safetensors file: read and checked from bytes that may be hostile, and written.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/safetensors.hpp"

namespace siglip {

struct SafetensorsHeader {
  /// In the order of their data, which they cover from first to last byte without a gap.
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
  size_t data_begin = 0;  ///< Where the data begin in the file.
};

/// Checks everything the format demands of `file`, a whole file. `name` is what errors call it.
SafetensorsHeader ParseSafetensorsHeader(std::span<const std::byte> file, const std::string& name);

/// Length and JSON for tensors that follow each other in this order, padded so that the data begin
/// at a multiple of 8. `begin` and `end` are filled in. Throws Error(kInvalidArgument) naming
/// `name` for a duplicate or impossible tensor.
std::string BuildSafetensorsHeader(std::vector<SafetensorsEntry>& entries,
                                   const std::map<std::string, std::string>& metadata,
                                   const std::string& name);

/// The DType of this name, if it has one.
std::optional<DType> FindDType(std::string_view name);

}  // namespace siglip
