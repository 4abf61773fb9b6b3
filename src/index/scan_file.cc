#include "index/scan_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/write_fully.h"
#include "index/byte_vector.h"
#include "index/content_hash.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kScanVersion = 1;
constexpr std::array<char, 8> kMagic = {'S', 'I', 'G', 'L', 'S', 'C', 'A', 'N'};
constexpr size_t kRecordAlignment = 64;
constexpr size_t kBufferBytes = size_t{1} << 20;

/// The header up to its hash.
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kScanVersion;
  uint32_t dimensions = 0;
  std::array<uint8_t, 16> uuid = {};
  uint64_t rows = 0;
  int64_t last_id = 0;
  float largest_norm = 0;
  uint32_t zero = 0;
};
static_assert(sizeof(Header) == 56);
constexpr size_t kHashedHeaderBytes = sizeof(Header) + sizeof(ContentHash);

ContentHash HashOf(const Header& header) {
  return HashContent(std::as_bytes(std::span(&header, 1)));
}

size_t RecordBytes(int64_t dimensions) {
  const size_t bytes = static_cast<size_t>(dimensions) + 2 * sizeof(float) + sizeof(int64_t);
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

Error Malformed(const std::filesystem::path& path, const std::string& what) {
  return Error(ErrorCode::kMalformedFile, path.string() + ": scan file: " + what);
}

Error Mismatch(const std::filesystem::path& path, const std::string& what) {
  return Error(ErrorCode::kMismatch, path.string() + ": scan file: " + what);
}

Error IoError(const std::filesystem::path& path, const char* action) {
  return Error(ErrorCode::kIo, path.string() + ": cannot " + action + ": " + std::strerror(errno));
}

void CheckSpace(const ScanSpace& space) {
  if (space.dimensions < 1 || space.dimensions > kMostDimensions) {
    throw Error(ErrorCode::kInvalidArgument, "dimensions: expected 1 to " +
                                                 std::to_string(kMostDimensions) + ", found " +
                                                 std::to_string(space.dimensions));
  }
}

/// The header of a file that begins with `bytes` and has `file_size` of them.
Header ReadHeader(const std::filesystem::path& path, std::span<const std::byte> bytes,
                  uint64_t file_size, const ScanSpace& space) {
  if (file_size < ScanFile::kHeaderBytes || bytes.size() < kHashedHeaderBytes) {
    throw Malformed(path, "expected at least " + std::to_string(ScanFile::kHeaderBytes) +
                              " bytes, found " + std::to_string(file_size));
  }
  Header header;
  ContentHash hash;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(&hash, bytes.data() + sizeof(header), sizeof(hash));
  if (header.magic != kMagic) throw Malformed(path, "does not begin as one");
  if (header.version != kScanVersion) {
    throw Mismatch(path, "expected version " + std::to_string(kScanVersion) + ", found " +
                             std::to_string(header.version));
  }
  if (hash != HashOf(header)) throw Malformed(path, "the hash of its header is wrong");
  if (header.uuid != space.uuid) throw Mismatch(path, "belongs to another index");
  if (header.dimensions != static_cast<uint64_t>(space.dimensions)) {
    throw Mismatch(path, "expected " + std::to_string(space.dimensions) + " dimensions, found " +
                             std::to_string(header.dimensions));
  }
  // A process that died while it appended may have left more.
  const uint64_t most_rows = (file_size - ScanFile::kHeaderBytes) / RecordBytes(space.dimensions);
  if (header.rows > most_rows) {
    throw Malformed(path, "expected " + std::to_string(header.rows) + " records, has room for " +
                              std::to_string(most_rows));
  }
  if (header.last_id < 0 || (header.rows == 0) != (header.last_id == 0)) {
    throw Malformed(path, std::to_string(header.rows) + " records with the last content id " +
                              std::to_string(header.last_id));
  }
  if (!std::isfinite(header.largest_norm) || header.largest_norm < 0) {
    throw Malformed(path, "its largest norm is " + std::to_string(header.largest_norm));
  }
  return header;
}

/// Makes records of rows and keeps the header that belongs to them.
class RecordMaker {
 public:
  RecordMaker(const std::filesystem::path& path, const Header& header)
      : path_(path), header_(header), record_(RecordBytes(header.dimensions)) {}

  /// Valid until the next call.
  std::span<const std::byte> Make(const ScanRow& row) {
    if (row.id <= header_.last_id) {
      throw Error(ErrorCode::kInvalidArgument, path_.string() + ": expected a content id above " +
                                                   std::to_string(header_.last_id) + ", found " +
                                                   std::to_string(row.id));
    }
    if (row.halves.size() != header_.dimensions) {
      throw Error(ErrorCode::kInvalidArgument,
                  path_.string() + ": content " + std::to_string(row.id) + ": expected " +
                      std::to_string(header_.dimensions) + " dimensions, found " +
                      std::to_string(row.halves.size()));
    }
    int8_t* const bytes = record_.data();
    const ByteVector vector = RoundToBytes(row.halves, {bytes, row.halves.size()}, [&] {
      return path_.string() + ": content " + std::to_string(row.id);
    });
    int8_t* const fields = bytes + row.halves.size();
    std::memcpy(fields, &vector.scale, sizeof(float));
    std::memcpy(fields + sizeof(float), &vector.residual, sizeof(float));
    std::memcpy(fields + 2 * sizeof(float), &row.id, sizeof(row.id));
    ++header_.rows;
    header_.last_id = row.id;
    header_.largest_norm = std::max(header_.largest_norm, vector.norm);
    return std::as_bytes(std::span(record_));
  }

  /// As it is on the disk, kHeaderBytes.
  std::vector<std::byte> HeaderBytes() const {
    std::vector<std::byte> bytes(ScanFile::kHeaderBytes);
    const ContentHash hash = HashOf(header_);
    std::memcpy(bytes.data(), &header_, sizeof(header_));
    std::memcpy(bytes.data() + sizeof(header_), &hash, sizeof(hash));
    return bytes;
  }

  uint64_t end() const { return ScanFile::kHeaderBytes + header_.rows * record_.size(); }

 private:
  const std::filesystem::path& path_;
  Header header_;
  std::vector<int8_t> record_;
};

/// A file that is open for writing.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path) : path_(path) {
    file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file_ < 0 && (errno == ENOENT || errno == ENOTDIR)) {
      throw Error(ErrorCode::kNotFound, path.string() + ": cannot open: " + std::strerror(errno));
    }
    if (file_ < 0) throw IoError(path, "open");
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(file_); }

  Header ReadHeader(const ScanSpace& space) const {
    struct stat status = {};
    if (::fstat(file_, &status) != 0) throw IoError(path_, "look at");
    if (!S_ISREG(status.st_mode)) {
      throw Error(ErrorCode::kIo, path_.string() + ": expected a regular file");
    }
    std::array<std::byte, kHashedHeaderBytes> bytes;
    const ssize_t count = ::pread(file_, bytes.data(), bytes.size(), 0);
    if (count < 0) throw IoError(path_, "read");
    return siglip::ReadHeader(path_, std::span(bytes).first(static_cast<size_t>(count)),
                              static_cast<uint64_t>(status.st_size), space);
  }
  void Write(std::span<const std::byte> bytes, uint64_t offset) const {
    if (!WriteFully(file_, bytes, offset)) throw IoError(path_, "write");
  }
  void Sync() const {
    if (::fdatasync(file_) != 0) throw IoError(path_, "flush");
  }

 private:
  const std::filesystem::path& path_;
  int file_;
};

}  // namespace

