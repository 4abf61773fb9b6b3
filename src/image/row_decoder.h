// A picture that is decoded row by row.
#pragma once

#include <cstdint>
#include <optional>

#include "siglip/image.hpp"
#include "siglip/picture_details.hpp"

namespace siglip {

class RowDecoder {
 public:
  RowDecoder() = default;
  RowDecoder(const RowDecoder&) = delete;
  RowDecoder& operator=(const RowDecoder&) = delete;
  virtual ~RowDecoder() = default;

  /// The picture's size as stored, and the EXIF orientation (1..8) that makes it upright.
  virtual ImageSize stored_size() const = 0;
  virtual int orientation() const = 0;
  /// By its EXIF.
  virtual std::optional<TimeTaken> time_taken() const = 0;

  /// Asks for less than the stored size, if that saves time and leaves clearly more than `target`,
  /// which is meant as stored, too. Not exact. Before the first Read.
  virtual void ReduceFor(const ImageSize& target) = 0;
  /// What Read delivers: the stored size or, rounded up, a fraction of it.
  virtual ImageSize size() const = 0;
  /// How many eighths of the stored size that is.
  virtual int eighths() const = 0;

  /// Decodes the next `count` rows, 8-bit RGB; there must be as many left. Throws Error as
  /// DecodeImage does.
  virtual void Read(uint8_t* const* rows, int64_t count) = 0;
};

}  // namespace siglip
