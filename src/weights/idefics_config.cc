// See idefics_config.h.
#include "weights/idefics_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::array<std::string_view, 4> kModelTypes = {"idefics3", "idefics3_vision", "smolvlm",
                                                         "smolvlm_vision"};
constexpr int64_t kMostSides = 1 << 16;  // as for image_size

std::string ModelType(const Json& object) {
  const auto type = object.find("model_type");
  return type != object.end() && type->is_string() ? type->get<std::string>() : std::string();
}

/// The image tower's, or else the whole model's.
std::string TowerType(const Json& config) {
  const std::string inner = ModelType(config.at("vision_config"));
  return inner.empty() ? ModelType(config) : inner;
}

/// torch.arange(1 / side, 1, 1 / side), which computes eight floats at a time from their first.
std::vector<float> Boundaries(int64_t side) {
  constexpr int64_t kTogether = 8;
  const double step = 1.0 / static_cast<double>(side);
  const int64_t count = side - 1;
  std::vector<float> boundaries;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t together = i / kTogether * kTogether;
    const bool is_whole_vector = together + kTogether <= count;
    const double first = step + step * static_cast<double>(is_whole_vector ? together : i);
    boundaries.push_back(is_whole_vector
                             ? static_cast<float>(static_cast<double>(static_cast<float>(first)) +
                                                  step * static_cast<double>(i - together))
                             : static_cast<float>(first));
  }
  return boundaries;
}

}  // namespace

bool PositionsAreInOrder(int64_t side) {
  const std::vector<float> boundaries = Boundaries(side);
  const float step = 1.0F / static_cast<float>(side);
  for (int64_t i = 0; i < side; ++i) {
    const float coordinate = std::min(static_cast<float>(i) * step, static_cast<float>(1.0 - 1e-6));
    const auto bucket = std::upper_bound(boundaries.begin(), boundaries.end(), coordinate);
    if (bucket - boundaries.begin() != i) return false;
  }
  return true;
}

bool IsIdeficsConfig(const Json& config) {
  const auto vision = config.find("vision_config");
  return vision != config.end() && vision->is_object() &&
         std::ranges::find(kModelTypes, TowerType(config)) != kModelTypes.end();
}

Json IdeficsVisionConfig(const Json& config, const std::string& name) {
  // Defaults of Idefics3VisionConfig and SmolVLMVisionConfig, where they are not those of SigLIP.
  Json vision = {{"hidden_size", 1152},
                 {"intermediate_size", 3072},
                 {"num_attention_heads", 16},
                 {"patch_size", 32},
                 {"image_size", 224}};
  vision.update(config.at("vision_config"));
  vision["model_type"] = "siglip_vision_model";
  vision["vision_use_head"] = false;
  const Json& image_size = vision["image_size"];
  const Json& patch_size = vision["patch_size"];
  if (image_size.is_number_integer() && patch_size.is_number_integer()) {
    const auto pixels = image_size.get<int64_t>();
    const auto patch = patch_size.get<int64_t>();
    const int64_t side = patch > 0 ? std::clamp<int64_t>(pixels / patch, 0, kMostSides) : 0;
    if (!PositionsAreInOrder(side)) {
      throw Error(ErrorCode::kUnsupported,
                  name + ": model_type '" + TowerType(config) + "' with " + std::to_string(side) +
                      " patches a side: its rounding of positions gives some patches the position "
                      "of their neighbour, which this library does not compute");
    }
  }
  Json translated = config;
  translated["vision_config"] = vision;
  return translated;
}

}  // namespace siglip
