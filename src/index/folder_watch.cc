#include "siglip/folder_watch.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kQuiet(2);
constexpr std::chrono::minutes kLongestBurst(1);
/// How long a request to stop may wait.
constexpr std::chrono::milliseconds kBetweenLooks(100);

/// A file that is being written is none yet: it counts when it is closed, or moved to its place.
constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;

}  // namespace

class FolderWatch::Watches {
 public:
  explicit Watches(const std::vector<std::string>& folders)
      : folders_(folders), file_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (file_ < 0) {
      throw Error(ErrorCode::kIo, std::string("cannot watch folders: ") + std::strerror(errno));
    }
    try {
      for (size_t i = 0; i < folders.size(); ++i) Add(folders[i], i);
    } catch (...) {
      ::close(file_);
      throw;
    }
  }
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;
  ~Watches() { ::close(file_); }

  std::set<std::string> Wait(std::chrono::milliseconds longest, const std::atomic<bool>& stop) {
    std::set<std::string> changed;
    const Clock::time_point begin = Clock::now();
    Clock::time_point first;
    Clock::time_point last;
    while (!stop) {
      const bool any = Read(changed);
      const Clock::time_point now = Clock::now();
      if (any) last = now;
      if (any && first == Clock::time_point()) first = now;
      if (changed.empty()) {
        if (now - begin >= longest) break;
      } else if (now - last >= kQuiet || now - first >= kLongestBurst) {
        return changed;
      }
      pollfd poll = {.fd = file_, .events = POLLIN, .revents = 0};
      ::poll(&poll, 1, static_cast<int>(kBetweenLooks.count()));
    }
    return {};
  }

 private:
  struct Watched {
    std::string path;
    size_t folder;  // which of the folders it is in
  };

  /// A folder and all below it.
  void Add(const std::string& path, size_t folder) {
    const int watch = ::inotify_add_watch(file_, path.c_str(), kChanges);
    if (watch < 0) {
      if (errno == ENOSPC) {
        throw Error(ErrorCode::kLimitExceeded,
                    path + ": the system has no more watches for folders",
                    "raise fs.inotify.max_user_watches by sysctl, or look at all files now and "
                    "then: --rescan 1h");
      }
      return;  // gone by now, or not to be read: an update says so
    }
    watched_[watch] = {path, folder};
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code ignored;
      const std::string name = entry->path().filename().string();
      if (entry->is_directory(ignored) && !entry->is_symlink(ignored) && !name.starts_with('.')) {
        Add(path + "/" + name, folder);
      }
    }
  }

  /// Adds the folders in which something has changed. False where nothing has.
  bool Read(std::set<std::string>& changed) {
    alignas(inotify_event) std::array<char, 1 << 16> buffer;
    bool any = false;
    ssize_t size = 0;
    while ((size = ::read(file_, buffer.data(), buffer.size())) > 0) {
      for (ssize_t at = 0; at < size;) {
        const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        any |= Take(*event, changed);
      }
    }
    return any;
  }

  bool Take(const inotify_event& event, std::set<std::string>& changed) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      changed.insert(folders_.begin(), folders_.end());
      return true;
    }
    const auto watched = watched_.find(event.wd);
    if (watched == watched_.end()) return false;
    const Watched folder = watched->second;
    if ((event.mask & IN_IGNORED) != 0) {
      watched_.erase(watched);
      return false;
    }
    const bool is_folder = (event.mask & IN_ISDIR) != 0;
    // What is in a new folder already counts, too.
    if (is_folder && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
      Add(folder.path + "/" + event.name, folder.folder);
    } else if ((event.mask & IN_CREATE) != 0) {
      return false;
    }
    changed.insert(folders_[folder.folder]);
    return true;
  }

  const std::vector<std::string> folders_;
  const int file_;
  std::map<int, Watched> watched_;
};

FolderWatch::FolderWatch(const std::vector<std::string>& folders)
    : watches_(std::make_unique<Watches>(folders)) {}
FolderWatch::FolderWatch(FolderWatch&&) noexcept = default;
FolderWatch::~FolderWatch() = default;

std::set<std::string> FolderWatch::Wait(std::chrono::milliseconds longest,
                                        const std::atomic<bool>& stop) {
  return watches_->Wait(longest, stop);
}

}  // namespace siglip
