// Writes a safetensors file tensor by tensor, for models that should not be in memory twice.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "siglip/safetensors.hpp"

namespace siglip {

/// All names, dtypes and shapes are known first, since the header precedes the data; then the data
/// are appended in the same order. The file appears with Commit, or not at all.
class SafetensorsWriter {
 public:
  /// `begin` and `end` of the entries are ignored. Throws Error(kInvalidArgument) for a duplicate
  /// name or impossible shape, and as AtomicFile does.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<SafetensorsEntry> entries,
                    const std::map<std::string, std::string>& metadata,
                    const WriteOptions& options = {});

  /// More bytes of the tensor called `name`, which must be the one whose turn it is. A tensor may
  /// come in several pieces. Throws Error(kInvalidArgument) naming the tensor, or Error(kIo).
  void Append(std::string_view name, std::span<const std::byte> bytes);
  /// The whole file, yet to be committed. Throws Error(kInvalidArgument) when data are missing.
  AtomicFile& Finish();
  void Commit() { Finish().Commit(); }

 private:
  /// Moves on to the first tensor that still needs bytes.
  void SkipFinished();

  std::string path_;
  std::vector<SafetensorsEntry> entries_;
  AtomicFile file_;
  size_t current_ = 0;    // index into entries_
  uint64_t written_ = 0;  // bytes of data so far
};

}  // namespace siglip
