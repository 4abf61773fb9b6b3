#include "index/file_table.h"

#include <chrono>

#include "index/clock.h"

namespace siglip {
namespace {

constexpr const char* kFile =
    "SELECT file.id, path, file.size, mtime_ns, seen, content, missing_since IS NOT NULL,"
    " file.error IS NOT NULL, content.error IS NOT NULL, tried"
    " FROM file LEFT JOIN content ON content.id = file.content WHERE root = ?1 ";

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::span<const std::byte> BytesOf(const ContentHash& hash) {
  return std::as_bytes(std::span(hash));
}

template <class View>
std::optional<View> UnlessEmpty(View view) {
  return view.empty() ? std::nullopt : std::optional(view);
}
std::optional<std::string_view> UnlessEmpty(const std::string& text) {
  return UnlessEmpty(std::string_view(text));
}

std::optional<int64_t> UnlessZero(int64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

/// The first path behind all that begin with `folder`: a slash is followed by "0".
std::string BehindFolder(std::string folder) {
  folder.back() = '/' + 1;
  return folder;
}

}  // namespace

FileTable::FileTable(Database& database)
    : database_(database),
      count_present_(database.Prepare("SELECT count(*) FROM file WHERE root = ?1 AND path >= ?2"
                                      " AND (?3 IS NULL OR path < ?3) AND missing_since IS NULL")),
      first_files_(database.Prepare(std::string(kFile) + "ORDER BY path LIMIT ?2")),
      files_behind_(database.Prepare(std::string(kFile) + "AND path > ?2 ORDER BY path LIMIT ?3")),
      find_content_(database.Prepare(
          "SELECT id, EXISTS (SELECT 1 FROM vector WHERE content = id), greys IS NOT NULL, tried"
          " FROM content WHERE hash = ?1")),
      put_content_(database.Prepare(
          "INSERT INTO content(hash, size, format, width, height, taken, taken_offset, greys,"
          " error_code, error, tried) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
          " ON CONFLICT(hash) DO UPDATE SET format = ?3, width = ?4, height = ?5, taken = ?6,"
          " taken_offset = ?7, greys = ?8, error_code = ?9, error = ?10, tried = ?11"
          " RETURNING id")),
      put_vector_(database.Prepare("INSERT INTO vector(content, f16) VALUES (?1, ?2)")),
      content_of_file_(database.Prepare("SELECT content FROM file WHERE root = ?1 AND path = ?2")),
      put_file_(database.Prepare(
          "INSERT INTO file(root, path, size, mtime_ns, seen, content)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(root, path) DO UPDATE SET size = ?3,"
          " mtime_ns = ?4, seen = ?5, content = ?6, missing_since = NULL, error = NULL")),
      put_unreadable_(database.Prepare(
          "INSERT INTO file(root, path, size, mtime_ns, seen, error)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(root, path) DO UPDATE SET error = ?6,"
          " missing_since = NULL")),
      mark_present_(database.Prepare("UPDATE file SET missing_since = NULL WHERE id = ?1")),
      mark_missing_(database.Prepare("UPDATE file SET missing_since = ?2 WHERE id = ?1")),
      insert_gone_(database.Prepare(
          "INSERT OR IGNORE INTO gone(content, since) SELECT ?1, ?2 WHERE NOT EXISTS"
          " (SELECT 1 FROM file WHERE content = ?1 AND missing_since IS NULL)")),
      delete_gone_(
          database.Prepare("DELETE FROM gone WHERE content = ?1 AND EXISTS"
                           " (SELECT 1 FROM file WHERE content = ?1 AND missing_since IS NULL)")) {}

std::vector<Root> FileTable::Roots() const {
  Statement statement = database_.Prepare("SELECT id, path, kind = ?1 FROM root ORDER BY path");
  statement.Bind(kArchiveKind);
  std::vector<Root> roots;
  while (statement.Step()) {
    roots.push_back({.id = statement.Integer(0),
                     .path = statement.Text(1),
                     .is_archive = statement.Integer(2) != 0});
  }
  return roots;
}

int64_t FileTable::AddRoot(const std::string& path, const char* kind) {
  database_.Prepare("INSERT INTO root(path, kind) VALUES (?1, ?2)").Bind(BytesOf(path), kind).Run();
  return database_.last_id();
}

void FileTable::RemoveRoot(int64_t root) {
  database_.Prepare("DELETE FROM root WHERE id = ?1").Bind(root).Run();
}

std::vector<std::string> FileTable::Mounts(int64_t root) const {
  Statement statement = database_.Prepare("SELECT path FROM mount WHERE root = ?1 ORDER BY path");
  statement.Bind(root);
  std::vector<std::string> mounts;
  while (statement.Step()) mounts.push_back(statement.Text(0));
  return mounts;
}

void FileTable::SetMounts(int64_t root, const std::vector<std::string>& mounts) {
  database_.Prepare("DELETE FROM mount WHERE root = ?1").Bind(root).Run();
  Statement insert = database_.Prepare("INSERT INTO mount(root, path) VALUES (?1, ?2)");
  for (const std::string& mount : mounts) insert.Bind(root, BytesOf(mount)).Run();
}

int64_t FileTable::CountPresent(int64_t root, const std::string& folder) {
  std::string end_text;
  std::optional<std::span<const std::byte>> end;
  if (!folder.empty()) {
    end_text = BehindFolder(folder);
    end = BytesOf(end_text);
  }
  count_present_.Bind(root, BytesOf(folder), end).Step();
  const int64_t count = count_present_.Integer(0);
  count_present_.Reset();
  return count;
}

std::vector<KnownFile> FileTable::FilesBehind(int64_t root, const std::optional<std::string>& path,
                                              int64_t count) {
  Statement& statement = path ? files_behind_ : first_files_;
  if (path) {
    statement.Bind(root, BytesOf(*path), count);
  } else {
    statement.Bind(root, count);
  }
  std::vector<KnownFile> files;
  while (statement.Step()) {
    files.push_back({.id = statement.Integer(0),
                     .path = statement.Text(1),
                     .size = statement.Integer(2),
                     .mtime_ns = statement.Integer(3),
                     .seen = statement.Integer(4),
                     .content = statement.IntegerIfAny(5),
                     .missing = statement.Integer(6) != 0,
                     .unreadable = statement.Integer(7) != 0,
                     .undecodable = statement.Integer(8) != 0,
                     .tried = statement.Text(9)});
  }
  statement.Reset();
  return files;
}

std::optional<KnownContent> FileTable::FindContent(const ContentHash& hash) {
  std::optional<KnownContent> content;
  if (find_content_.Bind(BytesOf(hash)).Step()) {
    content = {.id = find_content_.Integer(0),
               .has_vector = find_content_.Integer(1) != 0,
               .has_details = find_content_.Integer(2) != 0,
               .tried = find_content_.Text(3)};
  }
  find_content_.Reset();
  return content;
}

int64_t FileTable::PutContent(const NewContent& content) {
  const std::optional<KnownContent> known = FindContent(content.hash);
  if (known && known->has_vector) {
    if (!content.vector.empty()) PutDetails(known->id, content);
    return known->id;
  }
  // The scan file has vectors in the order of ids: one that comes later needs a later id.
  if (known && !content.vector.empty()) {
    database_.Prepare("UPDATE content SET hash = randomblob(16) WHERE id = ?1")
        .Bind(known->id)
        .Run();
  }
  put_content_.Bind(BytesOf(content.hash), content.size, UnlessEmpty(content.format),
                    UnlessZero(content.width), UnlessZero(content.height), content.taken,
                    content.taken_offset, UnlessEmpty(std::as_bytes(content.greys)),
                    UnlessEmpty(content.error_code), UnlessEmpty(content.error), content.tried);
  put_content_.Step();
  const int64_t id = put_content_.Integer(0);
  put_content_.Run();
  if (content.vector.empty()) return id;
  put_vector_.Bind(id, std::as_bytes(content.vector)).Run();
  if (known) {
    database_.Prepare("UPDATE file SET content = ?2 WHERE content = ?1").Bind(known->id, id).Run();
    database_.Prepare("DELETE FROM content WHERE id = ?1").Bind(known->id).Run();
    database_.Prepare("DELETE FROM gone WHERE content = ?1").Bind(known->id).Run();
  }
  return id;
}

void FileTable::PutDetails(int64_t id, const NewContent& content) {
  database_
      .Prepare(
          "UPDATE content SET format = ?2, width = ?3, height = ?4, taken = ?5, taken_offset = ?6,"
          " greys = ?7, tried = ?8 WHERE id = ?1")
      .Bind(id, UnlessEmpty(content.format), UnlessZero(content.width), UnlessZero(content.height),
            content.taken, content.taken_offset, UnlessEmpty(std::as_bytes(content.greys)),
            content.tried)
      .Run();
}

std::optional<int64_t> FileTable::ContentOf(const FoundFile& file) {
  std::optional<int64_t> content;
  if (content_of_file_.Bind(file.root, BytesOf(file.path)).Step()) {
    content = content_of_file_.IntegerIfAny(0);
  }
  content_of_file_.Reset();
  return content;
}

void FileTable::PutFile(const FoundFile& file, int64_t content) {
  const std::optional<int64_t> before = ContentOf(file);
  put_file_.Bind(file.root, BytesOf(file.path), file.size, file.mtime_ns, file.seen, content).Run();
  if (before != content) UpdateGone(before, SecondsNow());
  UpdateGone(content, SecondsNow());
}

void FileTable::PutUnreadable(const FoundFile& file, const std::string& error) {
  put_unreadable_.Bind(file.root, BytesOf(file.path), file.size, file.mtime_ns, file.seen, error)
      .Run();
  UpdateGone(ContentOf(file), SecondsNow());
}

void FileTable::MarkPresent(const KnownFile& file) {
  mark_present_.Bind(file.id).Run();
  UpdateGone(file.content, SecondsNow());
}

void FileTable::MarkMissing(const KnownFile& file, int64_t now) {
  mark_missing_.Bind(file.id, now).Run();
  UpdateGone(file.content, now);
}

void FileTable::UpdateGone(std::optional<int64_t> content, int64_t now) {
  if (!content) return;
  insert_gone_.Bind(*content, now).Run();
  delete_gone_.Bind(*content).Run();
}

uint64_t FileTable::RemoveMissing(int64_t limit) {
  Statement files = database_.Prepare("DELETE FROM file WHERE missing_since <= ?1 RETURNING id");
  files.Bind(limit);
  uint64_t count = 0;
  while (files.Step()) ++count;
  return count;
}

void FileTable::RemoveGone(int64_t limit) {
  // Their rows in gone stay until the scan file no longer has them.
  database_
      .Prepare(
          "DELETE FROM content WHERE id IN (SELECT content FROM gone WHERE since <= ?1)"
          " AND NOT EXISTS (SELECT 1 FROM file WHERE file.content = content.id)")
      .Bind(limit)
      .Run();
}

void FileTable::FindGone(int64_t now) {
  database_
      .Prepare(
          "INSERT OR IGNORE INTO gone(content, since) SELECT id, ?1 FROM content WHERE NOT"
          " EXISTS (SELECT 1 FROM file WHERE content = content.id AND missing_since IS NULL)")
      .Bind(now)
      .Run();
}

}  // namespace siglip
