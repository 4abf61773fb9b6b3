// What the codecs share: the source they read, the picture they return, checks and errors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "image/row_decoder.h"
#include "siglip/image.hpp"
#include "siglip/picture_details.hpp"

namespace siglip {

/// What max_seconds stand for.
std::optional<std::chrono::steady_clock::time_point> DeadlineFromNow(const DecodeLimits& limits);

/// The bytes of one picture, what errors call it, and what the caller asked for.
struct ImageSource {
  std::span<const std::byte> bytes;
  const std::string& name;
  const DecodeOptions& options;
  /// By when it must be decoded.
  std::optional<std::chrono::steady_clock::time_point> deadline = DeadlineFromNow(options.limits);

  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(bytes.data()); }
  size_t size() const { return bytes.size(); }
};

/// A picture as it is stored, and the EXIF orientation (1..8) that makes it upright.
struct DecodedImage {
  Image image;
  int orientation = 1;
};

/// Reads the header and checks the limits for the whole picture. `source` is copied.
std::unique_ptr<RowDecoder> OpenJpeg(const ImageSource& source);
DecodedImage DecodePng(const ImageSource& source);
DecodedImage DecodeWebp(const ImageSource& source);
DecodedImage DecodeGif(const ImageSource& source);
DecodedImage DecodeBmp(const ImageSource& source);
DecodedImage DecodeTiff(const ImageSource& source);
DecodedImage DecodePnm(const ImageSource& source);
DecodedImage DecodeAvif(const ImageSource& source);
DecodedImage DecodeHeic(const ImageSource& source);

// When a picture was taken, of one that was decoded before. Metadata that cannot be read is none.

std::optional<TimeTaken> TimeTakenOfWebp(const ImageSource& source);
std::optional<TimeTaken> TimeTakenOfAvif(const ImageSource& source);
std::optional<TimeTaken> TimeTakenOfHeic(const ImageSource& source);

/// How many eighths of its size a JPEG is decoded at to be resized to `target` (both as stored)
/// when that need not be exact: the fewest that leave at least twice the target in both directions.
int JpegEighths(const ImageSize& stored, const ImageSize& target);

/// Checks the limits for a picture of this size that needs `intermediate_bytes` beside its own
/// 8-bit RGB. Call before allocating any of it. Throws Error: kMalformedFile when a side is zero,
/// kLimitExceeded.
void CheckLimits(const ImageSource& source, int64_t width, int64_t height,
                 int64_t intermediate_bytes);
bool IsLate(const ImageSource& source);
/// For every row, or whatever else takes a moment. Throws Error(kLimitExceeded) when it is late.
void CheckTime(const ImageSource& source);
/// CheckLimits, then a black picture.
Image AllocateImage(const ImageSource& source, int64_t width, int64_t height,
                    int64_t intermediate_bytes);
/// The product, or the largest int64_t when it does not fit. Both factors must be >= 0.
int64_t SaturatingMultiply(int64_t a, int64_t b);
/// The sum, or the largest int64_t when it does not fit. Both must be >= 0.
int64_t SaturatingAdd(int64_t a, int64_t b);

/// "NAME: malformed JPEG picture: DETAIL"
[[noreturn]] void ThrowMalformed(const ImageSource& source, ImageFormat format,
                                 std::string_view detail);
[[noreturn]] void ThrowUnsupported(const ImageSource& source, ImageFormat format,
                                   std::string_view detail, std::string_view hint = {});

}  // namespace siglip
