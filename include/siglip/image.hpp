// Decoding and resizing of pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/export.hpp"

namespace siglip {

/// 8-bit RGB, rows from top to bottom, [height, width, 3].
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> rgb;
};

/// In pixels.
struct ImageSize {
  int64_t width = 0;
  int64_t height = 0;

  bool operator==(const ImageSize&) const = default;
};

enum class ImageFormat { kJpeg, kPng, kWebp, kGif, kBmp, kTiff, kPnm, kAvif, kHeic };
SIGLIP_EXPORT std::string_view ToString(ImageFormat format);
/// Whether this build of the library reads it: all but JPEG, PNG, BMP and PNM can be left out.
SIGLIP_EXPORT bool CanDecode(ImageFormat format);

/// What becomes of transparency.
enum class AlphaPolicy {
  kWhite,  ///< Composite on white, as transformers >= 5.22 does.
  kDrop,   ///< Ignore alpha, as Pillow's convert("RGB") and older transformers do.
};
/// "white" or "drop". Throws Error(kInvalidArgument) listing them.
SIGLIP_EXPORT AlphaPolicy ParseAlphaPolicy(std::string_view name);
SIGLIP_EXPORT std::string_view ToString(AlphaPolicy policy);

/// Sizes are checked before anything of that size is allocated.
struct DecodeLimits {
  int64_t max_pixels = 178'956'970;  ///< Where Pillow refuses (twice its warning).
  int64_t max_file_bytes = int64_t{256} << 20;
  int64_t max_memory_bytes = int64_t{2} << 30;  ///< For the decoded picture and its intermediates.
  /// From opening a picture to its last pixel; 0: any. Looked at row by row or scan by scan, of
  /// TIFF block by block; of WebP, AVIF and HEIC, which are decoded in one go, when that is over.
  double max_seconds = 0;
};

struct DecodeOptions {
  AlphaPolicy alpha = AlphaPolicy::kWhite;
  bool apply_exif_orientation = true;
  /// Fast, but not exact: a JPEG far larger than what it is resized to is decoded at half, a
  /// quarter or an eighth of its size. Only where decoding and resizing are one step, as in
  /// SiglipImageProcessor::PreprocessFile and Embedder: pictures decoded on their own are exact.
  bool fast = false;
  DecodeLimits limits;
};

/// Recognises a format by the first bytes, never by name. 32 are enough for all but AVIF and HEIC
/// files that list many brands: these need their first box, of which 64 KiB are looked at.
SIGLIP_EXPORT std::optional<ImageFormat> DetectImageFormat(std::span<const std::byte> head);
/// Whether a file of a folder is meant as a picture: by its ending (.jpg, .png, ...) or signature.
/// A file that cannot be opened counts by its ending alone.
SIGLIP_EXPORT bool LooksLikeImage(const std::filesystem::path& path);

/// Decodes to RGB as Pillow's `Image.open(...).convert("RGB")` (13.0) does, up to `alpha`.
/// `name` is what errors call the picture. Throws Error: kMalformedFile, kUnsupported,
/// kLimitExceeded.
SIGLIP_EXPORT Image DecodeImage(std::span<const std::byte> bytes, const DecodeOptions& options,
                                const std::string& name);
/// Also throws kNotFound and kIo.
SIGLIP_EXPORT Image DecodeImageFile(const std::filesystem::path& path,
                                    const DecodeOptions& options = {});

/// The numbers are Pillow's and those of preprocessor_config.json's "resample".
enum class Resample {
  kNearest = 0,
  kLanczos = 1,
  kBilinear = 2,
  kBicubic = 3,
  kBox = 4,
  kHamming = 5
};
/// "nearest", "lanczos", ... Throws Error(kInvalidArgument) listing them.
SIGLIP_EXPORT Resample ParseResample(std::string_view name);
SIGLIP_EXPORT std::string_view ToString(Resample resample);

/// Whose pixels a resize reproduces to the bit.
enum class PreprocessMode {
  kTorchvision,  ///< torchvision's uint8 resize, what transformers >= 5 runs by default.
  kPillow,       ///< Pillow up to 12.1: always the horizontal pass first.
  kPillow13,     ///< Pillow 13: the vertical pass first where that is cheaper.
};
/// "torchvision", "pillow", "pillow13". Throws Error(kInvalidArgument) listing them.
SIGLIP_EXPORT PreprocessMode ParsePreprocessMode(std::string_view name);
SIGLIP_EXPORT std::string_view ToString(PreprocessMode mode);

/// Resizes to height x width (both >= 1). Throws Error(kInvalidArgument) for sizes out of range and
/// Error(kUnsupported) for a filter that the mode's original does not have and
/// Error(kLimitExceeded) for results beyond DecodeLimits' default of pixels.
SIGLIP_EXPORT Image Resize(const Image& image, int64_t height, int64_t width, Resample resample,
                           PreprocessMode mode);

}  // namespace siglip
