// The folders of one model in the cache, laid out as huggingface_hub does:
//
//   models--organisation--name/refs/main          the commit that a branch or tag stands for
//   models--organisation--name/snapshots/COMMIT/  the files of a commit: links to blobs
//   models--organisation--name/blobs/ETAG         their bytes, named by checksum
//   .locks/models--organisation--name/ETAG.lock   held by whoever downloads that blob
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/hub_name.h"

namespace siglip {

class HubCache {
 public:
  /// `root` is the folder that holds the folders of all models.
  HubCache(const std::filesystem::path& root, const HubName& name);

  /// The commit of the name's revision: itself if it is one. Nothing if the cache has no such
  /// revision. Throws Error(kMalformedFile) when the file that should name a commit does not.
  std::optional<std::string> FindCommit() const;
  /// Atomically. Does nothing for a revision that is a commit hash. Throws Error(kIo).
  void WriteCommit(const std::string& commit) const;

  std::filesystem::path Snapshot(const std::string& commit) const;
  std::filesystem::path Blob(const std::string& etag) const;
  std::filesystem::path Lock(const std::string& etag) const;

  /// Whether `file` of the snapshot is a link to the blob.
  bool HasLink(const std::string& commit, const std::string& file, const std::string& etag) const;
  /// Makes `file` of the snapshot a link to the blob, replacing what is there. Throws Error(kIo).
  void LinkBlob(const std::string& commit, const std::string& file, const std::string& etag) const;

 private:
  std::filesystem::path Reference() const;

  std::filesystem::path repository_;  // the model's folder
  std::filesystem::path locks_;
  std::string revision_;
};

/// Throws Error(kIo).
void MakeFolders(const std::filesystem::path& folder);

}  // namespace siglip
