// AVIF through libavif, the AV1 in it through dav1d.
#include <avif/avif.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"

namespace siglip {
namespace {

struct DecoderDeleter {
  void operator()(avifDecoder* decoder) const { avifDecoderDestroy(decoder); }
};

void CheckResult(const ImageSource& source, avifResult result) {
  if (result == AVIF_RESULT_OK) return;
  if (result == AVIF_RESULT_OUT_OF_MEMORY) throw std::bad_alloc();
  if (result == AVIF_RESULT_NO_CODEC_AVAILABLE || result == AVIF_RESULT_NOT_IMPLEMENTED ||
      result == AVIF_RESULT_UNSUPPORTED_DEPTH) {
    ThrowUnsupported(source, ImageFormat::kAvif, avifResultToString(result));
  }
  ThrowMalformed(source, ImageFormat::kAvif, avifResultToString(result));
}

std::span<const uint8_t> View(const avifRWData& data) { return {data.data, data.size}; }

// The container's rotation and mirroring, as the EXIF orientation that does the same.
int ContainerOrientation(const avifImage& image) {
  const bool rotated = (image.transformFlags & AVIF_TRANSFORM_IROT) != 0;
  const bool mirrored = (image.transformFlags & AVIF_TRANSFORM_IMIR) != 0;
  const bool left_right = image.imir.mode == 1;
  const int quarter_turns = rotated ? image.irot.angle : 0;  // anti-clockwise
  if (!mirrored) {
    constexpr int kRotated[] = {1, 8, 3, 6};
    return kRotated[quarter_turns & 3];
  }
  constexpr int kThenTopBottom[] = {4, 5, 2, 7};
  constexpr int kThenLeftRight[] = {2, 7, 4, 5};
  return left_right ? kThenLeftRight[quarter_turns & 3] : kThenTopBottom[quarter_turns & 3];
}

std::unique_ptr<avifDecoder, DecoderDeleter> OpenDecoder(const ImageSource& source) {
  // By name: which of several decoders libavif prefers is a matter of how it was built.
  constexpr avifCodecChoice kCodec = AVIF_CODEC_CHOICE_DAV1D;
  if (avifCodecName(kCodec, AVIF_CODEC_FLAG_CAN_DECODE) == nullptr) {
    ThrowUnsupported(source, ImageFormat::kAvif, "the libavif in use was built without dav1d",
                     "convert it to PNG or JPEG first, or install a libavif with dav1d");
  }
  std::unique_ptr<avifDecoder, DecoderDeleter> decoder(avifDecoderCreate());
  if (decoder == nullptr) throw std::bad_alloc();
  decoder->codecChoice = kCodec;
  decoder->maxThreads = 1;  // pictures are decoded side by side already
  // Files of older libheif lack what these would insist on; Pillow reads them too.
  decoder->strictFlags &= ~(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
  // The container's transformation counts, and EXIF would overwrite it here.
  decoder->ignoreExif = AVIF_TRUE;
  CheckResult(source, avifDecoderSetIOMemory(decoder.get(), source.data(), source.size()));
  return decoder;
}

std::unique_ptr<avifDecoder, DecoderDeleter> OpenWithExif(const ImageSource& source) {
  auto decoder = OpenDecoder(source);
  decoder->ignoreExif = AVIF_FALSE;
  return decoder;
}

// As in Pillow, the container decides even against EXIF. Only where neither says anything, XMP
// does.
int Orientation(const ImageSource& source, const avifImage& image) {
  const int orientation = ContainerOrientation(image);
  const std::span<const uint8_t> xmp = View(image.xmp);
  const int by_xmp = FindOrientation({}, {reinterpret_cast<const char*>(xmp.data()), xmp.size()});
  if (orientation != 1 || by_xmp == 1) return orientation;
  const auto decoder = OpenWithExif(source);
  CheckResult(source, avifDecoderParse(decoder.get()));
  return ExifOrientation(View(decoder->image->exif)) ? orientation : by_xmp;
}

// Colours multiplied by alpha are divided by libyuv, whose results differ by one between
// architectures. Where it would be asked, the division is done here instead; other matrices, and
// 4:2:2 of 12 bits, libavif itself converts, in floats.
bool IsDividedByLibyuv(const avifImage& stored) {
  if (stored.alphaPremultiplied == AVIF_FALSE) return false;
  switch (stored.matrixCoefficients) {
    case AVIF_MATRIX_COEFFICIENTS_YCGCO: return false;
    case AVIF_MATRIX_COEFFICIENTS_IDENTITY:
      return stored.depth == 8 && stored.yuvRange == AVIF_RANGE_FULL;
    default: return stored.depth < 12 || stored.yuvFormat != AVIF_PIXEL_FORMAT_YUV422;
  }
}

// As libyuv does it on x86: times a reciprocal of 16 bits, and what does not fit into 15 is zero.
void DivideByAlpha(std::span<uint8_t> rgba) {
  for (size_t i = 0; i < rgba.size(); i += 4) {
    const uint32_t alpha = rgba[i + 3];
    if (alpha == 0xFF) continue;
    const uint32_t reciprocal = alpha == 0 ? 0 : std::min(0x10000 / alpha, 0xFFFFU);
    for (size_t channel = i; channel < i + 3; ++channel) {
      const uint32_t quotient = (rgba[channel] * 0x101U * reciprocal) >> 16;
      rgba[channel] = static_cast<uint8_t>(quotient > 0x7FFF ? 0 : std::min(quotient, 0xFFU));
    }
  }
}

void ConvertToRgb(const ImageSource& source, const avifImage& stored, bool has_alpha,
                  Image& image) {
  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, &stored);
  rgb.depth = 8;
  // Also where alpha is dropped: asked for RGB, libavif would composite on black.
  rgb.format = has_alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  std::vector<uint8_t> rgba(has_alpha ? image.rgb.size() / 3 * 4 : 0);
  rgb.pixels = has_alpha ? rgba.data() : image.rgb.data();
  rgb.rowBytes = static_cast<uint32_t>(image.width * (has_alpha ? 4 : 3));
  const bool is_divided_here = has_alpha && IsDividedByLibyuv(stored);
  if (is_divided_here) rgb.alphaPremultiplied = AVIF_TRUE;
  CheckResult(source, avifImageYUVToRGB(&stored, &rgb));
  if (is_divided_here) DivideByAlpha(rgba);
  if (has_alpha) {
    RgbaRowToRgb(rgba.data(), image.width * image.height, source.options.alpha, image.rgb.data());
  }
}

}  // namespace

DecodedImage DecodeAvif(const ImageSource& source) {
  const auto decoder = OpenDecoder(source);
  CheckResult(source, avifDecoderParse(decoder.get()));
  // Planes of up to 16 bits: three of colour, one of alpha; and RGBA to composite from.
  const auto check = [&](const avifImage& image) {
    const int64_t pixels = SaturatingMultiply(image.width, image.height);
    CheckLimits(source, image.width, image.height, SaturatingMultiply(pixels, 4 * 2 + 4));
  };
  check(*decoder->image);
  decoder->imageSizeLimit = static_cast<uint32_t>(
      std::clamp<int64_t>(source.options.limits.max_pixels, 1, AVIF_DEFAULT_IMAGE_SIZE_LIMIT));
  CheckResult(source, avifDecoderNextImage(decoder.get()));
  const avifImage& stored = *decoder->image;
  check(stored);  // the AV1 stream may disagree with its container
  Image image = AllocateImage(source, stored.width, stored.height, 0);
  ConvertToRgb(source, stored, decoder->alphaPresent != AVIF_FALSE, image);
  return {std::move(image), Orientation(source, stored)};
}

std::optional<TimeTaken> TimeTakenOfAvif(const ImageSource& source) {
  const auto decoder = OpenWithExif(source);
  if (avifDecoderParse(decoder.get()) != AVIF_RESULT_OK) return std::nullopt;
  return ExifTimeTaken(View(decoder->image->exif));
}

}  // namespace siglip
