#include "index/verify.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <span>

#include "index/byte_vector.h"
#include "index/halves.h"
#include "index/norm_tolerance.h"
#include "index/scan_file.h"
#include "index/space.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

class Verification {
 public:
  Verification(const Database& database, const IndexSpace& space,
               const std::filesystem::path& folder)
      : database_(database),
        folder_(folder),
        dimensions_(static_cast<size_t>(space.fingerprint.dimension)) {}

  std::vector<std::string> Run() {
    for (const char* const check : {"PRAGMA integrity_check", "PRAGMA foreign_key_check"}) {
      Statement statement = database_.Prepare(check);
      while (statement.Step()) {
        if (statement.Text(0) != "ok") Report("index.sqlite: " + statement.Text(0));
      }
    }
    CheckContents();
    OpenScan();
    CheckVectors();
    return faults_;
  }

 private:
  void Report(std::string fault) { faults_.push_back(std::move(fault)); }

  void CheckContents() {
    const int64_t without = database_.Integer(
        "SELECT count(*) FROM content LEFT JOIN vector ON content = id"
        " WHERE (content IS NULL) != (error IS NOT NULL)");
    if (without > 0) {
      Report("index.sqlite: " + std::to_string(without) +
             " contents have neither a vector nor an error, or both");
    }
    const int64_t gone = database_.Integer(
        "SELECT count(*) FROM content WHERE (id IN (SELECT content FROM gone)) !="
        " (NOT EXISTS (SELECT 1 FROM file WHERE content = content.id AND missing_since IS NULL))");
    if (gone > 0) {
      Report("index.sqlite: of " + std::to_string(gone) +
             " contents it is not noted whether a file has them");
    }
  }

  void OpenScan() {
    try {
      scan_ = ScanFile::Open(
          folder_ / "scan.i8",
          {.uuid = ReadSpaceId(database_), .dimensions = static_cast<int64_t>(dimensions_)});
    } catch (const Error& error) {
      Report(std::string(error.what()) + "; the next siglip index writes it anew");
    }
  }

  void CheckVectors() {
    std::vector<uint16_t> halves(dimensions_);
    Statement statement = database_.Prepare("SELECT content, f16 FROM vector ORDER BY content");
    while (statement.Step()) {
      const int64_t id = statement.Integer(0);
      try {
        CopyHalves(statement.Blob(1), halves);
      } catch (const Error& error) {
        Report("content " + std::to_string(id) + ": " + error.message());
        continue;
      }
      double squares = 0;
      for (const uint16_t half : halves) squares += std::pow(Float16ToFloat(half), 2);
      if (!(std::abs(std::sqrt(squares) - 1) <= kNormTolerance)) {
        Report("content " + std::to_string(id) + ": its vector is not finite and of norm 1");
        continue;
      }
      CheckRecord(id, halves);
    }
  }

  /// The record of a vector is derived from it, and from nothing else.
  void CheckRecord(int64_t id, std::span<const uint16_t> halves) {
    if (!scan_ || id > scan_->last_id()) return;
    while (row_ < scan_->rows() && scan_->id(row_) < id) ++row_;  // those that were removed
    if (row_ == scan_->rows() || scan_->id(row_) != id) {
      return Report("scan.i8: content " + std::to_string(id) + " is not there");
    }
    std::vector<int8_t> bytes(dimensions_);
    const ByteVector expected =
        RoundToBytes(halves, bytes, [id] { return "content " + std::to_string(id); });
    if (!std::equal(bytes.begin(), bytes.end(), scan_->record(row_)) ||
        scan_->scale(row_) != expected.scale || scan_->residual(row_) != expected.residual) {
      Report("scan.i8: content " + std::to_string(id) + " has another vector in index.sqlite");
    }
  }

  const Database& database_;
  const std::filesystem::path& folder_;
  const size_t dimensions_;
  std::optional<ScanFile> scan_;
  int64_t row_ = 0;  // of the scan file
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> VerifyIndex(const Database& database,
                                     const std::filesystem::path& folder) {
  const std::optional<IndexSpace> space = ReadSpace(database);
  if (!space) return {};
  return Verification(database, *space, folder).Run();
}

}  // namespace siglip
