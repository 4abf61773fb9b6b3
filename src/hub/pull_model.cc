// PullModel: a model from the hub into the cache. See siglip/hub.hpp.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "hub/checksum.h"
#include "hub/file_lock.h"
#include "hub/hub_cache.h"
#include "hub/hub_client.h"
#include "hub/hub_environment.h"
#include "hub/partial_file.h"
#include "hub/retries.h"
#include "siglip/error.hpp"
#include "siglip/hub.hpp"

namespace siglip {
namespace {

/// One file of the model.
struct WantedFile {
  std::string name;
  FileMetadata metadata;
};

class Download {
 public:
  Download(HubName name, const PullOptions& options)
      : name_(std::move(name)),
        options_(options),
        client_(options.transport, options.stop),
        cache_(HubCacheFolder(), name_) {}

  std::filesystem::path Run() {
    const std::vector<WantedFile> files = FindFiles();
    for (const WantedFile& file : files) progress_.total += file.metadata.size;
    for (const WantedFile& file : files) {
      progress_.file = file.name;
      Provide(file);
    }
    // Last, so that the revision means a whole snapshot at any time.
    cache_.WriteCommit(commit_);
    return cache_.Snapshot(commit_);
  }

 private:
  /// What `attempt` returns, once it does not fail with something that may pass.
  template <typename Attempt>
  auto Persistently(const Attempt& attempt) {
    for (Retries retries(options_.stop);;) {
      try {
        return attempt();
      } catch (const TransientFailure& failure) {
        retries.Wait(failure);
      }
    }
  }

  /// Sets commit_.
  std::vector<WantedFile> FindFiles() {
    const RepositoryListing listing = Persistently([&] { return client_.List(name_); });
    commit_ = listing.commit;
    std::vector<WantedFile> files;
    for (const std::string& file : NeededFiles(listing.files, name_.ToString())) {
      files.push_back({file, Persistently([&] { return client_.Describe(name_, commit_, file); })});
    }
    return files;
  }

  bool HasBlob(const FileMetadata& metadata) const {
    std::error_code failure;
    const uintmax_t size = std::filesystem::file_size(cache_.Blob(metadata.etag), failure);
    return !failure && size == metadata.size;
  }

  /// Makes sure that the blob and the link to it are there.
  void Provide(const WantedFile& file) {
    const std::string& etag = file.metadata.etag;
    if (HasBlob(file.metadata) && cache_.HasLink(commit_, file.name, etag)) {
      // Nothing is written, so that a cache that others maintain can be used.
      CountAsPresent(file.metadata.size);
      return;
    }
    MakeFolders(cache_.Lock(etag).parent_path());
    MakeFolders(cache_.Blob(etag).parent_path());
    const FileLock lock(cache_.Lock(etag), options_.stop);
    if (HasBlob(file.metadata)) {  // by now, or for another file or commit
      CountAsPresent(file.metadata.size);
    } else {
      FetchBlob(file);
    }
    cache_.LinkBlob(commit_, file.name, etag);
  }

  void FetchBlob(const WantedFile& file) {
    const FileMetadata& metadata = file.metadata;
    PartialFile partial(cache_.Blob(metadata.etag + ".incomplete"));
    if (partial.size() > metadata.size) partial.Clear();
    resumed_ = partial.size();
    CountAsPresent(resumed_);
    while (true) {
      Receive(file, partial);
      const std::string found = FileChecksum(partial.path(), metadata.etag);
      if (found == metadata.etag) break;
      const bool all_new = resumed_ == 0;
      Discard(partial);
      // The bytes of an earlier run may be to blame; those of the next attempt are all new.
      if (all_new) {
        throw Error(ErrorCode::kMismatch,
                    name_.ToString() + ": " + file.name + ": expected the checksum " +
                        metadata.etag + ", found " + found,
                    "the file was altered on its way, or the hub is at fault; try again");
      }
    }
    partial.MoveTo(cache_.Blob(metadata.etag));
  }

  /// Appends to `partial` until it is as long as it should be.
  void Receive(const WantedFile& file, PartialFile& partial) {
    const uint64_t size = file.metadata.size;
    uint64_t furthest = partial.size();
    for (Retries retries(options_.stop); partial.size() < size;) {
      try {
        client_.Fetch(name_, commit_, file.name, partial.size(),
                      [&](uint64_t begin, std::span<const std::byte> bytes) {
                        if (begin != partial.size()) Discard(partial);  // begins at 0 again
                        Append(file, partial, bytes);
                      });
        if (partial.size() < size) {
          throw TransientFailure(name_.ToString() + ": " + file.name + ": ended after " +
                                 std::to_string(partial.size()) + " of " + std::to_string(size) +
                                 " bytes");
        }
      } catch (const TransientFailure& failure) {
        // Bytes that came before, and were discarded, are no progress.
        if (partial.size() > furthest) retries.Reset();
        furthest = std::max(furthest, partial.size());
        retries.Wait(failure);
      }
    }
  }

  void Append(const WantedFile& file, PartialFile& partial, std::span<const std::byte> bytes) {
    if (bytes.size() > file.metadata.size - partial.size()) {
      Discard(partial);
      throw Error(ErrorCode::kMismatch, name_.ToString() + ": " + file.name + ": expected " +
                                            std::to_string(file.metadata.size) +
                                            " bytes, found more");
    }
    partial.Append(bytes);
    progress_.received += bytes.size();
    Report();
  }

  /// What was counted is to come again.
  void Discard(PartialFile& partial) {
    progress_.present -= resumed_;
    progress_.received -= partial.size() - resumed_;
    resumed_ = 0;
    partial.Clear();
    Report();
  }

  void CountAsPresent(uint64_t bytes) {
    progress_.present += bytes;
    Report();
  }

  void Report() const {
    if (options_.progress) options_.progress(progress_);
  }

  const HubName name_;
  const PullOptions& options_;
  HubClient client_;
  HubCache cache_;
  std::string commit_;
  PullProgress progress_;
  uint64_t resumed_ = 0;  // bytes of the file under way that an earlier run has left
};

}  // namespace

std::filesystem::path PullModel(const std::string& name, const PullOptions& options) {
  std::optional<HubName> parsed = ParseHubName(name, options.revision);
  if (!parsed) {
    throw Error(ErrorCode::kInvalidArgument, name + ": is no name of the Hugging Face hub",
                "names are like google/siglip-base-patch16-224");
  }
  return Download(*std::move(parsed), options).Run();
}

}  // namespace siglip
