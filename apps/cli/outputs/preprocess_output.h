// Preprocessed pictures as the tensors that a model is fed, one row per picture.
#pragma once

#include <cstdint>
#include <string>

#include "siglip/image.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip::cli {

class PreprocessedRows {
 public:
  PreprocessedRows(ImageProcessor processor, const DecodeOptions& decode, int64_t pictures);

  /// Decodes and preprocesses. Throws Error, also for a picture that cannot stand beside those
  /// before.
  void Set(int64_t row, const std::string& path);
  /// pixel_values [pictures, 3, height, width]; of NaFlex [pictures, max_num_patches, values] with
  /// pixel_attention_mask and spatial_shapes. Views, valid as long as this object.
  NamedTensors tensors() const;

 private:
  /// All pictures come to the size of the first.
  void CheckSize(const std::string& path);
  /// Rows behind the patches of a picture stay zero.
  void SetShape(int64_t row);

  const ImageProcessor processor_;
  const DecodeOptions decode_;
  const int64_t pictures_;
  PreparedPicture prepared_;
  Tensor pixel_values_;  // of a fixed size: made at the first picture
  Tensor mask_;
  Tensor shapes_;
};

}  // namespace siglip::cli
