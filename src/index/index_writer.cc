#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/file_system.h"
#include "base/user_folders.h"
#include "index/archive_update.h"
#include "index/batch.h"
#include "index/clock.h"
#include "index/file_systems.h"
#include "index/file_table.h"
#include "index/folder_update.h"
#include "index/scan_update.h"
#include "index/schema.h"
#include "index/space.h"
#include "index/writer_lock.h"
#include "siglip/index.hpp"

namespace siglip {
namespace {

/// So many known files do not vanish at once; their disk does.
constexpr int64_t kManyFiles = 100;

/// Absolute and without links, also where it is gone.
std::string Canonical(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(folder, error);
  if (error) throw Error(ErrorCode::kIo, folder.string() + ": " + error.message());
  const std::string path = canonical.string();
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

bool IsInside(const std::string& path, const std::string& folder) {
  return path.starts_with(folder == "/" ? folder : folder + "/");
}

bool IsMissingOrEmpty(const std::string& folder) {
  std::error_code unreadable;  // which is told by the walk
  return !FileExists(folder) ||
         (IsFolder(folder) && std::filesystem::is_empty(folder, unreadable) && !unreadable);
}

std::string ListOf(const std::vector<Root>& roots) {
  std::string list;
  for (const Root& root : roots) list += (list.empty() ? "" : ", ") + root.path;
  return list.empty() ? "none" : list;
}

}  // namespace

const std::vector<std::string>& SidecarFolders() {
  static const std::vector<std::string> folders = {"@eaDir",
                                                   "@Recycle",
                                                   "#recycle",
                                                   "#snapshot",
                                                   "$RECYCLE.BIN",
                                                   "lost+found",
                                                   "System Volume Information"};
  return folders;
}

std::filesystem::path DefaultIndexFolder() {
  const auto data = UserDataFolder();
  if (data) return *data / "siglip" / "index";
  throw Error(ErrorCode::kNotFound, "neither XDG_DATA_HOME nor HOME says where an index may lie",
              "name a folder: --index DIR");
}

struct IndexWriter::Parts {
  explicit Parts(const std::filesystem::path& index_folder)
      : folder(index_folder),
        database(OpenIndexDatabase(folder, Database::Access::kWrite)),
        lock(folder),
        table(database) {
    if (ReadSpace(database)) scan.emplace(database, folder);
  }

  std::vector<std::string> PathsOfRoots(bool archives) const;
  void CheckSpace(const Embedder& embedder, const std::string& model);
  /// Without an id where the index does not have it yet.
  Root FindRoot(const std::filesystem::path& picture_folder) const;
  Root FindArchive(const std::string& name) const;
  /// Throws where a root or a disk below it seems to be away.
  void CheckIsThere(const Root& root);
  void NoteMounts(const Root& root);
  /// Runs `change` in a transaction of its own.
  void Change(const std::function<void()>& change);

