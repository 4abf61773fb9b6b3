// Files and contents, as the writer of an index reads and changes them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/content_hash.h"
#include "index/database.h"
#include "index/schema.h"

namespace siglip {

struct Root {
  int64_t id = 0;
  std::string path;
  bool is_archive = false;
};

/// A file as it is known.
struct KnownFile {
  int64_t id = 0;
  std::string path;  ///< Relative to its root.
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t seen = 0;  ///< When it was read, in nanoseconds since 1970.
  std::optional<int64_t> content;
  bool missing = false;
  bool unreadable = false;
  bool undecodable = false;  ///< Its content has no vector,
  std::string tried;         ///< and this is who tried.
};

/// A file as it was found.
struct FoundFile {
  int64_t root = 0;
  std::string path;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t seen = 0;
};

/// What is stored about a content.
struct NewContent {
  ContentHash hash;
  int64_t size = 0;
  int64_t width = 0;  ///< 0: not known, and so for the height.
  int64_t height = 0;
  std::string format = {};            ///< May be empty.
  std::optional<int64_t> taken = {};  ///< See the table.
  std::optional<int64_t> taken_offset = {};
  std::span<const uint8_t> greys = {};    ///< May be empty.
  std::span<const uint16_t> vector = {};  ///< Halves; empty after a failure.
  std::string error_code = {};
  std::string error = {};
  std::string tried = {};
};

struct KnownContent {
  int64_t id = 0;
  bool has_vector = false;
  bool has_details =
      false;  ///< Those that only originals tell: greys, and the time if there is one.
  std::string tried;
};

/// Statements are compiled once. Changes belong to the transaction of whoever calls.
class FileTable {
 public:
  explicit FileTable(Database& database);

  std::vector<Root> Roots() const;
  int64_t AddRoot(const std::string& path, const char* kind = kFolderKind);
  /// With its files; contents stay.
  void RemoveRoot(int64_t root);

  std::vector<std::string> Mounts(int64_t root) const;
  void SetMounts(int64_t root, const std::vector<std::string>& mounts);

  /// How many files below a folder of a root are there, as far as is known. The folder ends with a
  /// slash, or is empty.
  int64_t CountPresent(int64_t root, const std::string& folder);
  /// Of one root behind a path, in byte order; at most `count`.
  std::vector<KnownFile> FilesBehind(int64_t root, const std::optional<std::string>& path,
                                     int64_t count);

  std::optional<KnownContent> FindContent(const ContentHash& hash);
  /// Adds it, or replaces what is known of one without a vector. One that has its vector keeps that
  /// and its id, and gets details. Returns its id, a new one where it gets a vector.
  int64_t PutContent(const NewContent& content);

  /// The file is there and has this content. Replaces what was known of it.
  void PutFile(const FoundFile& file, int64_t content);
  /// The file is there but cannot be read.
  void PutUnreadable(const FoundFile& file, const std::string& error);
  void MarkPresent(const KnownFile& file);
  void MarkMissing(const KnownFile& file, int64_t now);

  /// Removes files missing since `limit` or earlier. Returns how many.
  uint64_t RemoveMissing(int64_t limit);
  /// Removes contents that have been without any file since `limit` or earlier.
  void RemoveGone(int64_t limit);
  /// Looks again which contents no file has.
  void FindGone(int64_t now);

 private:
  void PutDetails(int64_t id, const NewContent& content);
  std::optional<int64_t> ContentOf(const FoundFile& file);
  void UpdateGone(std::optional<int64_t> content, int64_t now);

  Database& database_;
  Statement count_present_;
  Statement first_files_;
  Statement files_behind_;
  Statement find_content_;
  Statement put_content_;
  Statement put_vector_;
  Statement content_of_file_;
  Statement put_file_;
  Statement put_unreadable_;
  Statement mark_present_;
  Statement mark_missing_;
  Statement insert_gone_;
  Statement delete_gone_;
};

}  // namespace siglip
