// Folders of the source tree that tests read.
#pragma once

#include <filesystem>

namespace siglip {

inline const std::filesystem::path kDemo = SIGLIP_SOURCE_DIR "/models/demo";
inline const std::filesystem::path kGolden = SIGLIP_SOURCE_DIR "/tests/golden";
inline const std::filesystem::path kGoldenImages = SIGLIP_SOURCE_DIR "/tests/golden/images";

}  // namespace siglip
