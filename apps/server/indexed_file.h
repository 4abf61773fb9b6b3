// The files of an index, opened so that nothing else can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "siglip/index.hpp"

namespace siglip::server {

/// A file descriptor that is closed.
class OpenedFile {
 public:
  OpenedFile(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size) {}
  OpenedFile(OpenedFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  OpenedFile& operator=(OpenedFile&&) = delete;
  ~OpenedFile();

  uint64_t size() const { return size_; }
  /// Up to so many bytes from the offset on; fewer only at the end of the file. Throws Error(kIo).
  std::string Read(uint64_t offset, size_t bytes) const;

 private:
  int descriptor_;
  uint64_t size_;
};

/// Why a file is not served, as a client is told it.
struct NotServed {
  int status = 0;  ///< 403, 404 or 410.
  std::string code;
  std::string message;
};

/// The first of the content's files that is as it was when it was indexed, beneath the folder of
/// the index that it lies in: through no link, and a regular file. Throws NotServed: 410 where they
/// are gone or have changed, 403 for one reached through a link or that may not be read, 404 for
/// what only an archive has.
OpenedFile OpenIndexedFile(const IndexedContent& content);

}  // namespace siglip::server
