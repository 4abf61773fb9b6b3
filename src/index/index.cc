#include "siglip/index.hpp"

#include <mutex>
#include <system_error>
#include <utility>

#include "index/content_hash.h"
#include "index/contents.h"
#include "index/duplicates.h"
#include "index/halves.h"
#include "index/hits.h"
#include "index/schema.h"
#include "index/search_filter.h"
#include "index/search_state.h"
#include "index/search_vectors.h"
#include "index/space.h"
#include "index/verify.h"
#include "kernels/compute_runtime.h"

namespace siglip {
namespace {

int64_t BytesIn(const std::filesystem::path& folder) {
  int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) bytes += static_cast<int64_t>(entry.file_size(ignored));
  }
  return bytes;
}

}  // namespace

struct Index::Parts {
  Parts(const std::filesystem::path& index_folder, std::shared_ptr<const Runtime> chosen)
      : folder(index_folder),
        runtime(chosen ? std::move(chosen) : Runtime::Create()),
        database(OpenIndexDatabase(folder, Database::Access::kRead)) {}

  const ComputeRuntime& Compute() const { return ComputeRuntime::From(*runtime); }

  /// Runs `read` in a transaction whose state of the database the given search state is of.
  void WithState(const std::function<void(const SearchState&)>& read);

  const std::filesystem::path folder;
  const std::shared_ptr<const Runtime> runtime;
  std::mutex mutex;  // guards what follows
  Database database;
  int64_t version = -1;  // of the database, when the state was loaded
  std::optional<SearchState> state;
};

Index::Index(const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime)
    : parts_(std::make_unique<Parts>(folder, std::move(runtime))) {}
Index::Index(Index&&) noexcept = default;
Index::~Index() = default;

void Index::Parts::WithState(const std::function<void(const SearchState&)>& read) {
  const auto current_version = [this] { return database.Integer("PRAGMA data_version"); };
  if (state) {
    const ReadTransaction transaction(database);
    if (current_version() == version) return read(*state);
  }
  while (true) {
    // Before the transaction, see OpenedScan.
    const std::optional<IndexSpace> space = ReadSpace(database);
    OpenedScan scan(folder);
    if (space) {
      scan.Open({.uuid = ReadSpaceId(database), .dimensions = space->fingerprint.dimension});
    }
    const ReadTransaction transaction(database);
    if (!scan.IsCurrent()) continue;
    state.reset();
    state = LoadState(database, scan.Take());
    version = current_version();
    return read(*state);
  }
}

std::optional<IndexSpace> Index::space() const {
  const std::lock_guard lock(parts_->mutex);
  return ReadSpace(parts_->database);
}

void Index::CheckFits(const Embedder& embedder, EmbeddingContent content) const {
  const std::optional<IndexSpace> known = space();
  if (!known) throw NothingIndexed(parts_->database.name());
  CheckComparable(*known, embedder.fingerprint(content, {.normalize = true}),
                  FingerprintRelation::kComparableAsQuery, parts_->folder.string());
}

IndexStatus Index::status() const {
  const std::lock_guard lock(parts_->mutex);
  const ReadTransaction transaction(parts_->database);
  const Database& database = parts_->database;
  IndexStatus status;
  status.space = ReadSpace(database);
  if (status.space) status.id = ToHex(ReadSpaceId(database));
  Statement folders = database.Prepare(
      "SELECT root.path, count(file.id) FILTER (WHERE missing_since IS NULL),"
      " count(missing_since), count(file.error) FILTER (WHERE missing_since IS NULL), kind = ?1"
      " FROM root LEFT JOIN file ON file.root = root.id GROUP BY root.id ORDER BY root.path");
  folders.Bind(kArchiveKind);
  while (folders.Step()) {
    status.folders.push_back({.path = folders.Text(0),
                              .files = folders.Integer(1),
                              .missing = folders.Integer(2),
                              .unreadable = folders.Integer(3),
                              .is_archive = folders.Integer(4) != 0});
  }
  Statement contents = database.Prepare(
      "SELECT count(*), count(error) FROM content WHERE id NOT IN (SELECT content FROM gone)");
  contents.Step();
  status.contents = contents.Integer(0);
  status.undecodable = contents.Integer(1);
  status.bytes = BytesIn(parts_->folder);
  return status;
}

