// Folders that are watched for changes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "siglip/export.hpp"

namespace siglip {

/// Whether a folder is shared over a network: nobody tells then what other computers change.
SIGLIP_EXPORT bool IsOnAnotherComputer(const std::filesystem::path& path);

/// Files that are written and closed, moved or removed in folders and all below them. Linux only
/// (inotify).
class SIGLIP_EXPORT FolderWatch {
 public:
  /// Begins to watch. Throws Error(kLimitExceeded) where the system has no more watches, saying how
  /// to get more; kIo.
  explicit FolderWatch(const std::vector<std::string>& folders);
  FolderWatch(FolderWatch&&) noexcept;
  ~FolderWatch();

  /// Waits until something has changed and then nothing more has for two seconds. Returns the
  /// folders of the constructor in which; none when `longest` has passed before anything did, or
  /// `*stop` became true. A burst that does not end is cut after a minute. What is missed because
  /// changes come too fast counts as a change of all folders.
  std::set<std::string> Wait(std::chrono::milliseconds longest, const std::atomic<bool>& stop);

 private:
  class SIGLIP_HIDDEN Watches;
  std::unique_ptr<Watches> watches_;
};

}  // namespace siglip
