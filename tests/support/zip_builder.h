// Makes zip and .npz files for tests, also ones that lie.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

/// Numbers as they stand in files.
template <typename Number>
std::string LittleEndianBytes(Number number) {
  std::string bytes(sizeof(Number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(Number));
  return bytes;
}

/// A member as it is to be written; the sizes are those of `data` unless they are set.
struct TestMember {
  std::string name = {};
  std::string data = {};
  bool deflate = false;
  bool zip64 = false;  // sizes and position in an extra field of the directory
  uint16_t method = 0xffff;
  uint16_t flags = 0;
  int64_t bytes = -1;
  int64_t stored_bytes = -1;
  int64_t local_header = -1;
  uint32_t crc_error = 0;
  std::string local_name = {};
};

inline std::string Deflate(const std::string& data) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// The whole archive. With `zip64` also the end record refers to one of 64 bits.
inline std::string MakeZip(const std::vector<TestMember>& members, bool zip64 = false,
                           const std::string& comment = {}) {
  const auto u16 = [](uint64_t value) { return LittleEndianBytes(static_cast<uint16_t>(value)); };
  const auto u32 = [](uint64_t value) { return LittleEndianBytes(static_cast<uint32_t>(value)); };
  const auto u64 = [](uint64_t value) { return LittleEndianBytes(value); };
  std::string file;
  std::string directory;
  for (const TestMember& member : members) {
    const std::string stored = member.deflate ? Deflate(member.data) : member.data;
    const uint32_t crc =
        static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(member.data.data()),
                                    static_cast<uInt>(member.data.size()))) ^
        member.crc_error;
    const auto set_or = [](int64_t set, uint64_t otherwise) {
      return set < 0 ? otherwise : static_cast<uint64_t>(set);
    };
    const uint64_t bytes = set_or(member.bytes, member.data.size());
    const uint64_t stored_bytes = set_or(member.stored_bytes, stored.size());
    const uint64_t header = set_or(member.local_header, file.size());
    const uint16_t method = member.method != 0xffff ? member.method : member.deflate ? 8 : 0;
    const std::string common =
        u16(20) + u16(member.flags) + u16(method) + u16(0) + u16(0) + u32(crc);
    const std::string& local_name = member.local_name.empty() ? member.name : member.local_name;
    file += u32(0x04034b50) + common + u32(stored_bytes) + u32(bytes) + u16(local_name.size()) +
            u16(4) + local_name + u16(0x7777) + u16(0) + stored;
    std::string extra;
    if (member.zip64) extra = u16(1) + u16(24) + u64(bytes) + u64(stored_bytes) + u64(header);
    const auto narrow = [&](uint64_t value) { return u32(member.zip64 ? 0xffffffff : value); };
    directory += u32(0x02014b50) + u16(20) + common + narrow(stored_bytes) + narrow(bytes) +
                 u16(member.name.size()) + u16(extra.size()) + u16(0) + u16(0) + u16(0) + u32(0) +
                 narrow(header) + member.name + extra;
  }
  const uint64_t begin = file.size();
  file += directory;
  if (zip64) {
    const uint64_t end = file.size();
    file += u32(0x06064b50) + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(members.size()) +
            u64(members.size()) + u64(directory.size()) + u64(begin);
    file += u32(0x07064b50) + u32(0) + u64(end) + u32(1);
  }
  const auto count = u16(zip64 ? 0xffff : members.size());
  file += u32(0x06054b50) + u16(0) + u16(0) + count + count +
          u32(zip64 ? 0xffffffff : directory.size()) + u32(zip64 ? 0xffffffff : begin) +
          u16(comment.size()) + comment;
  return file;
}

/// A .npy file of version 1 with this dictionary.
inline std::string MakeNpy(const std::string& dictionary, const std::string& data) {
  std::string header = dictionary;
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) +
         LittleEndianBytes(static_cast<uint16_t>(header.size())) + header + data;
}

/// "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
inline std::string NpyDictionary(const std::string& dtype, const std::string& shape,
                                 bool fortran_order = false) {
  return "{'descr': '" + dtype + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

inline std::string FloatBytes(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace siglip
