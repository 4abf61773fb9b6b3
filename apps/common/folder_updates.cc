#include "common/folder_updates.h"

#include <set>

#include "siglip/folder_watch.hpp"

namespace siglip::apps {

void UpdateWhenChanged(const std::vector<std::string>& folders, std::chrono::seconds rescan,
                       const std::atomic<bool>& stop,
                       const std::function<void(const std::string& folder)>& update) {
  FolderWatch watch(folders);
  // Also what has changed between an update before and the beginning of the watch.
  for (const std::string& folder : folders) update(folder);
  const bool rescans = rescan.count() > 0;
  const std::chrono::seconds longest = rescans ? rescan : std::chrono::hours(24);
  while (!stop) {
    const std::set<std::string> changed = watch.Wait(longest, stop);
    for (const std::string& folder : changed) update(folder);
    if (!changed.empty() || !rescans || stop) continue;
    for (const std::string& folder : folders) update(folder);
  }
}

}  // namespace siglip::apps
