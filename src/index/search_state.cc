#include "index/search_state.h"

#include <sys/stat.h>

#include <utility>

#include "index/halves.h"
#include "index/space.h"

namespace siglip {
namespace {

/// Vectors behind the last one of the scan file; all where there is none.
void HoldVectors(const Database& database, SearchState& state) {
  Statement statement =
      database.Prepare("SELECT content, f16 FROM vector WHERE content > ?1 ORDER BY content");
  statement.Bind(state.scan ? state.scan->last_id() : 0);
  const auto dimensions = static_cast<size_t>(state.dimensions());
  while (statement.Step()) {
    state.held_ids.push_back(statement.Integer(0));
    state.held_halves.resize(state.held_halves.size() + dimensions);
    CopyHalves(statement.Blob(1), std::span(state.held_halves).last(dimensions));
  }
}

void FindPresent(const Database& database, SearchState& state) {
  ContentFilter gone;
  Statement statement = database.Prepare("SELECT content FROM gone");
  while (statement.Step()) gone.Add(statement.Integer(0));
  const auto add = [&](int64_t id) {
    if (gone.Contains(id)) return;
    state.present.Add(id);
    ++state.present_count;
  };
  if (state.scan) {
    for (int64_t row = 0; row < state.scan->rows(); ++row) add(state.scan->id(row));
  }
  for (const int64_t id : state.held_ids) add(id);
}

/// The same contents whatever their ids are: those with the smallest hashes.
void TakeSample(const Database& database, SearchState& state) {
  constexpr int64_t kMostVectors = 4096;
  Statement statement = database.Prepare(
      "SELECT f16 FROM content JOIN vector ON vector.content = content.id"
      " WHERE content.id NOT IN (SELECT content FROM gone) ORDER BY hash LIMIT ?1");
  statement.Bind(kMostVectors);
  const auto dimensions = static_cast<size_t>(state.dimensions());
  while (statement.Step()) {
    state.sample.resize(state.sample.size() + dimensions);
    CopyHalves(statement.Blob(0), std::span(state.sample).last(dimensions));
  }
}

uint64_t InodeOf(const std::filesystem::path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

ReadTransaction::ReadTransaction(Database& database) : database_(database) {
  database_.Execute("BEGIN");
  try {
    database_.Execute("SELECT id FROM space");  // which is when it begins to see a state
  } catch (const Error&) {
    End();
    throw;
  }
}

ReadTransaction::~ReadTransaction() { End(); }

void ReadTransaction::End() {
  try {
    database_.Execute("COMMIT");
  } catch (const Error&) {
    // Nothing was changed.
  }
}

void OpenedScan::Open(const ScanSpace& space) {
  inode_ = InodeOf(path_);
  file_.reset();
  try {
    file_ = ScanFile::Open(path_, space);
  } catch (const Error&) {
    // It can be derived again: without it vectors come from the database.
  }
}

bool OpenedScan::IsCurrent() const { return InodeOf(path_) == inode_; }

SearchState LoadState(Database& database, std::optional<ScanFile> scan) {
  SearchState state;
  std::optional<IndexSpace> space = ReadSpace(database);
  if (!space) throw NothingIndexed(database.name());
  state.space = *std::move(space);
  state.scan = std::move(scan);
  HoldVectors(database, state);
  FindPresent(database, state);
  TakeSample(database, state);
  return state;
}

}  // namespace siglip
