#include "index/duplicates.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "index/all_pairs.h"
#include "index/halves.h"
#include "index/same_picture.h"
#include "index/schema.h"
#include "index/space.h"

namespace siglip {
namespace {

/// See docs/cli.md.
constexpr float kSimilarScore = 0.90F;

constexpr std::array kKinds = {
    std::pair(DuplicateKind::kSameBytes, std::string_view("same-bytes")),
    std::pair(DuplicateKind::kSamePicture, std::string_view("same-picture")),
    std::pair(DuplicateKind::kSimilar, std::string_view("similar"))};

float ThresholdOf(const DuplicateOptions& options) {
  if (!options.threshold) {
    return options.kind == DuplicateKind::kSimilar ? kSimilarScore : kSamePictureScore;
  }
  if (options.kind == DuplicateKind::kSameBytes) {
    throw Error(ErrorCode::kInvalidArgument, "threshold: the same bytes have none");
  }
  if (!(*options.threshold > 0 && *options.threshold <= 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                "threshold: expected a cosine above 0 and at most 1, found " +
                    std::to_string(*options.threshold));
  }
  return *options.threshold;
}

/// One that a file has.
struct Content {
  int64_t id;
  bool has_vector;
  bool has_copies;
};

/// In the order in which they may represent others.
std::vector<Content> ReadContents(const Database& database) {
  Statement statement = database.Prepare(
      std::string("WITH present AS (SELECT content, mtime_ns, kind = ?1 AS archived, ") +
      kWholePath +
      " AS whole FROM file JOIN root ON root.id = file.root WHERE missing_since IS NULL),"
      " ranked AS (SELECT *, count(*) OVER (PARTITION BY content) AS files,"
      " row_number() OVER (PARTITION BY content ORDER BY archived, mtime_ns, whole) AS place"
      " FROM present)"
      " SELECT id, EXISTS (SELECT 1 FROM vector WHERE content = id), files > 1 FROM ranked"
      " JOIN content ON id = ranked.content WHERE place = 1"
      " ORDER BY coalesce(width, 0) * coalesce(height, 0) DESC, size DESC, archived,"
      " mtime_ns, whole");
  statement.Bind(kArchiveKind);
  std::vector<Content> contents;
  while (statement.Step()) {
    contents.push_back({.id = statement.Integer(0),
                        .has_vector = statement.Integer(1) != 0,
                        .has_copies = statement.Integer(2) != 0});
  }
  return contents;
}

/// Contents that are alike to another, by positions in the list of contents.
class AlikeContents {
 public:
  AlikeContents(const Database& database, const std::vector<Content>& contents)
      : contents_(contents),
        vector_(database.Prepare("SELECT f16 FROM vector WHERE content = ?1")),
        greys_(database.Prepare("SELECT greys FROM content WHERE id = ?1")),
        apart_(database.Prepare("SELECT 1 FROM apart WHERE a = ?1 AND b = ?2")) {}

  /// By representative.
  std::map<size_t, std::vector<AlikeRow>> Find(const ComputeRuntime& runtime, int64_t dimensions,
                                               float threshold, bool same_picture) {
    std::vector<size_t> positions;  // of what has a vector, by row
    for (size_t i = 0; i < contents_.size(); ++i) {
      if (contents_[i].has_vector) positions.push_back(i);
    }
    const auto id_of = [&](int64_t row) {
      return contents_[positions[static_cast<size_t>(row)]].id;
    };
    const ComparedVectors vectors = {
        .rows = static_cast<int64_t>(positions.size()),
        .dimensions = dimensions,
        .read = [&](int64_t row, std::span<uint16_t> halves) { ReadHalves(id_of(row), halves); }};
    std::map<size_t, std::vector<AlikeRow>> found;
    for (AlikeGroup& group : GroupByRepresentative(
             runtime, vectors, threshold, [&](int64_t representative, int64_t row) {
               const int64_t a = id_of(representative);
               const int64_t b = id_of(row);
               return (!same_picture || ShowTheSame(a, b)) && !AreApart(a, b);
             })) {
      for (AlikeRow& row : group.rows) {
        row.row = static_cast<int64_t>(positions[static_cast<size_t>(row.row)]);
      }
      found[positions[static_cast<size_t>(group.representative)]] = std::move(group.rows);
    }
    return found;
  }