SearchResult Index::Search(const std::vector<QueryPart>& parts,
                           const SearchOptions& options) const {
  const std::lock_guard lock(parts_->mutex);
  SearchResult result;
  parts_->WithState([&](const SearchState& state) {
    const std::optional<Passing> passing =
        FindPassing(parts_->database, options.filter, state.present);
    const std::vector<std::string> prefixes = PrefixesOf(options.filter.under);
    const ComputeRuntime& runtime = parts_->Compute();
    HitReader reader(parts_->database, runtime.kernels(), state.dimensions(), prefixes);
    result = SearchVectors(runtime, state, passing, reader, parts, options);
  });
  return result;
}

void Index::ForEachFile(const std::function<bool(const IndexedFile&)>& visit) const {
  const std::lock_guard lock(parts_->mutex);
  const ReadTransaction transaction(parts_->database);
  // Roots do not lie in each other, but "a-b" comes between "a" and "a/": whole paths are sorted.
  Statement statement = parts_->database.Prepare(
      std::string("SELECT ") + kWholePath +
      " AS whole, file.content, f16 FROM file JOIN root ON root.id = file.root"
      " JOIN vector ON vector.content = file.content WHERE missing_since IS NULL ORDER BY whole");
  while (statement.Step()) {
    IndexedFile file;
    file.path = statement.Text(0);
    file.content = statement.Integer(1);
    file.vector = FloatsOf(statement.Blob(2));
    if (!visit(file)) return;
  }
}

std::vector<float> Index::Vector(int64_t content) const {
  const std::lock_guard lock(parts_->mutex);
  Statement statement = parts_->database.Prepare("SELECT f16 FROM vector WHERE content = ?1");
  if (!statement.Bind(content).Step()) {
    throw Error(ErrorCode::kNotFound, parts_->database.name() + ": content " +
                                          std::to_string(content) + " has no vector");
  }
  return FloatsOf(statement.Blob(0));
}

std::optional<IndexedContent> Index::Content(int64_t id) const {
  const std::lock_guard lock(parts_->mutex);
  const ReadTransaction transaction(parts_->database);
  return ReadContent(parts_->database, id);
}

bool Index::HasContent(std::string_view hash) const {
  const std::lock_guard lock(parts_->mutex);
  return siglip::HasContent(parts_->database, hash);
}

std::vector<DuplicateGroup> Index::FindDuplicates(const DuplicateOptions& options) const {
  const std::lock_guard lock(parts_->mutex);
  const ReadTransaction transaction(parts_->database);
  return siglip::FindDuplicates(parts_->database, parts_->Compute(), options);
}

std::optional<int64_t> Index::ContentOf(const std::filesystem::path& file) const {
  const std::lock_guard lock(parts_->mutex);
  // As it was reached, which may be through a link, or as it would be without links.
  const std::filesystem::path absolute = std::filesystem::absolute(file).lexically_normal();
  std::error_code ignored;
  const auto folder = std::filesystem::weakly_canonical(absolute.parent_path(), ignored);
  Statement statement = parts_->database.Prepare(
      std::string("SELECT content FROM file JOIN root ON root.id = file.root WHERE ") + kWholePath +
      " = ?1 AND kind = ?2 AND content IS NOT NULL");
  const auto look_for = [&](const std::string& path, const char* kind) {
    return statement.Bind(std::as_bytes(std::span(path)), kind).Step();
  };
  if (look_for(absolute.native(), kFolderKind) ||
      look_for((folder / absolute.filename()).native(), kFolderKind) ||
      look_for(file.native(), kArchiveKind)) {
    return statement.Integer(0);
  }
  return std::nullopt;
}

std::vector<std::string> Index::Verify() const {
  const std::lock_guard lock(parts_->mutex);
  const ReadTransaction transaction(parts_->database);
  return VerifyIndex(parts_->database, parts_->folder);
}

}  // namespace siglip
