// An index kept up to date with its folders.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace siglip::apps {

/// Calls `update` for each of the folders, then again for each in which something has changed, and
/// for all as often as `rescan` says (0: never), until `stop` becomes true. Throws what `update`
/// and FolderWatch throw.
void UpdateWhenChanged(const std::vector<std::string>& folders, std::chrono::seconds rescan,
                       const std::atomic<bool>& stop,
                       const std::function<void(const std::string& folder)>& update);

}  // namespace siglip::apps
