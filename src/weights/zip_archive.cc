// See zip_archive.h.
#include "weights/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file_kind.h"
#include "siglip/error.hpp"
#include "weights/byte_reader.h"
#include "weights/malformed.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kEnd64LocatorSignature = 0x07064b50;
constexpr uint32_t kMemberSignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64LocatorBytes = 20;
constexpr size_t kMemberBytes = 46;
constexpr size_t kLongestComment = 0xffff;
constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kIsEncrypted = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
constexpr uint32_t kSeeZip64 = 0xffffffff;
constexpr uint16_t kSeeZip64Short = 0xffff;
/// No bit of deflate gives more than 258 bytes, and a match takes at least two bits.
constexpr uint64_t kMostInflation = 258 * 4;

struct Directory {
  uint64_t begin = 0;
  uint64_t bytes = 0;
  uint64_t members = 0;
};

/// The end record is the last thing in the file but for a comment of up to 65535 bytes.
size_t FindEnd(std::span<const std::byte> file, const std::string& name) {
  if (file.size() >= kEndBytes) {
    const size_t last = file.size() - kEndBytes;
    const size_t first = last > kLongestComment ? last - kLongestComment : 0;
    for (size_t at = last + 1; at-- > first;) {
      ByteReader reader(file.subspan(at), name);
      if (reader.Read<uint32_t>() == kEndSignature) return at;
    }
  }
  throw CutShort(name, "no zip archive: it has no end record");
}

/// What the zip64 end record says, if there is one.
std::optional<Directory> ReadEnd64(std::span<const std::byte> file, size_t end,
                                   const std::string& name) {
  if (end < kEnd64LocatorBytes) return std::nullopt;
  ByteReader locator(file.subspan(end - kEnd64LocatorBytes, kEnd64LocatorBytes), name);
  if (locator.Read<uint32_t>() != kEnd64LocatorSignature) return std::nullopt;
  locator.Skip(4);  // the disk of the zip64 end record
  ByteReader record(file, name);
  record.Skip(locator.Read<uint64_t>());
  if (record.Read<uint32_t>() != kEnd64Signature) {
    throw Malformed(name, "the zip64 end record is not where its locator says");
  }
  record.Skip(8 + 2 + 2 + 4 + 4 + 8);  // size, versions, disks, members on this disk
  Directory directory;
  directory.members = record.Read<uint64_t>();
  directory.bytes = record.Read<uint64_t>();
  directory.begin = record.Read<uint64_t>();
  return directory;
}

Directory ReadEnd(std::span<const std::byte> file, const std::string& name) {
  const size_t end = FindEnd(file, name);
  ByteReader reader(file.subspan(end), name);
  reader.Skip(4);
  const auto disk = reader.Read<uint16_t>();
  reader.Skip(2 + 2);  // disk of the directory, members on this disk
  Directory directory;
  directory.members = reader.Read<uint16_t>();
  directory.bytes = reader.Read<uint32_t>();
  directory.begin = reader.Read<uint32_t>();
  if (disk != 0 && disk != kSeeZip64Short) {
    throw Error(ErrorCode::kUnsupported, name + ": a zip archive in several parts");
  }
  if (directory.members == kSeeZip64Short || directory.bytes == kSeeZip64 ||
      directory.begin == kSeeZip64) {
    if (const auto wide = ReadEnd64(file, end, name)) directory = *wide;
  }
  if (directory.begin > end || directory.bytes > end - directory.begin) {
    throw CutShort(name, "the zip directory lies outside the file");
  }
  if (directory.members > directory.bytes / kMemberBytes) {
    throw Malformed(name, std::to_string(directory.members) + " members in a zip directory of " +
                              std::to_string(directory.bytes) + " bytes");
  }
  return directory;
}

/// Replaces what did not fit into 32 bits: the extra field has those values only, in this order.
void ReadZip64Extra(ByteReader extra, ZipMember& member, uint64_t& local_header) {
  while (extra.remaining() >= 4) {
    const auto kind = extra.Read<uint16_t>();
    ByteReader field = extra.Take(extra.Read<uint16_t>());
    if (kind != kZip64Extra) continue;
    for (uint64_t* value : {&member.bytes, &member.stored_bytes, &local_header}) {
      if (*value == kSeeZip64) *value = field.Read<uint64_t>();
    }
    return;
  }
}

/// Where a member's data begin: after its local header, whose sizes may differ from the
/// directory's.
uint64_t FindData(std::span<const std::byte> file, uint64_t local_header,
                  const std::string& member_name, const std::string& name) {
  const std::string where = name + ": member " + Quoted(member_name);
  ByteReader reader(file, where);
  reader.Skip(local_header);
  if (reader.Read<uint32_t>() != kLocalSignature) {
    throw Malformed(where, "its header is not where the directory says");
  }
  reader.Skip(2 + 2 + 2 + 2 + 2 + 4 + 4 + 4);  // as in the directory
  const auto name_bytes = reader.Read<uint16_t>();
  const auto extra_bytes = reader.Read<uint16_t>();
  if (reader.ReadText(name_bytes) != member_name) {
    throw Malformed(where, "has another name in its own header");
  }
  reader.Skip(extra_bytes);
  return reader.position();
}

