// From a decoded picture to pixel_values, as preprocessor_config.json asks.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/image.h"
#include "siglip/tensor.h"

namespace siglip {

/// Fields of transformers' preprocessor_config.json that all image processors of SigLIP have.
struct PixelConfig {
  bool do_convert_rgb = true;
  bool do_resize = true;
  Resample resample = Resample::kBicubic;
  bool do_rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool do_normalize = true;
  std::array<double, 3> image_mean = {0.5, 0.5, 0.5};
  std::array<double, 3> image_std = {0.5, 0.5, 0.5};
};

/// The fields for SiglipImageProcessor, with its defaults.
struct ImageProcessorConfig : PixelConfig {
  /// Either height x width, or (shortest_edge > 0) the shorter side with the aspect ratio kept.
  int64_t height = 224;
  int64_t width = 224;
  int64_t shortest_edge = 0;

  /// From the JSON text of preprocessor_config.json. Throws Error naming the field.
  static ImageProcessorConfig FromJson(std::string_view json, const std::string& name);
  std::string ToJson() const;
};

class SiglipImageProcessor {
 public:
  /// Reads processor_config.json or preprocessor_config.json (in transformers' order), else the
  /// preprocess_cfg of open_clip_config.json, else timm's pretrained_cfg. Throws Error(kNotFound)
  /// when the folder says nothing about preprocessing, Error(kUnsupported) for steps that are not
  /// those of SigLIP, such as cropping, and for Siglip2ImageProcessor's.
  static SiglipImageProcessor FromPretrained(const std::filesystem::path& folder,
                                             PreprocessMode mode = PreprocessMode::kTorchvision);
  SiglipImageProcessor(const ImageProcessorConfig& config, PreprocessMode mode);

  const ImageProcessorConfig& config() const { return config_; }
  PreprocessMode mode() const { return mode_; }

  /// Height and width of the output for a picture of this size.
  std::array<int64_t, 2> OutputSize(int64_t height, int64_t width) const;

  /// One picture -> [3, height, width] of OutputSize, resized, rescaled and normalised.
  /// `out` must hold exactly that many values.
  void Preprocess(const Image& image, std::span<float> out) const;
  /// A picture file -> [3, height, width]: the bits of DecodeImageFile and Preprocess, unless
  /// DecodeOptions::fast, but faster: the rows of a JPEG are resized while they are decoded. Throws
  /// as both do.
  Tensor PreprocessFile(const std::filesystem::path& path, const DecodeOptions& options = {}) const;
  /// Pictures -> pixel_values [n, 3, height, width]. Throws Error(kMismatch) when their output
  /// sizes differ.
  Tensor operator()(std::span<const Image> images) const;

 private:
  ImageProcessorConfig config_;
  PreprocessMode mode_;
};

}  // namespace siglip
