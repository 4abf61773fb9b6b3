#include "index/scan_update.h"

#include <cstring>
#include <optional>
#include <span>

#include "index/halves.h"
#include "index/space.h"

namespace siglip {
namespace {

constexpr int64_t kMostDeadPart = 4;

// Contents that were removed but that the scan file may have.
constexpr const char* kRemoved = "FROM gone WHERE content NOT IN (SELECT id FROM content)";

}  // namespace

ScanUpdate::ScanUpdate(Database& database, const std::filesystem::path& folder)
    : database_(database),
      path_(folder / "scan.i8"),
      space_{.uuid = ReadSpaceId(database),
             .dimensions = ReadSpace(database)->fingerprint.dimension},
      writer_(path_, space_),
      vectors_behind_(
          database.Prepare("SELECT content, f16 FROM vector WHERE content > ?1 ORDER BY content")) {
  try {
    const ScanFile file = ScanFile::Open(path_, space_);
    last_id_ = file.last_id();
    rows_ = file.rows();
  } catch (const Error&) {
    // Whatever is the matter with it, another one can be made.
  }
}

void ScanUpdate::Run() {
  const int64_t removed = database_.Integer(std::string("SELECT count(*) ") + kRemoved);
  if (last_id_ < 0 || removed * kMostDeadPart > rows_) return WriteAnew();
  vectors_behind_.Bind(last_id_);
  try {
    writer_.Append(RowsOf(vectors_behind_, last_id_, rows_));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kIo) throw;
    WriteAnew();
  }
  vectors_behind_.Reset();
}

void ScanUpdate::WriteAnew() {
  last_id_ = 0;
  rows_ = 0;
  vectors_behind_.Bind(last_id_);
  writer_.WriteAnew(RowsOf(vectors_behind_, last_id_, rows_));
  vectors_behind_.Reset();
  Transaction transaction(database_);
  database_.Execute(std::string("DELETE ") + kRemoved);
  transaction.Commit();
}

}  // namespace siglip
