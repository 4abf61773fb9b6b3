// Entry points of decoding; limits on pictures and errors, which the codecs share.
#include "image/decode.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "image/encoded_image.h"
#include "image/picture_file.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

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
                "--max-pixels raises the limit, if the picture is trusted");
  }
  const int64_t memory = SaturatingAdd(SaturatingMultiply(pixels, 3), intermediate_bytes);
  if (memory > limits.max_memory_bytes) {
    throw Error(ErrorCode::kLimitExceeded,
                source.name + ": expected to decode within " +
                    std::to_string(limits.max_memory_bytes) + " bytes of memory, but " + size +
                    " need " + std::to_string(memory),
                "--max-memory raises the limit, if the picture is trusted");
  }
}

std::optional<std::chrono::steady_clock::time_point> DeadlineFromNow(const DecodeLimits& limits) {
  constexpr double kForever = 1e6;  // what a clock can hold is enough
  if (!(limits.max_seconds > 0)) return std::nullopt;
  const std::chrono::duration<double> time(std::min(limits.max_seconds, kForever));
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(time);
}

bool IsLate(const ImageSource& source) {
  return source.deadline && std::chrono::steady_clock::now() >= *source.deadline;
}

void CheckTime(const ImageSource& source) {
  if (!IsLate(source)) return;
  std::ostringstream seconds;
  seconds << source.options.limits.max_seconds;
  throw Error(
      ErrorCode::kLimitExceeded,
      source.name + ": expected to be decoded within " + seconds.str() + " seconds, took longer",
      "max_seconds raises the limit, if the picture is trusted");
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
  return EncodedImage(bytes, options, name).Decode();
}

Image DecodeImageFile(const std::filesystem::path& path, const DecodeOptions& options) {
  const PictureFile file(path, options.limits);
  return DecodeImage(file.bytes(), options, path.string());
}

}  // namespace siglip
