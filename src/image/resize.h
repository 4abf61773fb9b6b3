// Resizing of pictures that are still being decoded or turned, and with chosen inner loops.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/cpu_features.h"
#include "image/image_view.h"
#include "image/resize_kernels.h"
#include "image/row_window.h"
#include "siglip/image.hpp"

namespace siglip {

/// A side longer than this is refused.
inline constexpr int64_t kMaxImageSide = 65536;
/// So is a side of which only a part is cut out, if longer than this: what is not cut out costs
/// hardly anything.
inline constexpr int64_t kMaxCroppedSide = int64_t{1} << 24;
/// So is a result, or a picture between the passes, of more pixels: as many as a decoded picture
/// may have by default.
inline constexpr int64_t kMaxResizedPixels = 178'956'970;

/// The inner loops for an instruction set, which the CPU must have.
const ResizeKernels& ResizeKernelsFor(InstructionSet isa);
/// Those of the instruction set of this name; without one, of the one that SIGLIP_ISA names, else
/// of the fastest. Throws Error for a name that is unknown or that the CPU lacks.
const ResizeKernels& ChooseResizeKernels(std::string_view instruction_set = {});

/// A picture as its rows are stored.
struct StoredPicture {
  ImageSize size;
  /// The part of `size` that is picture: less where the last pixels stand for less than the others.
  double covered_width = 0;
  double covered_height = 0;
  int orientation = 1;  ///< That makes it upright, as in EXIF.
};

/// A part of a picture.
struct CropWindow {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

struct ResizeRequest {
  int64_t height = 0;  ///< Of the upright picture, resized as a whole.
  int64_t width = 0;
  Resample resample = Resample::kBicubic;
  PreprocessMode mode = PreprocessMode::kTorchvision;
  /// The part of it that is wanted. The rest is not even computed.
  std::optional<CropWindow> crop = std::nullopt;

  CropWindow window() const {
    return crop.value_or(CropWindow{.top = 0, .left = 0, .height = height, .width = width});
  }
};

/// The bits of turning a picture upright, resizing and cropping it then, but in one go: only the
/// result is turned. `request` must be valid and change the size or crop; its filter is not
/// kNearest unless the size stays.
Image ResizeStored(const ResizeKernels& kernels, RowWindow& rows, const StoredPicture& stored,
                   const ResizeRequest& request);

/// siglip::Resize with a window and the inner loops given.
Image ResizeWith(const ResizeKernels& kernels, const ImageView& image,
                 const ResizeRequest& request);

/// Throw as Resize does: when the sides or the byte count of a picture are wrong; when `which`
/// sides are out of range; when a result would be too large;
void CheckImage(const Image& image);
void CheckSides(const char* which, int64_t height, int64_t width);
void CheckOutputSize(int64_t height, int64_t width);
/// when sizes, window or filter of a request are refused;
void CheckRequest(const ResizeRequest& request);
/// when the mode's original refuses the filter.
void CheckResampleSupported(Resample resample, PreprocessMode mode);

/// Whether Pillow 13.0 resizes the columns before the rows.
bool VerticalPassFirst(int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                       PreprocessMode mode);

}  // namespace siglip