  const std::filesystem::path folder;
  Database database;
  WriterLock lock;
  FileTable table;
  std::optional<ScanUpdate> scan;  // absent before there is a space
};

IndexWriter::IndexWriter(const std::filesystem::path& folder)
    : parts_(std::make_unique<Parts>(folder)) {}
IndexWriter::IndexWriter(IndexWriter&&) noexcept = default;
IndexWriter::~IndexWriter() = default;

std::optional<IndexSpace> IndexWriter::space() const { return ReadSpace(parts_->database); }

std::vector<std::string> IndexWriter::folders() const {
  return parts_->PathsOfRoots(/*archives=*/false);
}

std::vector<std::string> IndexWriter::archives() const {
  return parts_->PathsOfRoots(/*archives=*/true);
}

std::vector<std::string> IndexWriter::Parts::PathsOfRoots(bool archives) const {
  std::vector<std::string> paths;
  for (const Root& root : table.Roots()) {
    if (root.is_archive == archives) paths.push_back(root.path);
  }
  return paths;
}

void IndexWriter::Parts::Change(const std::function<void()>& change) {
  Transaction transaction(database);
  change();
  transaction.Commit();
  if (scan) scan->Run();
}

void IndexWriter::Parts::CheckSpace(const Embedder& embedder, const std::string& model) {
  embedder.embedding_shape();  // of a model without a pooling head there is none
  const IndexSpace space = SpaceOf(embedder, model);
  if (const auto known = ReadSpace(database)) {
    CheckComparable(*known, space.fingerprint, FingerprintRelation::kComparable, folder.string());
  } else {
    Change([&] { WriteSpace(database, space); });
    scan.emplace(database, folder);
  }
}

Root IndexWriter::Parts::FindRoot(const std::filesystem::path& picture_folder) const {
  const std::string path = Canonical(picture_folder);
  const std::vector<Root> roots = table.Roots();
  for (const Root& root : roots) {
    if (root.is_archive) {
      if (root.path != path) continue;
      throw Error(ErrorCode::kInvalidArgument, path + ": is an archive of the index, not a folder",
                  "remove it first: --remove");
    }
    if (root.path == path) return root;
    if (IsInside(path, root.path) || IsInside(root.path, path)) {
      throw Error(ErrorCode::kInvalidArgument,
                  path + ": " + (IsInside(path, root.path) ? "lies in " : "holds ") + root.path +
                      ", which the index has already",
                  "index that one, or remove it first: --remove");
    }
  }
  if (!FileExists(path)) {
    throw Error(ErrorCode::kNotFound, picture_folder.string() + ": there is no such folder");
  }
  if (!IsFolder(path)) {
    throw Error(ErrorCode::kInvalidArgument, picture_folder.string() + ": is no folder",
                "an index is made of folders");
  }
  return {.path = path};
}

Root IndexWriter::Parts::FindArchive(const std::string& name) const {
  for (const Root& root : table.Roots()) {
    if (root.path != name) continue;
    if (root.is_archive) return root;
    throw Error(ErrorCode::kInvalidArgument, name + ": is a folder of the index, not an archive");
  }
  return {.path = name, .is_archive = true};
}

void IndexWriter::Parts::CheckIsThere(const Root& root) {
  std::vector<std::string> places = table.Mounts(root.id);
  places.insert(places.begin(), "");
  for (const std::string& place : places) {
    const std::string path = place.empty() ? root.path : root.path + "/" + place;
    if (!IsMissingOrEmpty(path)) continue;
    const int64_t known = table.CountPresent(root.id, place);
    if (known <= kManyFiles) continue;
    throw Error(
        ErrorCode::kNotFound,
        path + ": is missing or empty, but the index knows " + std::to_string(known) +
            " files there",
        "is a disk not mounted? Files that are gone for good: siglip index --remove FOLDER");
  }
}

void IndexWriter::Parts::NoteMounts(const Root& root) {
  const std::vector<std::string> mounts = MountsBelow(root.path);
  if (mounts == table.Mounts(root.id)) return;
  Change([&] { table.SetMounts(root.id, mounts); });
}

UpdateCounts IndexWriter::Update(const Embedder& embedder, const std::string& model,
                                 const std::filesystem::path& folder, const UpdateOptions& options,
                                 const UpdateListener& listener, const std::atomic<bool>* stop) {
  Root root = parts_->FindRoot(folder);  // first: a wrong folder begins no index
  parts_->CheckSpace(embedder, model);
  if (root.id == 0) parts_->Change([&] { root.id = parts_->table.AddRoot(root.path); });
  parts_->CheckIsThere(root);
  parts_->scan->Run();  // whatever happened to it: there may be nothing to commit
  Batch batch(parts_->database, [&] {
    parts_->scan->Run();
    if (listener.committed) {
      listener.committed(
          static_cast<uint64_t>(parts_->database.Integer("SELECT count(*) FROM content")));
    }
  });
  FolderUpdate update(parts_->table, batch, root, options, embedder.options().decode.limits,
                      listener);
  embedder.Run([&] { return update.Next(); },
               [&](const EmbedResult& result) { update.Take(result); },
               {.normalize = true, .details = true}, stop);
  const bool complete = stop == nullptr || !*stop;
  if (complete) update.Finish();
  batch.Commit();
  if (complete) parts_->NoteMounts(root);
  return update.counts();
}

void IndexWriter::AddArchive(const std::string& archive, const IndexSpace& space,
                             std::span<const ArchivedPicture> pictures) {
  const IndexSpace given = SpaceOfArchive(space);
  const std::optional<IndexSpace> known = this->space();
  if (known) {
    CheckComparable(*known, given.fingerprint, FingerprintRelation::kComparable,
                    parts_->folder.string());
  }
  Root root = parts_->FindArchive(ArchiveName(archive));
  const ArchiveUpdate update(pictures, (known ? *known : given).fingerprint.dimension);
  parts_->Change([&] {
    if (!known) WriteSpace(parts_->database, given);
    NoteArchives(parts_->database);
    if (root.id == 0) root.id = parts_->table.AddRoot(root.path, kArchiveKind);
    update.Put(parts_->table, root.id);
  });
  if (known) return;
  parts_->scan.emplace(parts_->database, parts_->folder);
  parts_->scan->Run();
}

uint64_t IndexWriter::Prune(int64_t seconds) {
  uint64_t files = 0;
  parts_->Change([&] {
    const int64_t limit = SecondsNow() - seconds;
    files = parts_->table.RemoveMissing(limit);
    parts_->table.RemoveGone(limit);
  });
  return files;
}

void IndexWriter::Remove(const std::filesystem::path& folder) {
  const std::string path = Canonical(folder);
  const std::string name = WithoutSlashes(folder.string());
  const std::vector<Root> roots = parts_->table.Roots();
  const auto root = std::ranges::find_if(roots, [&](const Root& known) {
    return known.path == path || (known.is_archive && known.path == name);
  });
  if (root == roots.end()) {
    throw Error(ErrorCode::kNotFound,
                path + ": is no folder of the index; these are: " + ListOf(roots));
  }
  parts_->Change([&] {
    const int64_t now = SecondsNow();
    parts_->table.RemoveRoot(root->id);
    parts_->table.FindGone(now);
    parts_->table.RemoveGone(now);
  });
}

void IndexWriter::Replace(IndexWriter other) && {
  const std::filesystem::path place = other.parts_->folder;
  const std::filesystem::path here = parts_->folder;
  Database& database = parts_->database;
  Statement attach = database.Prepare("ATTACH ?1 AS other");
  attach.Bind(other.parts_->database.name()).Run();
  parts_->Change([&] {
    database.Execute(
        "INSERT OR IGNORE INTO main.apart SELECT min(x.id, y.id), max(x.id, y.id)"
        " FROM other.apart JOIN other.content AS a ON a.id = apart.a"
        " JOIN other.content AS b ON b.id = apart.b"
        " JOIN main.content AS x ON x.hash = a.hash JOIN main.content AS y ON y.hash = b.hash");
  });
  database.Execute("DETACH other; PRAGMA wal_checkpoint(TRUNCATE)");
  // Whole folders change places: no file of the one ever lies beside files of the other.
  if (::renameat2(AT_FDCWD, here.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
    throw Error(ErrorCode::kIo, here.string() + ": cannot change places with " + place.string() +
                                    ": " + std::strerror(errno));
  }
  parts_.reset();
  other.parts_.reset();
  std::error_code ignored;  // what is left over does no harm
  std::filesystem::remove_all(here, ignored);
}

void IndexWriter::SetApart(int64_t a, int64_t b) {
  if (a == b) {
    throw Error(ErrorCode::kInvalidArgument,
                "content " + std::to_string(a) + ": cannot be apart from itself");
  }
  parts_->Change([&] {
    Statement content = parts_->database.Prepare("SELECT 1 FROM content WHERE id = ?1");
    for (const int64_t id : {a, b}) {
      if (content.Bind(id).Step()) continue;
      throw Error(ErrorCode::kNotFound, "content " + std::to_string(id) + ": is not in the index");
    }
    content.Reset();
    parts_->database.Prepare("INSERT OR IGNORE INTO apart(a, b) VALUES (?1, ?2)")
        .Bind(std::min(a, b), std::max(a, b))
        .Run();
  });
}

}  // namespace siglip
