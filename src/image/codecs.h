// Which codecs this build has.
#pragma once

#include "image/decode.h"
#include "siglip/image.hpp"

namespace siglip {

/// Throws Error(kUnsupported) for a format that was left out.
void CheckBuiltIn(const ImageSource& source, ImageFormat format);
/// Of any format that is built in but JPEG, which is decoded row by row.
DecodedImage DecodeWhole(const ImageSource& source, ImageFormat format);
/// When a picture that was decoded so was taken, by its EXIF.
std::optional<TimeTaken> FindTimeTaken(const ImageSource& source, ImageFormat format);

}  // namespace siglip
