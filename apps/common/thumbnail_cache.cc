#include "common/thumbnail_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "siglip/error.hpp"

namespace siglip::apps {
namespace {

/// Part of every name: raised when thumbnails are made in another way.
constexpr std::string_view kVersion = "1";
constexpr size_t kHashDigits = 32;

struct CachedFile {
  std::filesystem::path path;
  std::filesystem::file_time_type used;
  uint64_t bytes = 0;
};

std::vector<CachedFile> FilesIn(const std::filesystem::path& folder) {
  std::vector<CachedFile> files;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    // Another process may remove it meanwhile.
    std::error_code gone;
    if (!entry->is_regular_file(gone)) continue;
    const CachedFile file = {entry->path(), entry->last_write_time(gone), entry->file_size(gone)};
    if (!gone) files.push_back(file);
  }
  return files;
}

uint64_t BytesOf(const std::vector<CachedFile>& files) {
  uint64_t bytes = 0;
  for (const CachedFile& file : files) bytes += file.bytes;
  return bytes;
}

/// A power failure may have cut it short, since nothing here waits for the disk.
bool IsWholeJpeg(std::string_view bytes) {
  return bytes.starts_with("\xFF\xD8") && bytes.ends_with("\xFF\xD9");
}

void MakePrivateFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    throw Error(ErrorCode::kIo, folder.string() + ": cannot make the folder: " + error.message());
  }
}

}  // namespace

std::filesystem::path DefaultThumbnailFolder() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') {
    return std::filesystem::path(cache) / "siglip" / "thumbnails";
  }
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "siglip" / "thumbnails";
  }
  throw Error(ErrorCode::kNotFound, "thumbnails: neither XDG_CACHE_HOME nor HOME is set");
}

ThumbnailCache::ThumbnailCache(const std::filesystem::path& folder, std::string_view index,
                               uint64_t most_bytes)
    : index_(index), folder_(folder / index), most_bytes_(most_bytes) {}

std::filesystem::path ThumbnailCache::PathOf(std::string_view hash, int64_t side) const {
  return folder_ / hash.substr(0, 2) /
         (std::string(hash) + "-" + std::to_string(side) + "-" + std::string(kVersion) + ".jpg");
}

std::optional<std::string> ThumbnailCache::Find(std::string_view hash, int64_t side) const {
  const std::filesystem::path path = PathOf(hash, side);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!IsWholeJpeg(bytes)) return std::nullopt;
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return bytes;
}

void ThumbnailCache::Put(std::string_view hash, int64_t side, std::string_view jpeg) {
  const std::filesystem::path path = PathOf(hash, side);
  // Each of its own, so that nobody else can look into any of them.
  MakePrivateFolder(folder_.parent_path());
  MakePrivateFolder(folder_);
  MakePrivateFolder(path.parent_path());
  std::filesystem::path temporary = path;
  temporary += "." + std::to_string(getpid());
  std::ofstream stream(temporary, std::ios::binary);
  stream.write(jpeg.data(), static_cast<std::streamsize>(jpeg.size()));
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(temporary, path, error);
  if (!stream || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw Error(ErrorCode::kIo, path.string() + ": cannot be written");
  }
  bytes_ = bytes_ ? *bytes_ + jpeg.size() : BytesOf(FilesIn(folder_));
  if (*bytes_ > most_bytes_) MakeRoom();
}

void ThumbnailCache::MakeRoom() {
  std::vector<CachedFile> files = FilesIn(folder_);
  bytes_ = BytesOf(files);
  std::ranges::sort(files, {}, &CachedFile::used);
  for (const CachedFile& file : files) {
    // More than is needed, so that not every thumbnail has to make room again.
    if (*bytes_ <= most_bytes_ - most_bytes_ / 8) break;
    std::error_code ignored;
    std::filesystem::remove(file.path, ignored);
    *bytes_ -= file.bytes;
  }
}

uint64_t ThumbnailCache::RemoveUnless(const std::function<bool(std::string_view hash)>& keep) {
  uint64_t removed = 0;
  for (const CachedFile& file : FilesIn(folder_)) {
    const std::string name = file.path.filename().string();
    if (name.size() > kHashDigits && keep(std::string_view(name).substr(0, kHashDigits))) continue;
    std::error_code error;
    if (std::filesystem::remove(file.path, error)) ++removed;
  }
  bytes_.reset();
  return removed;
}

}  // namespace siglip::apps
