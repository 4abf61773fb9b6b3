// Preprocessed pictures as the tensors that a model is fed, one row per picture.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "siglip/image.h"
#include "siglip/safetensors.h"
#include "siglip/siglip2_image_processor.h"
#include "siglip/siglip_image_processor.h"

namespace siglip::cli {

class PreprocessedRows {
 public:
  virtual ~PreprocessedRows() = default;

  /// Decodes and preprocesses. Throws Error, also for a picture that cannot stand beside those
  /// before.
  virtual void Set(int64_t row, const std::string& path) = 0;
  /// Views, valid as long as this object.
  virtual NamedTensors tensors() const = 0;
};

/// pixel_values [pictures, 3, height, width].
std::unique_ptr<PreprocessedRows> NewRows(const SiglipImageProcessor& processor,
                                          const DecodeOptions& decode, int64_t pictures);

/// pixel_values [pictures, max_num_patches, values], pixel_attention_mask, spatial_shapes.
std::unique_ptr<PreprocessedRows> NewRows(const Siglip2ImageProcessor& processor,
                                          const DecodeOptions& decode, int64_t pictures);

}  // namespace siglip::cli
