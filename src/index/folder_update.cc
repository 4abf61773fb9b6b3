#include "index/folder_update.h"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/file_system.h"
#include "index/clock.h"
#include "index/unit_vector.h"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

/// A file that is changed twice within the time stamps' resolution looks unchanged, and so does one
/// that is changed after it was read, in the same tick.
constexpr int64_t kTooFreshNanoseconds = 2'000'000'000;

std::string WhoTries(const DecodeLimits& limits) {
  std::string who = std::string(Version()) + " " + std::to_string(limits.max_pixels) + " " +
                    std::to_string(limits.max_file_bytes) + " " +
                    std::to_string(limits.max_memory_bytes);
  if (limits.max_seconds > 0) who += " " + std::to_string(limits.max_seconds);
  return who;
}

bool HasChanged(const std::string& path, const FoundFile& file) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return true;
  return status.st_size != file.size ||
         status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec != file.mtime_ns;
}

FolderWalkOptions WalkOptions(const UpdateOptions& options) {
  FolderWalkOptions walk = options.walk;
  const std::vector<std::string>& sidecars = SidecarFolders();
  walk.exclude.insert(walk.exclude.end(), sidecars.begin(), sidecars.end());
  return walk;
}

}  // namespace

FolderUpdate::FolderUpdate(FileTable& table, Batch& batch, const Root& root,
                           const UpdateOptions& options, const DecodeLimits& limits,
                           const UpdateListener& listener)
    : table_(table),
      batch_(batch),
      root_(root),
      options_(options),
      limits_(limits),
      listener_(listener),
      tried_(WhoTries(limits)),
      prefix_(root.path.ends_with('/') ? root.path : root.path + "/"),
      known_(table, root.id, [this](const KnownFile& file) { unseen_.push_back(file); }) {
  if (!FileExists(root.path)) return;
  walker_.emplace(
      prefix_,
      WalkListener{.failed = [this](const auto& path,
                                    const Error& error) { NoteUnreadableFolder(path, error); },
                   .passed_over = [this](const auto& path,
                                         const auto& reason) { NotePassedOver(path, reason); }},
      WalkOptions(options));
}

std::optional<Picture> FolderUpdate::Next() {
  while (walker_) {
    std::optional<WalkedFile> walked = walker_->Next();
    if (!walked) break;
    FoundFile file = {.root = root_.id,
                      .path = walked->path.substr(prefix_.size()),
                      .size = static_cast<int64_t>(walked->size),
                      .mtime_ns = walked->mtime_ns,
                      .seen = NanosecondsNow()};
    {
      const std::lock_guard lock(mutex_);
      const std::optional<KnownFile> known = known_.Meet(file.path);
      if (known && IsUnchanged(file, *known)) {
        NoteUnchanged(*known);
        continue;
      }
    }
    if (auto picture = Read(walked->path, std::move(file))) return picture;
  }
  return std::nullopt;
}

bool FolderUpdate::IsUnchanged(const FoundFile& file, const KnownFile& known) const {
  return !options_.checksum && known.content && !known.unreadable && known.size == file.size &&
         known.mtime_ns == file.mtime_ns && known.seen - known.mtime_ns >= kTooFreshNanoseconds &&
         !(known.undecodable && (options_.retry || known.tried != tried_));
}

void FolderUpdate::NoteUnchanged(const KnownFile& known) {
  if (known.missing) {
    batch_.Begin(0);
    table_.MarkPresent(known);
  }
  ++(known.undecodable ? counts_.failed_earlier : counts_.unchanged);
  Tell();
}

std::optional<Picture> FolderUpdate::Read(const std::string& path, FoundFile file) {
  std::shared_ptr<const PictureFile> bytes;
  try {
    bytes = std::make_shared<const PictureFile>(path, limits_);
  } catch (const Error& error) {
    const std::lock_guard lock(mutex_);
    if (error.code() == ErrorCode::kNotFound) {  // since it was seen
      ++counts_.changing;
    } else {
      NoteUnreadable(file, path, error);
    }
    Tell();
    return std::nullopt;
  }
  return Decide(path, std::move(file), std::move(bytes));
}

