// What the tests of reading and preparing pictures share.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "siglip/transformers/image_processor.hpp"

namespace siglip {

inline constexpr PreprocessMode kTorchvision = PreprocessMode::kTorchvision;

/// The bytes that values from -1 to 1 stand for.
inline std::vector<uint8_t> Levels(std::span<const float> values) {
  std::vector<uint8_t> levels;
  for (const float value : values) {
    levels.push_back(static_cast<uint8_t>(std::lround((value + 1.0F) * 127.5F)));
  }
  return levels;
}

inline std::span<const uint8_t> AsUint8(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace siglip
