#include "index/contents.h"

#include <span>
#include <string>

#include "index/content_hash.h"
#include "index/schema.h"

namespace siglip {

std::optional<IndexedContent> ReadContent(const Database& database, int64_t id) {
  Statement content =
      database.Prepare("SELECT hash, format, width, height FROM content WHERE id = ?1");
  if (!content.Bind(id).Step()) return std::nullopt;
  IndexedContent known = {.id = id,
                          .hash = ToHex(ContentHashFromBytes(content.Blob(0))),
                          .format = content.Text(1),
                          .width = content.Integer(2),
                          .height = content.Integer(3),
                          .files = {}};
  Statement files = database.Prepare(
      std::string("SELECT root.path, file.path, file.size, file.mtime_ns, kind = ?2"
                  " FROM file JOIN root ON root.id = file.root"
                  " WHERE content = ?1 AND missing_since IS NULL ORDER BY ") +
      kWholePath);
  files.Bind(id, kArchiveKind);
  while (files.Step()) {
    known.files.push_back({.folder = files.Text(0),
                           .path = files.Text(1),
                           .bytes = files.Integer(2),
                           .mtime_ns = files.Integer(3),
                           .archived = files.Integer(4) != 0});
  }
  return known;
}

bool HasContent(const Database& database, std::string_view hash) {
  const auto bytes = ContentHashFromHex(hash);
  if (!bytes) return false;
  Statement statement = database.Prepare("SELECT 1 FROM content WHERE hash = ?1");
  return statement.Bind(std::as_bytes(std::span(*bytes))).Step();
}

}  // namespace siglip