std::optional<Picture> FolderUpdate::Decide(const std::string& path, FoundFile file,
                                            std::shared_ptr<const PictureFile> bytes) {
  const ContentHash hash = HashContent(bytes->bytes());
  const bool changed = HasChanged(path, file);
  const std::lock_guard lock(mutex_);
  if (changed) {
    ++counts_.changing;
    Tell();
    return std::nullopt;
  }
  const auto same = std::ranges::find(pending_, hash, [](const auto& i) { return i.second.hash; });
  if (same != pending_.end()) {
    same->second.files.push_back(std::move(file));
    return std::nullopt;
  }
  if (const auto content = table_.FindContent(hash); content && IsDone(*content)) {
    Note(file, content->id);
    ++(content->has_vector ? counts_.known : counts_.failed_earlier);
    Tell();
    return std::nullopt;
  }
  Pending& pending = pending_[next_position_++];
  pending = {.hash = hash, .size = file.size, .files = {std::move(file)}};
  const std::span<const std::byte> view = bytes->bytes();
  return Picture::BorrowedBytes(view, std::move(bytes), path);
}

bool FolderUpdate::IsDone(const KnownContent& content) const {
  if (content.has_vector) return content.has_details;
  return !options_.retry && content.tried == tried_;
}

void FolderUpdate::Take(const EmbedResult& result) {
  const std::lock_guard lock(mutex_);
  const Pending pending = std::move(pending_.extract(result.index).mapped());
  NewContent content = {.hash = pending.hash,
                        .size = pending.size,
                        .width = result.width,
                        .height = result.height,
                        .tried = tried_};
  std::vector<uint16_t> halves;
  if (result.error) {
    content.error_code = ToString(result.error->code());
    content.error = result.error->what();
    if (listener_.failed) listener_.failed(result.name, *result.error);
  } else {
    halves = ToHalves(result.embedding.floats());
    content.vector = halves;
    const PictureDetails& details = *result.details;
    content.format = details.format;
    if (details.taken) {
      content.taken = details.taken->local_seconds;
      content.taken_offset = details.taken->offset_minutes;
    }
    content.greys = details.greys;
  }
  batch_.Begin(1);
  const int64_t id = table_.PutContent(content);
  for (const FoundFile& file : pending.files) table_.PutFile(file, id);
  const auto copies = pending.files.size() - 1;
  (result.error ? counts_.failed : counts_.embedded) += 1;
  (result.error ? counts_.failed : counts_.known) += copies;
  Tell();
}

void FolderUpdate::Finish() {
  const std::lock_guard lock(mutex_);
  known_.Finish();
  const int64_t now = SecondsNow();
  for (const KnownFile& file : unseen_) {
    if (file.missing || IsBelowUnreadable(file.path)) continue;
    batch_.Begin(0);
    table_.MarkMissing(file, now);
    ++counts_.missing;
  }
  if (walker_) counts_.passed_over = walker_->passed_over() + walker_->folders_passed_over();
  Tell();
}

void FolderUpdate::Note(const FoundFile& file, int64_t content) {
  batch_.Begin(0);
  table_.PutFile(file, content);
}

void FolderUpdate::NoteUnreadable(const FoundFile& file, const std::string& path,
                                  const Error& error) {
  batch_.Begin(0);
  table_.PutUnreadable(file, error.what());
  ++counts_.failed;
  if (listener_.failed) listener_.failed(path, error);
}

void FolderUpdate::NoteUnreadableFolder(const std::string& path, const Error& error) {
  const std::lock_guard lock(mutex_);
  ++counts_.failed;
  unreadable_folders_.push_back(path.size() < prefix_.size() ? "" : path.substr(prefix_.size()));
  if (listener_.failed) listener_.failed(path, error);
}

void FolderUpdate::NotePassedOver(const std::string& path, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (listener_.passed_over) listener_.passed_over(path, reason);
}

bool FolderUpdate::IsBelowUnreadable(const std::string& path) const {
  return std::ranges::any_of(unreadable_folders_,
                             [&](const std::string& folder) { return path.starts_with(folder); });
}

void FolderUpdate::Tell() {
  batch_.CommitIfDue();
  if (listener_.progress) listener_.progress(counts_);
}

}  // namespace siglip
