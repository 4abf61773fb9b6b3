// Writing the files of a checkpoint: weights, configuration, preprocessing and tokenizers.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/atomic_file.h"

namespace siglip {

/// The files beside the weights are collected, then all appear together. Whenever the process dies,
/// the folder has no weights, or they belong to the other files.
class CheckpointFiles {
 public:
  /// Makes the folder if need be, and removes what a process that was killed has left in it. Throws
  /// Error(kIo).
  CheckpointFiles(const std::filesystem::path& folder, const WriteOptions& options);
  CheckpointFiles(const CheckpointFiles&) = delete;
  CheckpointFiles& operator=(const CheckpointFiles&) = delete;
  /// Without Commit nothing is left, nor a folder that was made.
  ~CheckpointFiles();

  /// In place of a file of this name that was added before. Throws as AtomicFile does.
  void Add(const std::string& name, std::string_view content);
  /// Copies the files for preprocessing and tokenizers, those that transformers knows and `from`
  /// has. The others are not to stay in the folder, where they would belong to another checkpoint.
  void CopySideFiles(const std::filesystem::path& from);
  /// The same for one file by its name.
  void CopySideFile(const std::filesystem::path& from, const std::string& name);
  /// A file of this name is neither to be written nor to stay in the folder.
  void Drop(const std::string& name);
  /// Puts all in place, `weights`, which is the file `name` of the folder, last. A packed file of
  /// an earlier checkpoint, which would be read instead, goes. Throws as AtomicFile does.
  void Commit(const std::string& name, AtomicFile& weights);

  const std::filesystem::path& folder() const { return folder_; }
  const WriteOptions& options() const { return options_; }

 private:
  AtomicFile& NewFile(const std::string& name);

  const std::filesystem::path folder_;
  const WriteOptions options_;
  bool made_folder_ = false;
  std::map<std::string, AtomicFile> files_;  // by their names
  std::set<std::filesystem::path> obsolete_;
};

}  // namespace siglip
