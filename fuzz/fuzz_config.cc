// Configurations of transformers, timm and open_clip: whatever the JSON, an Error or a valid
// configuration that survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "configuration/vision_tower_plan.h"
#include "siglip/checkpoint.hpp"
#include "siglip/error.hpp"
#include "weights/transformers_config.h"

namespace {

template <class Config>
void CheckImageTower(const Config& config, int64_t tokens) {
  config.Validate();
  const std::string json = config.ToJson();
  if (Config::FromJson(json, "written").ToJson() != json) std::abort();
  for (const siglip::TensorSpec& tensor : siglip::VisionTensors(config)) {
    siglip::ElementCount(tensor.shape);  // throws if it overflows
  }
  if (!(siglip::FlopPerPicture(config, tokens, true) > 0)) std::abort();
}

void Check(const siglip::SiglipVisionConfig& config) {
  CheckImageTower(config, config.num_patches());
}

void Check(const siglip::Siglip2VisionConfig& config) {
  CheckImageTower(config, config.num_patches);
}

void Check(const siglip::SiglipTextConfig& config) {
  config.Validate();
  const std::string json = config.ToJson();
  if (siglip::SiglipTextConfig::FromJson(json, "written").ToJson() != json) std::abort();
  for (const siglip::TensorSpec& tensor : siglip::TextTensors(config)) {
    siglip::ElementCount(tensor.shape);  // throws if it overflows
  }
}

/// What `parse` makes of the JSON is checked; an Error of `parse` is fine, one of Check is a bug.
template <class Config>
void ParseAndCheck(const siglip::Json& json, siglip::Part tower,
                   Config (*parse)(const siglip::Json&, const std::string&)) {
  Config config;
  try {
    config = parse(siglip::TransformersConfig(json, tower, "fuzz"), "fuzz");
  } catch (const siglip::Error&) {
    return;
  }
  Check(config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  siglip::Json json;
  try {
    json = siglip::ParseJson(text, "fuzz");
  } catch (const siglip::Error&) {
    return 0;
  }
  ParseAndCheck(json, siglip::Part::kVision, siglip::ParseVisionConfig);
  ParseAndCheck(json, siglip::Part::kVision, siglip::ParseSiglip2Config);
  ParseAndCheck(json, siglip::Part::kText, siglip::ParseTextConfig);
  return 0;
}
