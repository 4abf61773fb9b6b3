// See hub_cache.h.
#include "hub/hub_cache.h"

#include <string_view>
#include <system_error>

#include "base/atomic_file.h"
#include "base/file_system.h"
#include "base/mapped_file.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// "organisation/name" -> "models--organisation--name"
std::string FolderName(const std::string& repository) {
  const size_t slash = repository.find('/');
  return "models--" + repository.substr(0, slash) + "--" + repository.substr(slash + 1);
}

/// The text of a file without line ends behind it; nothing if there is no file.
std::optional<std::string> ReadText(const std::filesystem::path& path) {
  if (!FileExists(path)) return std::nullopt;
  const MappedFile file = MappedFile::Open(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

Error IoError(const std::filesystem::path& path, const char* action, std::error_code reason) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + reason.message());
}

/// Where a file of a snapshot leads: relative, so that the cache can be moved.
std::filesystem::path LinkTarget(const std::string& etag) {
  return std::filesystem::path("../../blobs") / etag;
}

}  // namespace

void MakeFolders(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) throw IoError(folder, "make the folder", failure);
}

HubCache::HubCache(const std::filesystem::path& root, const HubName& name)
    : repository_(root / FolderName(name.repository)),
      locks_(root / ".locks" / FolderName(name.repository)),
      revision_(name.revision) {}

std::filesystem::path HubCache::Reference() const { return repository_ / "refs" / revision_; }

std::filesystem::path HubCache::Snapshot(const std::string& commit) const {
  return repository_ / "snapshots" / commit;
}

std::filesystem::path HubCache::Blob(const std::string& etag) const {
  return repository_ / "blobs" / etag;
}

std::filesystem::path HubCache::Lock(const std::string& etag) const {
  return locks_ / (etag + ".lock");
}

std::optional<std::string> HubCache::FindCommit() const {
  if (IsCommitHash(revision_)) return revision_;
  std::optional<std::string> commit = ReadText(Reference());
  if (commit && !IsCommitHash(*commit)) {
    throw Error(ErrorCode::kMalformedFile,
                Reference().string() + ": expected a commit hash of 40 hexadecimal digits",
                "siglip pull writes it anew");
  }
  return commit;
}

void HubCache::WriteCommit(const std::string& commit) const {
  if (revision_ == commit || ReadText(Reference()) == commit) return;
  MakeFolders(Reference().parent_path());
  AtomicFile file(Reference());
  file.Write(commit);
  file.Commit();
}

bool HubCache::HasLink(const std::string& commit, const std::string& file,
                       const std::string& etag) const {
  std::error_code failure;
  return std::filesystem::read_symlink(Snapshot(commit) / file, failure) == LinkTarget(etag);
}

void HubCache::LinkBlob(const std::string& commit, const std::string& file,
                        const std::string& etag) const {
  if (HasLink(commit, file, etag)) return;
  const std::filesystem::path link = Snapshot(commit) / file;
  MakeFolders(link.parent_path());
  // Renamed into place: at no time is there no file of this name. The blob is locked meanwhile, so
  // that a temporary link was left by a process that is dead.
  std::filesystem::path temporary = link;
  temporary += ".tmp.link";
  std::error_code failure;
  std::filesystem::remove(temporary, failure);
  std::filesystem::create_symlink(LinkTarget(etag), temporary, failure);
  if (!failure) std::filesystem::rename(temporary, link, failure);
  if (failure) throw IoError(link, "make the link", failure);
}

}  // namespace siglip
