// The settings of an image processor in one form, for telling them apart.
#pragma once

#include <string>

#include "siglip/transformers/image_processor.hpp"

namespace siglip {

/// The fields of preprocessor_config.json that decide pixels, without those that others switch off:
/// two processors with equal text, and equal mode, prepare every picture alike. JSON on one line,
/// in ASCII.
std::string PreprocessingText(const ImageProcessorConfig& config);
/// The same but for max_num_patches, which every caller may choose.
std::string PreprocessingText(const Siglip2ImageProcessorConfig& config);

}  // namespace siglip
