// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace siglip {

class MappedFile {
 public:
  /// Throws Error(kNotFound) or Error(kIo), also for anything that is no regular file.
  static MappedFile Open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Lets the operating system drop the whole pages inside `range` from this process; reading them
  /// again brings them back from the file.
  void ReleasePages(std::span<const std::byte> range) const;

 private:
  MappedFile() = default;

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace siglip
