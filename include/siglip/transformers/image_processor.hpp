// Preprocessing: from pictures to what an image tower is fed, as preprocessor_config.json asks.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"
#include "siglip/picture_details.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/resolution.hpp"
#include "siglip/transformers/vision_inputs.hpp"

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
struct SIGLIP_EXPORT ImageProcessorConfig : PixelConfig {
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

// Of this library's own use: the inner loops of resizing; a picture that may be yet to be decoded.
struct ResizeKernels;
class OpenedPicture;

/// Immutable; safe to use from several threads. Resizes with the instruction set that its maker
/// names, as Runtime::instruction_set() says it; without one, with that of SIGLIP_ISA, else the
/// best of this CPU. Pixels are the same with all of them.
class SIGLIP_EXPORT SiglipImageProcessor {
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
  friend const ResizeKernels& ResizeKernelsOf(const SiglipImageProcessor& processor);

  ImageProcessorConfig config_;
  PreprocessMode mode_;
  const ResizeKernels* resize_kernels_;
};

/// Fields of transformers' preprocessor_config.json for Siglip2ImageProcessor, with its defaults.
struct SIGLIP_EXPORT Siglip2ImageProcessorConfig : PixelConfig {
  int64_t patch_size = 16;        ///< Pixels a side of a patch.
  int64_t max_num_patches = 256;  ///< A picture becomes as large as this many patches allow.

  Siglip2ImageProcessorConfig() { resample = Resample::kBilinear; }

  /// From the JSON text of preprocessor_config.json. Throws Error naming the field.
  static Siglip2ImageProcessorConfig FromJson(std::string_view json, const std::string& name);
  std::string ToJson() const;
};

/// Immutable; safe to use from several threads. Of instruction sets, see SiglipImageProcessor.
class SIGLIP_EXPORT Siglip2ImageProcessor {
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
  friend const ResizeKernels& ResizeKernelsOf(const Siglip2ImageProcessor& processor);

  VisionInputs NewInputs(int64_t pictures) const;
  /// Fills in shape and mask of a picture of so many patches; the answer is where these go.
  std::span<float> AddShape(const std::array<int64_t, 2>& shape, size_t index,
                            VisionInputs& inputs) const;

  Siglip2ImageProcessorConfig config_;
  PreprocessMode mode_;
  const ResizeKernels* resize_kernels_;
};

/// One picture as an image tower is fed.
struct PreparedPicture {
  Tensor pixel_values;  ///< F32 [1, 3, height, width] or, of NaFlex, [1, patches, values].
  int64_t rows = 0;     ///< Of patches.
  int64_t columns = 0;  ///< Of patches.

  int64_t tokens() const { return rows * columns; }
};

/// Immutable; safe to use from several threads.
class SIGLIP_EXPORT ImageProcessor {
 public:
  /// Of a folder, as SiglipImageProcessor or Siglip2ImageProcessor, which throw the same errors.
  /// A `max_num_patches` other than 0 takes the place of the stored one, kNaflex only; else throws
  /// Error(kInvalidArgument).
  static ImageProcessor FromPretrained(const std::filesystem::path& folder, Resolution resolution,
                                       std::optional<PreprocessMode> mode = std::nullopt,
                                       int64_t max_num_patches = 0,
                                       std::string_view instruction_set = {});
  // NOLINTBEGIN(google-explicit-constructor): both are image processors
  ImageProcessor(SiglipImageProcessor processor);
  ImageProcessor(Siglip2ImageProcessor processor);
  // NOLINTEND(google-explicit-constructor)

  Resolution resolution() const;
  PreprocessMode mode() const;
  /// Whether pictures of any size are resized, or used as they are.
  bool resizes() const;

  /// Of kFixed, height and width of the result, if all pictures come to the same; else nothing.
  std::optional<std::array<int64_t, 2>> FixedOutputSize() const;
  /// Of kNaflex, pixels a side of a patch, and the most patches a picture can have; else 0.
  int64_t patch_size() const;
  int64_t max_num_patches() const;

  /// The processor of its kind, or null.
  const SiglipImageProcessor* fixed() const { return std::get_if<0>(&processor_); }
  const Siglip2ImageProcessor* naflex() const { return std::get_if<1>(&processor_); }

  /// Replaces what `picture` holds, in the same memory where that fits. Of kFixed, rows and columns
  /// become 0, since the model knows its patches. Throws Error for a picture that preprocessing
  /// refuses and Error(kMismatch), before its values take memory, for one that comes to another
  /// size than `image_size` by `image_size` pixels, unless that is 0. kNaflex does not look at it.
  void Prepare(const Image& image, PreparedPicture& picture, int64_t image_size = 0) const;
  /// The same of a picture that may be yet to be decoded, with the bits of decoding it first,
  /// unless DecodeOptions::fast, but faster: the rows of a JPEG are resized while they are decoded.
  /// Errors name the picture. Also throws Error: as DecodeImageFile does, and for pixels
  /// kInvalidArgument where layout and memory do not fit, kLimitExceeded.
  void Prepare(const Picture& source, const DecodeOptions& options, PreparedPicture& picture,
               int64_t image_size = 0) const;

 private:
  friend class ImageTower;  // of an embedder
  /// The same of one that was opened; once. `greys` are PictureDetails', unless null.
  void Prepare(OpenedPicture& image, PreparedPicture& picture, int64_t image_size,
               PictureGreys* greys) const;

  std::variant<SiglipImageProcessor, Siglip2ImageProcessor> processor_;
};

}  // namespace siglip
