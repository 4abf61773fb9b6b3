// One folder on its way into the index: what is new there is embedded, the rest noted.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "image/picture_file.h"
#include "index/batch.h"
#include "index/content_hash.h"
#include "index/file_table.h"
#include "index/known_files.h"
#include "siglip/embedder.hpp"
#include "siglip/folder_walker.hpp"
#include "siglip/index.hpp"

namespace siglip {

/// Between an embedder, which asks for pictures and hands out results in two threads, and the
/// tables.
class FolderUpdate {
 public:
  /// All but `limits` must outlive this object.
  FolderUpdate(FileTable& table, Batch& batch, const Root& root, const UpdateOptions& options,
               const DecodeLimits& limits, const UpdateListener& listener);

  /// The next picture that is to be embedded, having noted the files before it that need not be.
  std::optional<Picture> Next();
  /// What became of it, in the order of Next.
  void Take(const EmbedResult& result);
  /// After the last one: marks what was not seen as missing.
  void Finish();

  const UpdateCounts& counts() const { return counts_; }

 private:
  /// A content on its way, and the files that have it.
  struct Pending {
    ContentHash hash;
    int64_t size = 0;
    std::vector<FoundFile> files;
  };

  bool IsUnchanged(const FoundFile& file, const KnownFile& known) const;
  void NoteUnchanged(const KnownFile& known);
  std::optional<Picture> Read(const std::string& path, FoundFile file);
  std::optional<Picture> Decide(const std::string& path, FoundFile file,
                                std::shared_ptr<const PictureFile> bytes);
  bool IsDone(const KnownContent& content) const;
  void Note(const FoundFile& file, int64_t content);
  void NoteUnreadable(const FoundFile& file, const std::string& path, const Error& error);
  void NoteUnreadableFolder(const std::string& path, const Error& error);
  void NotePassedOver(const std::string& path, const std::string& reason);
  bool IsBelowUnreadable(const std::string& path) const;
  void Tell();

  FileTable& table_;
  Batch& batch_;
  const Root& root_;
  const UpdateOptions& options_;
  const DecodeLimits limits_;
  const UpdateListener& listener_;
  const std::string tried_;   // who tries to decode
  const std::string prefix_;  // of the paths of the walk

  std::recursive_mutex mutex_;  // guards what follows, and the tables
  UpdateCounts counts_;
  std::vector<KnownFile> unseen_;
  std::vector<std::string> unreadable_folders_;
  KnownFiles known_;
  std::map<uint64_t, Pending> pending_;  // by their position in the input of the embedder
  uint64_t next_position_ = 0;
  std::optional<FolderWalker> walker_;  // absent where the folder is gone
};

}  // namespace siglip
