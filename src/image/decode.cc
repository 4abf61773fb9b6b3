// Entry points of decoding: limits on files and pictures, choice of the codec, orientation.
#include "image/decode.h"

#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "base/mapped_file.h"
#include "image/exif.h"
#include "image/orientation.h"
#include "siglip/error.h"

namespace siglip {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

void CheckFileSize(const std::string& name, uintmax_t size, const DecodeLimits& limits) {
  if (size > static_cast<uintmax_t>(limits.max_file_bytes)) {
    throw Error(ErrorCode::kLimitExceeded,
                name + ": expected at most " + std::to_string(limits.max_file_bytes) +
                    " bytes, found " + std::to_string(size),
                "raise DecodeLimits::max_file_bytes");
  }
}

DecodedImage DecodeStored(const ImageSource& source, ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg: return DecodeJpeg(source);
    case ImageFormat::kPng: return DecodePng(source);
    case ImageFormat::kWebp: return DecodeWebp(source);
    case ImageFormat::kGif: return DecodeGif(source);
    case ImageFormat::kBmp: return DecodeBmp(source);
    case ImageFormat::kTiff: return DecodeTiff(source);
    case ImageFormat::kPnm: return DecodePnm(source);
    case ImageFormat::kAvif: return DecodeAvif(source);
    case ImageFormat::kHeic: return DecodeHeic(source);
  }
  throw Error(ErrorCode::kInternal, source.name + ": unknown image format");
}

Image DecodeUpright(const ImageSource& source, ImageFormat format) {
  DecodedImage decoded = DecodeStored(source, format);
  if (!source.options.apply_exif_orientation) return std::move(decoded.image);
  if (SwapsSides(decoded.orientation)) {
    CheckLimits(source, decoded.image.width, decoded.image.height,
                static_cast<int64_t>(decoded.image.rgb.size()));
  }
  return ApplyOrientation(std::move(decoded.image), decoded.orientation);
}

}  // namespace

int64_t SaturatingMultiply(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kLargest : product;
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kLargest : sum;
}

void CheckLimits(const ImageSource& source, int64_t width, int64_t height,
                 int64_t intermediate_bytes) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width <= 0 || height <= 0) {
    throw Error(ErrorCode::kMalformedFile,
                source.name + ": expected a picture of at least one pixel, found " + size);
  }
  const DecodeLimits& limits = source.options.limits;
  const int64_t pixels = SaturatingMultiply(width, height);
  if (pixels > limits.max_pixels) {
    throw Error(ErrorCode::kLimitExceeded,
                source.name + ": expected at most " + std::to_string(limits.max_pixels) +
                    " pixels, found " + size,
                "raise DecodeLimits::max_pixels if the picture is trusted");
  }
  const int64_t memory = SaturatingAdd(SaturatingMultiply(pixels, 3), intermediate_bytes);
  if (memory > limits.max_memory_bytes) {
    throw Error(ErrorCode::kLimitExceeded,
                source.name + ": expected to decode within " +
                    std::to_string(limits.max_memory_bytes) + " bytes of memory, but " + size +
                    " need " + std::to_string(memory),
                "raise DecodeLimits::max_memory_bytes");
  }
}

Image AllocateImage(const ImageSource& source, int64_t width, int64_t height,
                    int64_t intermediate_bytes) {
  CheckLimits(source, width, height, intermediate_bytes);
  Image image;
  image.width = width;
  image.height = height;
  image.rgb.resize(static_cast<size_t>(width * height * 3));
  return image;
}

void ThrowMalformed(const ImageSource& source, ImageFormat format, std::string_view detail) {
  throw Error(ErrorCode::kMalformedFile,
              source.name + ": malformed " + std::string(ToString(format)) +
                  " picture: " + std::string(detail),
              "the file may be damaged or incomplete");
}

void ThrowUnsupported(const ImageSource& source, ImageFormat format, std::string_view detail,
                      std::string_view hint) {
  throw Error(ErrorCode::kUnsupported,
              source.name + ": unsupported " + std::string(ToString(format)) +
                  " picture: " + std::string(detail),
              std::string(hint));
}

Image DecodeImage(std::span<const std::byte> bytes, const DecodeOptions& options,
                  const std::string& name) {
  CheckFileSize(name, bytes.size(), options.limits);
  if (bytes.empty()) {
    throw Error(ErrorCode::kMalformedFile, name + ": expected a picture, found an empty file");
  }
  const std::optional<ImageFormat> format = DetectImageFormat(bytes);
  if (!format) {
    throw Error(ErrorCode::kUnsupported,
                name + ": expected a picture, found bytes of no known image format",
                "known are JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, AVIF and HEIC");
  }
  try {
    return DecodeUpright({bytes, name, options}, *format);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kLimitExceeded, name + ": not enough memory to decode the picture",
                "lower DecodeLimits::max_pixels or free memory");
  }
}

Image DecodeImageFile(const std::filesystem::path& path, const DecodeOptions& options) {
  const std::string name = path.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw Error(ErrorCode::kNotFound, name + ": expected a picture, found no such file");
  }
  if (std::filesystem::is_directory(status)) {
    throw Error(ErrorCode::kIo, name + ": expected a picture, found a folder",
                "name the files inside it");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::kIo, name + ": expected a regular file, found a pipe or device",
                "copy its contents to a file first");
  }
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (!error) CheckFileSize(name, size, options.limits);
  const MappedFile file = MappedFile::Open(path);
  return DecodeImage(file.bytes(), options, name);
}

}  // namespace siglip
