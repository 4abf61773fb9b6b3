// See weights_hash_cache.h. A file holds the lines of what was hashed, the hash, and in the last
// line the SHA-256 of all before it: there is one right content for a hash, and nothing to parse.
#include "weights/weights_hash_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "base/user_folders.h"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
/// The coarsest steps of a file system's clock, those of FAT, are two seconds.
constexpr int64_t kSettlingTime = 3 * kSecond;
constexpr size_t kHashDigits = 64;

/// Everything that a hash depends on; what an older version of this library made of the same files
/// does not count.
std::string Origin(const std::vector<FileVersion>& files, const std::string& tensors) {
  std::string text = "siglip " + std::string(Version()) + "\ntensors " + tensors + "\n";
  for (const FileVersion& file : files) {
    text += "file " + std::to_string(file.device) + " " + std::to_string(file.inode) + " " +
            std::to_string(file.size) + " " + std::to_string(file.mtime) + "\n";
  }
  return text;
}

std::string Content(const std::string& origin, std::string_view hash) {
  const std::string text = origin + "hash " + std::string(hash) + "\n";
  return text + Sha256Of(text) + "\n";
}

}  // namespace

std::optional<std::vector<FileVersion>> FileVersionsOf(const Checkpoint& checkpoint) {
  std::vector<FileVersion> versions;
  for (const auto& file : checkpoint.files()) {
    struct stat status = {};
    if (::stat(file->path().c_str(), &status) != 0) return std::nullopt;
    versions.push_back({status.st_dev, status.st_ino, status.st_size,
                        status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec});
  }
  return versions;
}

bool AreSettled(const std::vector<FileVersion>& files, int64_t now) {
  return std::ranges::all_of(
      files, [&](const FileVersion& file) { return file.mtime < now - kSettlingTime; });
}

WeightsHashCache::WeightsHashCache() {
  if (const auto folder = UserCacheFolder()) folder_ = *folder / "siglip" / "weights";
}

std::optional<std::string> WeightsHashCache::Find(const std::vector<FileVersion>& files,
                                                  const std::string& tensors) const {
  if (folder_.empty()) return std::nullopt;
  const std::string origin = Origin(files, tensors);
  try {
    const MappedFile file = MappedFile::Open(folder_ / Sha256Of(origin));
    const std::string_view content = {reinterpret_cast<const char*>(file.bytes().data()),
                                      file.bytes().size()};
    const size_t expected = Content(origin, std::string(kHashDigits, '0')).size();
    if (content.size() != expected) return std::nullopt;
    const auto hash = content.substr(origin.size() + std::string_view("hash ").size(), kHashDigits);
    if (content != Content(origin, hash)) return std::nullopt;
    return std::string(hash);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void WeightsHashCache::Store(const std::vector<FileVersion>& files, const std::string& tensors,
                             const std::string& hash) const {
  if (folder_.empty()) return;
  const std::string origin = Origin(files, tensors);
  std::error_code failure;
  std::filesystem::create_directories(folder_, failure);
  if (failure) return;
  try {
    AtomicFile file(folder_ / Sha256Of(origin));
    file.Write(Content(origin, hash));
    file.Commit();
  } catch (const Error&) {  // it will be computed again
  }
}

}  // namespace siglip
