// Resizing of pictures that are still being decoded or turned, and with chosen inner loops.
#pragma once

#include <cstdint>

#include "base/cpu_features.h"
#include "image/resize_kernels.h"
#include "image/row_window.h"
#include "siglip/image.h"

namespace siglip {

/// A side longer than this is refused.
inline constexpr int64_t kMaxImageSide = 65536;
/// So is a result, or a picture between the passes, of more pixels: as many as a decoded picture
/// may have by default.
inline constexpr int64_t kMaxResizedPixels = 178'956'970;

/// The inner loops for an instruction set, which the CPU must have.
const ResizeKernels& ResizeKernelsFor(InstructionSet isa);

/// A picture as its rows are stored.
struct StoredPicture {
  ImageSize size;
  /// The part of `size` that is picture: less where the last pixels stand for less than the others.
  double covered_width = 0;
  double covered_height = 0;
  int orientation = 1;  ///< That makes it upright, as in EXIF.
};

struct ResizeRequest {
  int64_t height = 0;  ///< Of the upright result.
  int64_t width = 0;
  Resample resample = Resample::kBicubic;  ///< Not kNearest.
  PreprocessMode mode = PreprocessMode::kTorchvision;
};

/// The bits of turning a picture upright and resizing it then, but in one go: only the result is
/// turned. `request` must be valid and change the size.
Image ResizeStored(const ResizeKernels& kernels, RowWindow& rows, const StoredPicture& stored,
                   const ResizeRequest& request);

/// siglip::Resize with the inner loops given.
Image ResizeWith(const ResizeKernels& kernels, const Image& image, int64_t height, int64_t width,
                 Resample resample, PreprocessMode mode);

/// Throw as Resize does: when the sides or the byte count of a picture are wrong; when `which`
/// sides are out of range; when a result would be too large;
void CheckImage(const Image& image);
void CheckSides(const char* which, int64_t height, int64_t width);
void CheckOutputSize(int64_t height, int64_t width);
/// when the mode's original refuses the filter.
void CheckResampleSupported(Resample resample, PreprocessMode mode);

/// Whether Pillow 13.0 resizes the columns before the rows.
bool VerticalPassFirst(int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                       PreprocessMode mode);

}  // namespace siglip
