// The file that searches read: a vector of bytes per content, derived from the database.
//
// It may be lost or damaged at any moment, then it is written anew. Little-endian; a header of
// kHeaderBytes, then records in ascending order of content id:
//
//   header   "SIGLSCAN", uint32 version, uint32 dimensions, uuid of the space (16 bytes),
//            uint64 records, int64 last content id, float largest norm, uint32 zero,
//            HashContent of all that (16 bytes), zeros
//   record   int8 [dimensions], float scale, float residual, int64 content id, zeros up to a
//            multiple of 64 bytes
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>

#include "base/mapped_file.h"

namespace siglip {

/// What a scan file and its index must agree about.
struct ScanSpace {
  std::array<uint8_t, 16> uuid;
  int64_t dimensions;  ///< In [1, kMostDimensions].
};

/// The records of a file, mapped into memory: they are those that were there when it was opened,
/// whatever is appended. As with every mapped file, nobody may cut it shorter; ScanFileWriter never
/// does.
class ScanFile {
 public:
  static constexpr size_t kHeaderBytes = 4096;

  /// Looks at every record. Throws Error(kNotFound) where there is no file, Error(kMismatch) when
  /// it is of another space or version, Error(kMalformedFile) when it is damaged, Error(kIo). Then
  /// the vectors have to be read from the database.
  static ScanFile Open(const std::filesystem::path& path, const ScanSpace& space);

  int64_t rows() const { return rows_; }
  int64_t dimensions() const { return dimensions_; }
  /// Of the last record; 0 without any.
  int64_t last_id() const { return last_id_; }
  /// No vector is longer.
  float largest_norm() const { return largest_norm_; }

  /// From one record to the next.
  size_t record_bytes() const { return record_bytes_; }
  /// The record at `row`, which begins with its vector. A multiple of 64 bytes may be read.
  const int8_t* record(int64_t row) const {
    return reinterpret_cast<const int8_t*>(file_.bytes().data()) + kHeaderBytes +
           static_cast<size_t>(row) * record_bytes_;
  }
  float scale(int64_t row) const { return Field<float>(row, 0); }
  float residual(int64_t row) const { return Field<float>(row, sizeof(float)); }
  int64_t id(int64_t row) const { return Field<int64_t>(row, 2 * sizeof(float)); }

 private:
  ScanFile(MappedFile file, const ScanSpace& space);

  void CheckRecords(const std::filesystem::path& path) const;

  template <class Value>
  Value Field(int64_t row, size_t offset) const {
    Value value;
    std::memcpy(&value, record(row) + dimensions_ + offset, sizeof(value));
    return value;
  }

  MappedFile file_;
  int64_t dimensions_;
  size_t record_bytes_;
  int64_t rows_ = 0;
  int64_t last_id_ = 0;
  float largest_norm_ = 0;
};

/// A content's vector, of binary16 numbers.
struct ScanRow {
  int64_t id;  ///< Positive.
  std::span<const uint16_t> halves;
};

/// The next row, in ascending order of id; nothing at the end. What a row points to must last until
/// the next call.
using ScanRowSource = std::function<std::optional<ScanRow>()>;

/// For the one process that holds the lock of the index, after the rows are safe in the database.
/// Whenever that process dies, the file is the old or the new one, or ScanFile::Open and Append
/// find it damaged.
class ScanFileWriter {
 public:
  /// Throws Error(kInvalidArgument) for dimensions out of range.
  ScanFileWriter(std::filesystem::path path, const ScanSpace& space);

  /// Adds rows behind those of the file. Throws like ScanFile::Open where it cannot be continued
  /// (it looks at the header alone), Error(kInvalidArgument) for a row that is too short or long,
  /// not finite or whose id does not follow; then the file keeps the rows it had.
  void Append(const ScanRowSource& source) const;
  /// Replaces the file, if there is one, by another with these rows. Throws as AtomicFile does and,
  /// for rows, as Append.
  void WriteAnew(const ScanRowSource& source) const;

 private:
  std::filesystem::path path_;
  ScanSpace space_;
};

}  // namespace siglip
