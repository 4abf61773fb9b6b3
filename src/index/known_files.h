// The files that an index knows of one folder, one after the other beside a walk through it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "index/file_table.h"

namespace siglip {

/// Both sides are in byte order, so that neither needs memory for more than some pages of them.
class KnownFiles {
 public:
  /// `table` must outlive this object. `passed` is told of every file that the walk did not meet.
  KnownFiles(FileTable& table, int64_t root, std::function<void(const KnownFile&)> passed);

  /// What is known of the next file of the walk. Paths must ascend.
  std::optional<KnownFile> Meet(const std::string& path);
  /// The walk is over.
  void Finish();

 private:
  const KnownFile* Next();

  FileTable& table_;
  const int64_t root_;
  const std::function<void(const KnownFile&)> passed_;
  std::vector<KnownFile> page_;
  size_t next_ = 0;
  std::optional<std::string> last_;  // of the pages read so far
  bool ended_ = false;
};

}  // namespace siglip
