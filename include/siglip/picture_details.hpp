// What a picture is, beside what it shows: format, time, brightness in a few numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "siglip/export.hpp"

namespace siglip {

/// When a picture was taken, as the clock of its camera showed it.
struct SIGLIP_EXPORT TimeTaken {
  /// Since 1970-01-01T00:00:00 on that same clock: what two cameras in different places show at
  /// breakfast is alike.
  int64_t local_seconds = 0;
  /// By how much the clock was ahead of UTC, -23:59..23:59, where the picture tells.
  std::optional<int> offset_minutes;

  /// Since 1970-01-01T00:00:00Z, where the offset is known.
  std::optional<int64_t> utc_seconds() const;
  /// ISO 8601, with the offset where it is known: "2024-05-17T09:30:00+02:00".
  std::string ToString() const;

  bool operator==(const TimeTaken&) const = default;
};

/// Mean grey values of the fields of a grid, 8 rows of 9, row by row from the top left.
using PictureGreys = std::array<uint8_t, 72>;

struct PictureDetails {
  /// "jpeg", "png", "webp", "gif", "bmp", "tiff", "pnm", "avif" or "heic", by the picture's bytes,
  /// never by its name. Empty for pixels.
  std::string format;
  /// By EXIF: the original time or, where that is missing or impossible, the time when it was
  /// digitised. Not the time of the last change.
  std::optional<TimeTaken> taken;
  /// Of the upright picture as it is resized for the model, without borders and what is cropped;
  /// grey is ITU-R 601 in 8 bits, as in Pillow's mode "L". Fields have equal areas, in which pixels
  /// may have parts, and means are rounded to the nearest. The same bits on every CPU: two pictures
  /// of which few neighbours in a row compare differently show the same in other sizes or formats.
  PictureGreys greys = {};
};

}  // namespace siglip
