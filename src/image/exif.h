// The orientation noted in a picture's metadata, and the TIFF directory that EXIF is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace siglip {

/// The orientation tag of an EXIF block, with or without its "Exif\0\0" prefix; nothing when the
/// block has none or is damaged. The value may be out of 1..8.
std::optional<int> ExifOrientation(std::span<const uint8_t> exif);

/// The same from XMP, which is text: tiff:Orientation as an attribute or an element.
std::optional<int> XmpOrientation(std::string_view xmp);

/// The first value of an integer tag in the first directory of a TIFF file (not BigTIFF).
std::optional<int> TiffTagValue(std::span<const uint8_t> tiff, uint16_t tag);

/// EXIF first, XMP where EXIF has none, else 1: the order Pillow looks in.
int FindOrientation(std::span<const uint8_t> exif, std::string_view xmp);

}  // namespace siglip
