// Reading members of a zip file (APPNOTE.TXT 6.3): stored and deflated, with zip64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace siglip {

struct ZipMember {
  std::string name;
  bool is_deflated = false;
  uint32_t crc32 = 0;
  uint64_t begin = 0;         ///< Where its data begin in the file.
  uint64_t stored_bytes = 0;  ///< As they lie in the file.
  uint64_t bytes = 0;         ///< When unpacked.
};

/// The members in the order of the directory. Checks that their data lie in `file`, the whole
/// archive, and apart from each other, and that none claims to unpack to more than deflate can.
/// `name` is what errors call the file. Throws Error(kMalformedFile), or Error(kUnsupported) for
/// encryption, other compressions and archives in several parts.
std::vector<ZipMember> ParseZipDirectory(std::span<const std::byte> file, const std::string& name);

/// Unpacks one member from front to back.
class ZipStream {
 public:
  /// `file` must outlive this object. `where` is what errors call the member.
  ZipStream(std::span<const std::byte> file, const ZipMember& member, std::string where);
  ZipStream(ZipStream&&) noexcept;
  ZipStream& operator=(ZipStream&&) noexcept;
  ~ZipStream();

  uint64_t position() const { return position_; }
  bool is_at_end() const { return position_ == bytes_; }
  /// The next bytes. Throws Error(kMalformedFile) when there are fewer, when they cannot be
  /// unpacked, or when the last of them is reached and the checksum is wrong.
  void Read(std::span<std::byte> out);
  void Skip(uint64_t count);

 private:
  struct Inflater;

  void Unpack(std::span<std::byte> out);

  std::string where_;
  std::span<const std::byte> rest_;  // stored bytes that are still to be read
  uint64_t bytes_;
  uint32_t expected_crc_;
  uint32_t crc_ = 0;
  uint64_t position_ = 0;
  std::unique_ptr<Inflater> inflater_;  // null for a stored member
};

}  // namespace siglip
