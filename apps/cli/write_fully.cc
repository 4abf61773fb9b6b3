#include "write_fully.h"

#include <unistd.h>

#include <cerrno>

namespace siglip::cli {

bool WriteFully(int file, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = offset < 0 ? ::write(file, bytes.data(), bytes.size())
                                     : ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
    if (offset >= 0) offset += count;
  }
  return true;
}

}  // namespace siglip::cli
