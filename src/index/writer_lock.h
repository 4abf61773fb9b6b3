// Whoever changes an index holds its lock; readers need none.
#pragma once

#include <filesystem>

namespace siglip {

class WriterLock {
 public:
  /// Takes DIR/writer.lock, or throws Error(kIo) that says who has it.
  explicit WriterLock(const std::filesystem::path& folder);
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  int file_ = -1;
};

}  // namespace siglip
