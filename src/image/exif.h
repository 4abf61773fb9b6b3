// Orientation and time noted in a picture's metadata, and the TIFF directories that EXIF is made
// of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "siglip/picture_details.hpp"

namespace siglip {

/// What comes before an EXIF block in JPEG files, and in others that took it over from there.
inline constexpr std::string_view kExifPrefix("Exif\0\0", 6);

/// The orientation tag of an EXIF block, with or without its "Exif\0\0" prefix, as Pillow's
/// ImageOps.exif_transpose takes it: a number of any type, in the first entry that can be read.
/// Nothing where the block has no such entry; 1 where it is none of 1..8 or the block is no TIFF
/// structure.
std::optional<int> ExifOrientation(std::span<const uint8_t> exif);

/// The same from XMP, which is text: tiff:Orientation as an attribute or an element. The value may
/// be out of 1..8.
std::optional<int> XmpOrientation(std::string_view xmp);

/// When an EXIF block, with or without its prefix, says that the picture was taken:
/// DateTimeOriginal, else DateTimeDigitized, each with its own offset. Nothing where neither is a
/// possible time: cameras without a clock write zeros or blanks. DateTime does not count, which is
/// the time of the last change.
std::optional<TimeTaken> ExifTimeTaken(std::span<const uint8_t> exif);

/// EXIF first, XMP where EXIF has none, else 1: the order Pillow looks in.
int FindOrientation(std::span<const uint8_t> exif, std::string_view xmp);

}  // namespace siglip
