#include "server/indexed_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "siglip/error.hpp"

namespace siglip::server {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  int value() const { return value_; }
  int Take() { return std::exchange(value_, -1); }

 private:
  int value_;
};

int OpenBeneath(int folder, const std::string& path) {
  open_how how = {};
  // A pipe in the place of the picture must not keep the thread waiting.
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

NotServed Gone() {
  return {410, "gone", "the file is gone, or has changed since it was indexed: siglip index"};
}

NotServed WhyNot(int error) {
  switch (error) {
    case ELOOP:
    case EXDEV: return {403, "link", "the file is reached through a link, which is not followed"};
    case EACCES:
    case EPERM: return {403, "not_readable", "the service may not read the file"};
    case ENOSYS:
      throw Error(ErrorCode::kUnsupported,
                  "this system lacks openat2, without which no file is served",
                  "Linux 5.6 or later, in a container that allows the call");
    default: return Gone();
  }
}

OpenedFile Open(const ContentFile& file) {
  if (file.archived) {
    throw NotServed{404, "archived", "the original is in an archive, and not on this computer"};
  }
  // The folder itself is the index's word: it is named without links, and opened so.
  const Descriptor folder(open(file.folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.value() < 0) throw WhyNot(errno);
  Descriptor opened(OpenBeneath(folder.value(), file.path));
  if (opened.value() < 0) throw WhyNot(errno);
  struct stat status = {};
  if (fstat(opened.value(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size != file.bytes ||
      status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec != file.mtime_ns) {
    throw Gone();
  }
  return {opened.Take(), static_cast<uint64_t>(status.st_size)};
}

}  // namespace

OpenedFile::~OpenedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string OpenedFile::Read(uint64_t offset, size_t bytes) const {
  std::string text(bytes, '\0');
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count =
        pread(descriptor_, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::kIo, std::string("reading a file: ") + strerror(errno));
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  text.resize(done);
  return text;
}

OpenedFile OpenIndexedFile(const IndexedContent& content) {
  std::optional<NotServed> first;
  for (const ContentFile& file : content.files) {
    try {
      return Open(file);
    } catch (const NotServed& reason) {
      if (!first) first = reason;
    }
  }
  throw first.value_or(Gone());
}

}  // namespace siglip::server
