// Pictures of an archive, on their way into an index.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/file_table.h"
#include "siglip/index.hpp"

namespace siglip {

/// Of the space of an archive's vectors that of an index that begins with them. Throws
/// Error(kInvalidArgument) for one in which no pictures can be.
IndexSpace SpaceOfArchive(IndexSpace space);

/// Without those at its end.
std::string WithoutSlashes(const std::string& name);

/// What an index calls an archive. Throws Error(kInvalidArgument) for what is no name.
std::string ArchiveName(const std::string& archive);

/// Pictures that were found to be as ArchivedPicture says.
class ArchiveUpdate {
 public:
  /// Throws Error(kInvalidArgument) naming the first picture that is not. `pictures` must outlive
  /// this object.
  ArchiveUpdate(std::span<const ArchivedPicture> pictures, int64_t dimension);

  /// Within a transaction of the caller's.
  void Put(FileTable& table, int64_t root) const;

 private:
  std::span<const ArchivedPicture> pictures_;
  std::vector<std::vector<uint16_t>> halves_;  // of each picture
};

}  // namespace siglip
