#include "index/file_systems.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>

#include "siglip/folder_watch.hpp"

namespace siglip {
namespace {

// Their numbers, as statfs(2) lists them.
constexpr std::array<uint32_t, 9> kNetworks = {
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB 2
    0x5346414F,  // AFS
    0x00C36400,  // Ceph
    0x01021997,  // 9P
    0x0BD00BD0,  // Lustre
    0x73757245,  // Coda
};

/// Blanks and backslashes are written as three octal digits.
std::string Unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

bool IsOnAnotherComputer(const std::filesystem::path& path) {
  struct statfs status = {};
  if (::statfs(path.c_str(), &status) != 0) return false;
  return std::ranges::find(kNetworks, static_cast<uint32_t>(status.f_type)) != kNetworks.end();
}

std::vector<std::string> MountsBelow(const std::filesystem::path& folder) {
  const std::string prefix = folder == "/" ? "/" : folder.string() + "/";
  std::vector<std::string> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    // mount, parent, device, the part of its file system, and where that is mounted: proc(5)
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;
    const std::string place = Unescape(field);
    if (place.size() > prefix.size() && place.starts_with(prefix)) {
      mounts.push_back(place.substr(prefix.size()) + "/");
    }
  }
  std::ranges::sort(mounts);
  mounts.erase(std::unique(mounts.begin(), mounts.end()), mounts.end());
  return mounts;
}

}  // namespace siglip
