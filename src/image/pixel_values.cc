// See pixel_values.h. Sources: transformers image_processing_backends.py (TorchvisionBackend,
// PilBackend) and image_transforms.py (rescale, normalize). All arithmetic is in float, step by
// step as in the original, unless noted.
#include "image/pixel_values.h"

#include <cstddef>

namespace siglip {
namespace {

using ChannelTable = PixelValueTables::value_type;

ChannelTable TorchvisionTable(const PixelConfig& config, size_t channel) {
  float mean = static_cast<float>(config.image_mean[channel]);
  float deviation = static_cast<float>(config.image_std[channel]);
  if (config.do_rescale) {  // fused: mean and deviation are scaled instead of the pixels
    const float inverse = static_cast<float>(1.0 / config.rescale_factor);
    mean *= inverse;
    deviation *= inverse;
  }
  ChannelTable table;
  for (size_t value = 0; value < table.size(); ++value) {
    const float pixel = static_cast<float>(value);
    if (config.do_normalize) {
      table[value] = (pixel - mean) / deviation;
    } else if (config.do_rescale) {
      table[value] = pixel * static_cast<float>(config.rescale_factor);
    } else {
      table[value] = pixel;
    }
  }
  return table;
}

ChannelTable PillowTable(const PixelConfig& config, size_t channel) {
  const float mean = static_cast<float>(config.image_mean[channel]);
  const float deviation = static_cast<float>(config.image_std[channel]);
  ChannelTable table;
  for (size_t value = 0; value < table.size(); ++value) {
    float pixel = static_cast<float>(value);
    // Rescaled in double, then rounded.
    if (config.do_rescale) {
      pixel = static_cast<float>(static_cast<double>(value) * config.rescale_factor);
    }
    table[value] = config.do_normalize ? (pixel - mean) / deviation : pixel;
  }
  return table;
}

}  // namespace

PixelValueTables MakePixelValueTables(const PixelConfig& config, PreprocessMode mode) {
  const auto table = mode == PreprocessMode::kTorchvision ? TorchvisionTable : PillowTable;
  PixelValueTables tables;
  for (size_t channel = 0; channel < tables.size(); ++channel) {
    tables[channel] = table(config, channel);
  }
  return tables;
}

}  // namespace siglip
