// The only file that knows what was left out.
#include "image/codecs.h"

#include <string>

#include "image/exif.h"
#include "image/png_metadata.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

using Decoder = DecodedImage (*)(const ImageSource& source);

/// Null for JPEG, and for what was left out.
Decoder DecoderOf(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng: return DecodePng;
    case ImageFormat::kBmp: return DecodeBmp;
    case ImageFormat::kPnm: return DecodePnm;
#ifdef SIGLIP_HAVE_WEBP
    case ImageFormat::kWebp: return DecodeWebp;
#endif
#ifdef SIGLIP_HAVE_GIF
    case ImageFormat::kGif: return DecodeGif;
#endif
#ifdef SIGLIP_HAVE_TIFF
    case ImageFormat::kTiff: return DecodeTiff;
#endif
#ifdef SIGLIP_HAVE_AVIF
    case ImageFormat::kAvif: return DecodeAvif;
#endif
#ifdef SIGLIP_HAVE_HEIF
    case ImageFormat::kHeic: return DecodeHeic;
#endif
    default: return nullptr;
  }
}

}  // namespace

bool CanDecode(ImageFormat format) {
  return format == ImageFormat::kJpeg || DecoderOf(format) != nullptr;
}

void CheckBuiltIn(const ImageSource& source, ImageFormat format) {
  if (CanDecode(format)) return;
  throw Error(ErrorCode::kUnsupported,
              source.name + ": siglip was built without " + std::string(ToString(format)),
              "convert it to PNG or JPEG first, or build siglip with this codec");
}

DecodedImage DecodeWhole(const ImageSource& source, ImageFormat format) {
  if (const Decoder decode = DecoderOf(format)) return decode(source);
  throw Error(ErrorCode::kInternal, source.name + ": unknown image format");
}

std::optional<TimeTaken> FindTimeTaken(const ImageSource& source, ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng: return PngTimeTaken({source.data(), source.size()});
    // Its file is what a block of EXIF is.
    case ImageFormat::kTiff: return ExifTimeTaken({source.data(), source.size()});
#ifdef SIGLIP_HAVE_WEBP
    case ImageFormat::kWebp: return TimeTakenOfWebp(source);
#endif
#ifdef SIGLIP_HAVE_AVIF
    case ImageFormat::kAvif: return TimeTakenOfAvif(source);
#endif
#ifdef SIGLIP_HAVE_HEIF
    case ImageFormat::kHeic: return TimeTakenOfHeic(source);
#endif
    default: return std::nullopt;
  }
}

}  // namespace siglip
