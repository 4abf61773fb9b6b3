#include "commands/spare_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace siglip::cli {
namespace {

constexpr const char* kChanged = "has changed since it was indexed";

/// The file, or why it is not as it was.
struct FileLook {
  std::optional<FileId> id = std::nullopt;
  std::string reason = {};
};

FileLook LookAt(const DuplicateFile& file) {
  if (file.archived) return {.reason = "is in an archive"};
  struct stat status = {};
  if (::stat(file.path.c_str(), &status) != 0) return {.reason = std::strerror(errno)};
  const int64_t mtime_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (!S_ISREG(status.st_mode) || status.st_size != file.bytes || mtime_ns != file.mtime_ns) {
    return {.reason = kChanged};
  }
  return {.id = Identify(status)};
}

class ReadFile {
 public:
  explicit ReadFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;
  ~ReadFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// As many bytes as there are and fit; nothing where it cannot be read.
  std::optional<size_t> Fill(std::span<char> buffer) {
    size_t filled = 0;
    while (filled < buffer.size()) {
      const ssize_t count = ::read(descriptor_, &buffer[filled], buffer.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::nullopt;
      if (count == 0) break;
      filled += static_cast<size_t>(count);
    }
    return filled;
  }

 private:
  const int descriptor_;
};

bool HaveSameBytes(const std::string& a, const std::string& b) {
  ReadFile first(a);
  ReadFile second(b);
  std::vector<char> buffer(size_t{2} << 20);
  const std::span<char> half = std::span(buffer).first(buffer.size() / 2);
  const std::span<char> other = std::span(buffer).last(buffer.size() / 2);
  while (true) {
    const std::optional<size_t> count = first.Fill(half);
    if (!count || second.Fill(other) != count) return false;
    if (!std::equal(half.begin(), half.begin() + static_cast<std::ptrdiff_t>(*count),
                    other.begin())) {
      return false;
    }
    if (*count < half.size()) return true;
  }
}

}  // namespace

SpareFiles::SpareFiles(DuplicateKind kind, Tell tell, Refuse refuse)
    : kind_(kind), tell_(std::move(tell)), refuse_(std::move(refuse)) {}

void SpareFiles::Add(const DuplicateGroup& group) {
  const DuplicateFile& representative = group.files.front();
  const FileLook kept = LookAt(representative);
  if (!kept.id) {
    return refuse_(representative.path, kept.reason + "; nothing of its group is printed");
  }
  if (!used_.insert(*kept.id).second) {
    return refuse_(representative.path, "is in a group before; nothing of this one is printed");
  }
  for (const DuplicateFile& file : std::span(group.files).subspan(1)) {
    const FileLook look = LookAt(file);
    if (!look.id) {
      refuse_(file.path, look.reason);
    } else if (used_.contains(*look.id)) {
      refuse_(file.path, "is another name of a file before it");
    } else if (kind_ == DuplicateKind::kSameBytes &&
               !HaveSameBytes(representative.path, file.path)) {
      refuse_(file.path, "has other bytes than " + representative.path + ", or cannot be read");
    } else {
      used_.insert(*look.id);
      tell_(file.path);
    }
  }
}

}  // namespace siglip::cli
