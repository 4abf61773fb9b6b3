#include "outputs/index_output.h"

#include <utility>
#include <vector>

#include "common/index_json.h"
#include "output/embedding_table.h"
#include "output/output_format.h"
#include "output/text.h"
#include "siglip/error.hpp"
#include "terminal/format.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

std::string Field(const std::string& name, const std::string& value) {
  return name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') + value + "\n";
}

/// The vectors of an index. They are read when they are asked for, as contents never change.
class IndexTable final : public EmbeddingTable {
 public:
  using Rows = std::vector<std::pair<std::string, int64_t>>;  // path and content

  IndexTable(const Index& index, Rows rows, const IndexSpace& space, DType dtype)
      : EmbeddingTable(rows.size(), {space.fingerprint.dimension}, space.fingerprint.InWords(),
                       dtype),
        index_(index),
        rows_(std::move(rows)) {}

  RowKey Key(size_t row) const override {
    RowKey key;
    key.name = rows_[row].first;
    return key;
  }
  std::span<const float> Row(size_t row) override {
    vector_ = index_.Vector(rows_[row].second);
    return vector_;
  }

 private:
  const Index& index_;
  const Rows rows_;
  std::vector<float> vector_;
};

}  // namespace

std::string StatusText(const IndexStatus& status) {
  std::string text;
  if (status.space) {
    const Fingerprint& fingerprint = status.space->fingerprint;
    text += Field("model", Printable(status.space->model));
    text += Field("precision", std::string(ToString(fingerprint.precision)));
    text += Field("dimension", std::to_string(fingerprint.dimension));
  }
  text += Field("pictures",
                std::to_string(status.contents) +
                    (status.undecodable > 0
                         ? ", of which " + std::to_string(status.undecodable) + " cannot be decoded"
                         : ""));
  text += Field("on the disk", FormatBytes(status.bytes));
  for (const IndexedFolder& folder : status.folders) {
    std::string line = Printable(folder.path) + ": " + std::to_string(folder.files) +
                       (folder.is_archive ? " pictures" : " files");
    if (folder.missing > 0) line += ", " + std::to_string(folder.missing) + " missing";
    if (folder.unreadable > 0) line += ", " + std::to_string(folder.unreadable) + " unreadable";
    text += Field(folder.is_archive ? "archive" : "folder", line);
  }
  return text;
}

std::string StatusJson(const IndexStatus& status) {
  std::string text = "{";
  if (status.space) {
    text += "\"model\":" + JsonQuoted(status.space->model) +
            ",\"fingerprint\":" + status.space->fingerprint.ToJson() + ",";
  }
  return text + apps::IndexCountsJson(status) + "}\n";
}

size_t ExportIndex(const Index& index, const std::filesystem::path& path, DType dtype,
                   const WriteOptions& options) {
  const std::optional<IndexSpace> space = index.space();
  if (!space) {
    throw Error(ErrorCode::kNotFound, "the index holds nothing to export",
                "index a folder: siglip index FOLDER");
  }
  IndexTable::Rows rows;
  index.ForEachFile([&](const IndexedFile& file) {
    rows.emplace_back(file.path, file.content);
    return true;
  });
  IndexTable table(index, std::move(rows), *space, dtype);
  WriteTable(table, path, options);
  return table.rows();
}

}  // namespace siglip::cli
