// From a decoded picture to pixel_values, as preprocessor_config.json asks.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
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

/// What becomes of fractions of pixels.
enum class PixelRounding {
  /// As in transformers: sizes are rounded down, and so are the margins of a crop. One pixel too
  /// many of a border lies at the right and bottom, in modes pillow and pillow13 at the left and
  /// top.
  kDown,
  /// As in timm and open_clip: halves to even, in sizes that follow from max_height (as always in
  /// those that follow from min_height) and in the margins of a crop. One pixel too many of a
  /// border
  /// lies at the right and bottom.
  kHalfEven,
};

/// The fields for SiglipImageProcessor, with its defaults. min_height, min_width, fill_color and
/// rounding are no fields of transformers, which ignores them: they say what timm and open_clip do.
struct ImageProcessorConfig : PixelConfig {
  /// The size that pictures are resized to: of the following the first that is not 0. All but the
  /// last keep the aspect ratio.
  int64_t shortest_edge = 0;  ///< The shorter side. The longer one may be limited:
  int64_t longest_edge = 0;
  int64_t max_height = 0;  ///< As large as fits into this.
  int64_t max_width = 0;
  int64_t min_height = 0;  ///< As small as covers this.
  int64_t min_width = 0;
  int64_t height = 224;
  int64_t width = 224;

  /// Then as much of the middle, with a border where there is less.
  bool do_center_crop = false;
  int64_t crop_height = 0;
  int64_t crop_width = 0;
  std::array<uint8_t, 3> fill_color = {0, 0, 0};
  PixelRounding rounding = PixelRounding::kDown;

  /// At last, values of 0 at the right and bottom; with sizes of 0 none, since a single picture is
  /// as large as the largest of its batch.
  bool do_pad = false;
  int64_t pad_height = 0;
  int64_t pad_width = 0;

  /// From the JSON text of preprocessor_config.json. Throws Error naming the field.
  static ImageProcessorConfig FromJson(std::string_view json, const std::string& name);
  std::string ToJson() const;
};

/// The inner loops of resizing, defined in src/image.
struct ResizeKernels;

/// Immutable; safe to use from several threads. Resizes with the instruction set that its maker
/// names, as Runtime::instruction_set() says it; without one, with that of SIGLIP_ISA, else the
/// best of this CPU. Pixels are the same with all of them.
class SiglipImageProcessor {
 public:
  /// Reads processor_config.json or preprocessor_config.json (in transformers' order), else the
  /// preprocess_cfg of open_clip_config.json, else timm's pretrained_cfg. Without a mode, it is
  /// that of the project: kTorchvision for transformers, kPillow13 for open_clip and timm. Throws
  /// Error(kNotFound) when the folder says nothing about preprocessing, Error(kUnsupported) for
  /// processors that take other steps, such as making several pictures of one, and for
  /// Siglip2ImageProcessor's, and what Runtime::Create throws for an instruction set.
  static SiglipImageProcessor FromPretrained(const std::filesystem::path& folder,
                                             std::optional<PreprocessMode> mode = std::nullopt,
                                             std::string_view instruction_set = {});
  /// For folders of which FromPretrained throws Error(kUnsupported): what makes one whole view of
  /// `side` pixels of every picture instead, with the filter, mean and deviation that they name.
  static ImageProcessorConfig OneWholeView(const std::filesystem::path& folder, int64_t side);
  SiglipImageProcessor(const ImageProcessorConfig& config, PreprocessMode mode,
                       std::string_view instruction_set = {});

  const ImageProcessorConfig& config() const { return config_; }
  PreprocessMode mode() const { return mode_; }
  const ResizeKernels& resize_kernels() const { return *resize_kernels_; }

  /// Height and width of the output for a picture of this size.
  std::array<int64_t, 2> OutputSize(int64_t height, int64_t width) const;
  /// The same for pictures of all sizes; nothing where it depends on them.
  std::optional<std::array<int64_t, 2>> FixedOutputSize() const;

  /// One picture -> [3, height, width] of OutputSize, resized, cropped, rescaled, normalised and
  /// padded. Throws Error(kMismatch) where it is larger than what it is to be padded to.
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
  const ResizeKernels* resize_kernels_;
};

}  // namespace siglip