ScanFile::ScanFile(MappedFile file, const ScanSpace& space)
    : file_(std::move(file)),
      dimensions_(space.dimensions),
      record_bytes_(RecordBytes(space.dimensions)) {}

ScanFile ScanFile::Open(const std::filesystem::path& path, const ScanSpace& space) {
  CheckSpace(space);
  ScanFile scan(MappedFile::Open(path), space);
  const std::span<const std::byte> bytes = scan.file_.bytes();
  const Header header = ReadHeader(path, bytes, bytes.size(), space);
  scan.rows_ = static_cast<int64_t>(header.rows);
  scan.last_id_ = header.last_id;
  scan.largest_norm_ = header.largest_norm;
  scan.CheckRecords(path);
  return scan;
}

void ScanFile::CheckRecords(const std::filesystem::path& path) const {
  const auto is_size = [](float value) { return std::isfinite(value) && value >= 0; };
  int64_t previous = 0;
  for (int64_t row = 0; row < rows_; ++row) {
    const int64_t content = id(row);
    if (content <= previous) {
      throw Malformed(path, "record " + std::to_string(row) + ": content id " +
                                std::to_string(content) + " after " + std::to_string(previous));
    }
    if (!is_size(scale(row)) || !is_size(residual(row))) {
      throw Malformed(path, "record " + std::to_string(row) + ": scale " +
                                std::to_string(scale(row)) + ", residual " +
                                std::to_string(residual(row)));
    }
    previous = content;
  }
  if (previous != last_id_) {
    throw Malformed(path, "expected the last content id " + std::to_string(last_id_) + ", found " +
                              std::to_string(previous));
  }
}

ScanFileWriter::ScanFileWriter(std::filesystem::path path, const ScanSpace& space)
    : path_(std::move(path)), space_(space) {
  CheckSpace(space);
}

void ScanFileWriter::Append(const ScanRowSource& source) const {
  const OpenFile file(path_);
  RecordMaker maker(path_, file.ReadHeader(space_));
  std::vector<std::byte> buffer;
  uint64_t written = maker.end();
  const uint64_t begin = written;
  const auto flush = [&] {
    file.Write(buffer, written);
    written += buffer.size();
    buffer.clear();
  };
  while (const std::optional<ScanRow> row = source()) {
    const std::span<const std::byte> record = maker.Make(*row);
    buffer.insert(buffer.end(), record.begin(), record.end());
    if (buffer.size() >= kBufferBytes) flush();
  }
  flush();
  if (written == begin) return;
  // The header that counts the records reaches the disk after them.
  file.Sync();
  file.Write(maker.HeaderBytes(), 0);
  file.Sync();
}

void ScanFileWriter::WriteAnew(const ScanRowSource& source) const {
  Header header;
  header.dimensions = static_cast<uint32_t>(space_.dimensions);
  header.uuid = space_.uuid;
  RecordMaker maker(path_, header);
  AtomicFile file(path_);
  file.Write(maker.HeaderBytes());
  while (const std::optional<ScanRow> row = source()) file.Write(maker.Make(*row));
  file.WriteAt(0, maker.HeaderBytes());
  file.Commit();
}

}  // namespace siglip