ZipMember ReadMember(ByteReader& directory, std::span<const std::byte> file,
                     const std::string& name) {
  if (directory.Read<uint32_t>() != kMemberSignature) {
    throw Malformed(name, "the zip directory is damaged");
  }
  directory.Skip(2 + 2);  // versions
  const auto flags = directory.Read<uint16_t>();
  const auto method = directory.Read<uint16_t>();
  directory.Skip(2 + 2);  // time, date
  ZipMember member;
  member.crc32 = directory.Read<uint32_t>();
  member.stored_bytes = directory.Read<uint32_t>();
  member.bytes = directory.Read<uint32_t>();
  const auto name_bytes = directory.Read<uint16_t>();
  const auto extra_bytes = directory.Read<uint16_t>();
  const auto comment_bytes = directory.Read<uint16_t>();
  directory.Skip(2 + 2 + 4);  // disk, attributes
  uint64_t local_header = directory.Read<uint32_t>();
  member.name = directory.ReadText(name_bytes);
  ReadZip64Extra(directory.Take(extra_bytes), member, local_header);
  directory.Skip(comment_bytes);

  const std::string where = name + ": member " + Quoted(member.name);
  if ((flags & kIsEncrypted) != 0) throw Error(ErrorCode::kUnsupported, where + ": is encrypted");
  if (method != kStored && method != kDeflated) {
    throw Error(ErrorCode::kUnsupported, where + ": compression method " + std::to_string(method) +
                                             ", expected 0 (stored) or 8 (deflated)");
  }
  member.is_deflated = method == kDeflated;
  member.begin = FindData(file, local_header, member.name, name);
  if (member.stored_bytes > file.size() - member.begin) {
    throw CutShort(where, "lies outside the file");
  }
  if (member.is_deflated ? member.bytes / kMostInflation > member.stored_bytes
                         : member.bytes != member.stored_bytes) {
    throw Malformed(where, "claims " + std::to_string(member.bytes) + " bytes, stored in " +
                               std::to_string(member.stored_bytes));
  }
  return member;
}

/// Members that share bytes let a small file unpack to a huge one.
void CheckApart(const std::vector<ZipMember>& members, const std::string& name) {
  std::vector<const ZipMember*> sorted;
  for (const ZipMember& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(),
            [](const ZipMember* a, const ZipMember* b) { return a->begin < b->begin; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1]->begin + sorted[i - 1]->stored_bytes > sorted[i]->begin) {
      throw Malformed(name, "members " + Quoted(sorted[i - 1]->name) + " and " +
                                Quoted(sorted[i]->name) + " overlap");
    }
  }
}

}  // namespace

std::vector<ZipMember> ParseZipDirectory(std::span<const std::byte> file, const std::string& name) {
  const Directory directory = ReadEnd(file, name);
  ByteReader reader(file.subspan(directory.begin, directory.bytes), name);
  std::vector<ZipMember> members;
  for (uint64_t i = 0; i < directory.members; ++i) {
    members.push_back(ReadMember(reader, file, name));
  }
  CheckApart(members, name);
  return members;
}

struct ZipStream::Inflater {
  explicit Inflater(const std::string& where) {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
      throw Error(ErrorCode::kLimitExceeded, where + ": no memory to unpack it");
    }
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream stream = {};
};

ZipStream::ZipStream(std::span<const std::byte> file, const ZipMember& member, std::string where)
    : where_(std::move(where)),
      rest_(file.subspan(member.begin, member.stored_bytes)),
      bytes_(member.bytes),
      expected_crc_(member.crc32),
      inflater_(member.is_deflated ? std::make_unique<Inflater>(where_) : nullptr) {}

ZipStream::ZipStream(ZipStream&&) noexcept = default;
ZipStream& ZipStream::operator=(ZipStream&&) noexcept = default;
ZipStream::~ZipStream() = default;

void ZipStream::Unpack(std::span<std::byte> out) {
  if (!inflater_) {
    std::copy_n(rest_.begin(), out.size(), out.begin());
    rest_ = rest_.subspan(out.size());
    return;
  }
  z_stream& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  while (stream.avail_out != 0) {
    const auto chunk =
        static_cast<uInt>(std::min<size_t>(rest_.size(), std::numeric_limits<uInt>::max()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest_.data()));
    stream.avail_in = chunk;
    const int status = inflate(&stream, Z_NO_FLUSH);
    rest_ = rest_.subspan(chunk - stream.avail_in);
    if (stream.avail_out != 0 && status != Z_OK) {
      throw Malformed(where_, "its compressed data are damaged or end too early");
    }
  }
}

void ZipStream::Read(std::span<std::byte> out) {
  constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
  if (out.size() > bytes_ - position_) {
    throw Malformed(where_, "has " + std::to_string(bytes_) + " bytes, expected at least " +
                                std::to_string(position_ + out.size()));
  }
  while (!out.empty()) {
    const std::span<std::byte> piece = out.first(std::min(kPiece, out.size()));
    Unpack(piece);
    crc_ = static_cast<uint32_t>(
        crc32(crc_, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size())));
    position_ += piece.size();
    out = out.subspan(piece.size());
    if (is_at_end() && crc_ != expected_crc_) {
      throw Malformed(where_, "its checksum is wrong (damaged?)");
    }
  }
}

void ZipStream::Skip(uint64_t count) {
  std::array<std::byte, 1 << 16> ignored;
  while (count > 0) {
    const size_t piece = std::min<uint64_t>(count, ignored.size());
    Read(std::span(ignored).first(piece));
    count -= piece;
  }
}

}  // namespace siglip