 private:
  void ReadHalves(int64_t id, std::span<uint16_t> halves) {
    vector_.Bind(id).Step();
    CopyHalves(vector_.Blob(0), halves);
    vector_.Reset();
  }

  std::vector<std::byte> ReadGreys(int64_t id) {
    greys_.Bind(id).Step();
    const std::span<const std::byte> blob = greys_.Blob(0);
    std::vector<std::byte> greys(blob.begin(), blob.end());
    greys_.Reset();
    return greys;
  }

  bool ShowTheSame(int64_t a, int64_t b) { return GreysAgree(ReadGreys(a), ReadGreys(b)); }

  bool AreApart(int64_t a, int64_t b) {
    const bool apart = apart_.Bind(std::min(a, b), std::max(a, b)).Step();
    apart_.Reset();
    return apart;
  }

  const std::vector<Content>& contents_;
  Statement vector_;
  Statement greys_;
  Statement apart_;
};

class FileReader {
 public:
  explicit FileReader(const Database& database)
      : files_(database.Prepare(
            std::string("SELECT ") + kWholePath +
            " AS whole, file.size, mtime_ns, width, height, kind = ?2 AS archived FROM file"
            " JOIN root ON root.id = file.root"
            " JOIN content ON content.id = file.content"
            " WHERE content = ?1 AND missing_since IS NULL ORDER BY archived, mtime_ns, whole")) {}

  void Read(int64_t content, float score, std::vector<DuplicateFile>& files) {
    files_.Bind(content, kArchiveKind);
    while (files_.Step()) {
      files.push_back({.path = files_.Text(0),
                       .content = content,
                       .bytes = files_.Integer(1),
                       .mtime_ns = files_.Integer(2),
                       .width = files_.Integer(3),
                       .height = files_.Integer(4),
                       .score = score,
                       .archived = files_.Integer(5) != 0});
    }
    files_.Reset();
  }

 private:
  Statement files_;
};

}  // namespace

DuplicateKind ParseDuplicateKind(std::string_view name) {
  std::string known;
  for (const auto& [kind, kind_name] : kKinds) {
    if (kind_name == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind_name);
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown kind of duplicates '" + std::string(name) + "'",
              "known: " + known);
}

std::string_view ToString(DuplicateKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "kind of duplicates has no value " + std::to_string(static_cast<int>(kind)));
}

std::vector<DuplicateGroup> FindDuplicates(const Database& database, const ComputeRuntime& runtime,
                                           const DuplicateOptions& options) {
  const float threshold = ThresholdOf(options);
  const std::optional<IndexSpace> space = ReadSpace(database);
  if (!space) throw NothingIndexed(database.name());
  const std::vector<Content> contents = ReadContents(database);
  std::map<size_t, std::vector<AlikeRow>> alike;
  if (options.kind != DuplicateKind::kSameBytes) {
    alike = AlikeContents(database, contents)
                .Find(runtime, space->fingerprint.dimension, threshold,
                      options.kind == DuplicateKind::kSamePicture);
  }
  std::vector<bool> is_taken(contents.size());
  for (const auto& [representative, rows] : alike) {
    for (const AlikeRow& row : rows) is_taken[static_cast<size_t>(row.row)] = true;
  }
  FileReader reader(database);
  std::vector<DuplicateGroup> groups;
  for (size_t i = 0; i < contents.size(); ++i) {
    const auto others = alike.find(i);
    if (is_taken[i] || (others == alike.end() && !contents[i].has_copies)) continue;
    DuplicateGroup& group = groups.emplace_back();
    reader.Read(contents[i].id, 1, group.files);
    if (others == alike.end()) continue;
    for (const AlikeRow& row : others->second) {
      reader.Read(contents[static_cast<size_t>(row.row)].id, row.score, group.files);
    }
  }
  return groups;
}

}  // namespace siglip
