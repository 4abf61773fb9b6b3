// Thumbnails that were made before, on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace siglip::apps {

/// $XDG_CACHE_HOME/siglip/thumbnails, else ~/.cache/siglip/thumbnails. Throws Error(kNotFound)
/// where neither is known.
std::filesystem::path DefaultThumbnailFolder();

/// Of one index. May be lost at any moment. Used by one thread; other processes may use the same
/// folder.
class ThumbnailCache {
 public:
  /// `index` is IndexStatus::id. The folder is made when something is put into it, for the user
  /// alone.
  ThumbnailCache(const std::filesystem::path& folder, std::string_view index,
                 uint64_t most_bytes = uint64_t{512} << 20);

  /// Whose thumbnails these are.
  const std::string& index() const { return index_; }

  /// The JPEG file of a content at a size, if it is there and whole. Counts as used now.
  std::optional<std::string> Find(std::string_view hash, int64_t side) const;
  /// Where there is no room any more, those used longest ago go. Throws Error(kIo).
  void Put(std::string_view hash, int64_t side, std::string_view jpeg);
  /// Removes those of contents that are not to be kept. Returns how many.
  uint64_t RemoveUnless(const std::function<bool(std::string_view hash)>& keep);

 private:
  std::filesystem::path PathOf(std::string_view hash, int64_t side) const;
  void MakeRoom();

  const std::string index_;
  const std::filesystem::path folder_;
  const uint64_t most_bytes_;
  std::optional<uint64_t> bytes_;  // of all files, about; absent before they were counted
};

}  // namespace siglip::apps
