// The metadata of a PNG file that this library uses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "siglip/picture_details.hpp"

namespace siglip {

/// The EXIF orientation (1 where there is none) that a PNG file states in an eXIf chunk, in
/// ImageMagick's text profile or in XMP, before or after its pixels. Damage is skipped.
int PngOrientation(std::span<const uint8_t> file);
/// When its EXIF says that the picture was taken.
std::optional<TimeTaken> PngTimeTaken(std::span<const uint8_t> file);

}  // namespace siglip
