// Which duplicates could be removed, so far as the disk says now.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "output/output_file.h"
#include "siglip/index.hpp"

namespace siglip::cli {

/// An index is as old as its last update, and whoever asks may remove what is told. So files are
/// looked at again. Of each group all but the representative are told that
///   - are there, with the size and the time of change that the index knows,
///   - are another file than the representative and those told before, by device and inode,
///   - have the same bytes as the representative, if that is the kind of the duplicates.
/// Nothing of a group is told whose representative is not as the index knows it.
class SpareFiles {
 public:
  using Tell = std::function<void(const std::string& path)>;
  using Refuse = std::function<void(const std::string& path, const std::string& reason)>;

  SpareFiles(DuplicateKind kind, Tell tell, Refuse refuse);
  void Add(const DuplicateGroup& group);

 private:
  const DuplicateKind kind_;
  const Tell tell_;
  const Refuse refuse_;
  std::set<FileId> used_;  // told, or representatives
};

}  // namespace siglip::cli
