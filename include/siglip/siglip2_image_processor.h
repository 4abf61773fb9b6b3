// Preprocessing of SigLIP 2 NaFlex: pictures keep their aspect ratio and become patches.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "siglip/image.h"
#include "siglip/siglip_image_processor.h"
#include "siglip/vision_inputs.h"

namespace siglip {

/// Fields of transformers' preprocessor_config.json for Siglip2ImageProcessor, with its defaults.
struct Siglip2ImageProcessorConfig : PixelConfig {
  int64_t patch_size = 16;        ///< Pixels a side of a patch.
  int64_t max_num_patches = 256;  ///< A picture becomes as large as this many patches allow.

  Siglip2ImageProcessorConfig() { resample = Resample::kBilinear; }

  /// From the JSON text of preprocessor_config.json. Throws Error naming the field.
  static Siglip2ImageProcessorConfig FromJson(std::string_view json, const std::string& name);
  std::string ToJson() const;
};

/// Immutable; safe to use from several threads. Of instruction sets, see SiglipImageProcessor.
class Siglip2ImageProcessor {
 public:
  /// Whether a folder asks for this processor: by image_processor_type or, where that is missing,
  /// by max_num_patches or the model_type of config.json.
  static bool IsFor(const std::filesystem::path& folder);

  /// Reads processor_config.json or preprocessor_config.json, in transformers' order. Throws
  /// Error(kNotFound) when the folder has neither, Error(kUnsupported) for another processor's.
  /// Without a mode, it is kTorchvision.
  static Siglip2ImageProcessor FromPretrained(const std::filesystem::path& folder,
                                              std::optional<PreprocessMode> mode = std::nullopt,
                                              std::string_view instruction_set = {});
  Siglip2ImageProcessor(const Siglip2ImageProcessorConfig& config, PreprocessMode mode,
                        std::string_view instruction_set = {});

  const Siglip2ImageProcessorConfig& config() const { return config_; }
  PreprocessMode mode() const { return mode_; }
  const ResizeKernels& resize_kernels() const { return *resize_kernels_; }
  /// Values of one patch: patch_size * patch_size * 3.
  int64_t patch_values() const { return config_.patch_size * config_.patch_size * 3; }

  /// Rows and columns of patches of a picture of this size: the largest scale, of at most 100, at
  /// which no more than max_num_patches are needed, with every side rounded up to whole patches.
  /// Throws Error(kMismatch) for a size that is not to be resized and does not fit.
  std::array<int64_t, 2> SpatialShape(int64_t height, int64_t width) const;

  /// One picture -> its patches [rows * columns, patch_size * patch_size * 3], each in the order
  /// row, column, channel. `out` must hold exactly that many values.
  void Preprocess(const Image& image, std::span<float> out) const;
  /// Pictures -> tensors padded with zeros to max_num_patches.
  VisionInputs operator()(std::span<const Image> images) const;
  /// A picture file -> a batch of one: the bits of DecodeImageFile and operator(), unless
  /// DecodeOptions::fast, but faster: the rows of a JPEG are resized while they are decoded. Throws
  /// as both do.
  VisionInputs PreprocessFile(const std::filesystem::path& path,
                              const DecodeOptions& options = {}) const;

 private:
  VisionInputs NewInputs(int64_t pictures) const;
  /// Fills in shape and mask of a picture of so many patches; the answer is where these go.
  std::span<float> AddShape(const std::array<int64_t, 2>& shape, size_t index,
                            VisionInputs& inputs) const;

  Siglip2ImageProcessorConfig config_;
  PreprocessMode mode_;
  const ResizeKernels* resize_kernels_;
};

}  // namespace siglip
