#include "output/zip_writer.h"

#include <cstddef>
#include <optional>

#include "output/crc32.h"

namespace siglip {
namespace {

constexpr uint16_t kVersion = 45;  // knows 64-bit sizes
constexpr uint16_t kStored = 0;
constexpr uint32_t kFirstDay = (1 << 21 | 1 << 16);  // 1980-01-01 00:00, for equal bytes every time
constexpr uint32_t kRegularFile = 0100644U << 16;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // the value stands in a 64-bit field elsewhere
constexpr uint64_t kLocalCrcOffset = 14;

template <typename Integer>
void Append(std::string& bytes, Integer value) {
  for (size_t i = 0; i < sizeof(Integer); ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

/// From the version on, what a file's local and central header have in common.
void AppendCommon(std::string& bytes, const ZipEntry& entry, const std::string& extra) {
  const uint32_t size = extra.empty() ? static_cast<uint32_t>(entry.size) : kIn64;
  Append(bytes, kVersion);
  Append(bytes, uint16_t{0});  // flags
  Append(bytes, kStored);
  Append(bytes, kFirstDay);
  Append(bytes, entry.crc);
  Append(bytes, size);  // compressed
  Append(bytes, size);
  Append(bytes, static_cast<uint16_t>(entry.name.size()));
  Append(bytes, static_cast<uint16_t>(extra.size()));
}

/// The size of a file, and in the directory its offset, where 32 bits do not hold them.
std::string Extra64(uint64_t size, std::optional<uint64_t> offset) {
  if (size < kIn64 && offset.value_or(0) < kIn64) return {};
  std::string extra;
  Append(extra, kExtra64);
  Append(extra, static_cast<uint16_t>(offset ? 24 : 16));
  Append(extra, size);
  Append(extra, size);
  if (offset) Append(extra, *offset);
  return extra;
}

/// The end of an archive whose directory of `count` files begins at `begin`.
void AppendEnd(std::string& bytes, uint64_t count, uint64_t size, uint64_t begin) {
  const bool large = begin + size >= kIn64;
  if (large) {
    Append(bytes, uint32_t{0x06064B50});  // the end in 64 bits
    Append(bytes, uint64_t{44});          // bytes of it that follow
    Append(bytes, kVersion);
    Append(bytes, kVersion);
    Append(bytes, uint32_t{0});  // this disk
    Append(bytes, uint32_t{0});  // the directory's disk
    Append(bytes, count);
    Append(bytes, count);
    Append(bytes, size);
    Append(bytes, begin);
    Append(bytes, uint32_t{0x07064B50});  // where that is
    Append(bytes, uint32_t{0});
    Append(bytes, begin + size);
    Append(bytes, uint32_t{1});
  }
  Append(bytes, uint32_t{0x06054B50});
  Append(bytes, uint16_t{0});  // this disk
  Append(bytes, uint16_t{0});  // the directory's disk
  Append(bytes, static_cast<uint16_t>(count));
  Append(bytes, static_cast<uint16_t>(count));
  Append(bytes, static_cast<uint32_t>(size));
  Append(bytes, large ? kIn64 : static_cast<uint32_t>(begin));
  Append(bytes, uint16_t{0});  // no comment
}

}  // namespace

std::string ZipHeader(const ZipEntry& entry) {
  const std::string extra = Extra64(entry.size, std::nullopt);
  std::string header;
  Append(header, uint32_t{0x04034B50});
  AppendCommon(header, entry, extra);
  return header + entry.name + extra;
}

std::string ZipDirectory(std::span<const ZipEntry> entries, uint64_t begin) {
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const std::string extra = Extra64(entry.size, entry.offset);
    Append(directory, uint32_t{0x02014B50});
    Append(directory, static_cast<uint16_t>(3 << 8 | kVersion));  // made on Unix
    AppendCommon(directory, entry, extra);
    Append(directory, uint16_t{0});  // no comment
    Append(directory, uint16_t{0});  // first disk
    Append(directory, uint16_t{0});  // no text
    Append(directory, kRegularFile);
    Append(directory, extra.empty() ? static_cast<uint32_t>(entry.offset) : kIn64);
    directory += entry.name + extra;
  }
  AppendEnd(directory, entries.size(), directory.size(), begin);
  return directory;
}

void ZipWriter::Begin(const std::string& name, uint64_t size) {
  EndEntry();
  entries_.push_back({name, size, output_.size(), 0});
  output_.Write(ZipHeader(entries_.back()));
}

void ZipWriter::Write(std::string_view bytes) {
  entries_.back().crc = Crc32(bytes, entries_.back().crc);
  output_.Write(bytes);
}

// Only now is the check sum known that the file's header, long written, must hold.
void ZipWriter::EndEntry() {
  if (entries_.empty()) return;
  std::string crc;
  Append(crc, entries_.back().crc);
  output_.WriteAt(entries_.back().offset + kLocalCrcOffset, std::as_bytes(std::span(crc)));
}

void ZipWriter::Finish() {
  EndEntry();
  output_.Write(ZipDirectory(entries_, output_.size()));
}

}  // namespace siglip
