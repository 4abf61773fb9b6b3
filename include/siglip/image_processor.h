// Preprocessing of either kind of model.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <variant>

#include "siglip/image.h"
#include "siglip/picture.h"
#include "siglip/prepared_picture.h"
#include "siglip/resolution.h"
#include "siglip/siglip2_image_processor.h"
#include "siglip/siglip_image_processor.h"

namespace siglip {

/// A picture that may be yet to be decoded, defined in src/image.
class OpenedPicture;

/// Immutable; safe to use from several threads.
class ImageProcessor {
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
  const ResizeKernels& resize_kernels() const;

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
  /// The same of one that was opened; once.
  void Prepare(OpenedPicture& image, PreparedPicture& picture, int64_t image_size = 0) const;

 private:
  std::variant<SiglipImageProcessor, Siglip2ImageProcessor> processor_;
};

}  // namespace siglip
