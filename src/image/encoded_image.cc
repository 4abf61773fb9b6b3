#include "image/encoded_image.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/file_kind.h"
#include "image/codecs.h"
#include "image/orientation.h"
#include "image/picture_file.h"
#include "image/row_window.h"
#include "image/stopwatch.h"
#include "image/unread_format.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

ImageFormat FormatOf(const ImageSource& source) {
  CheckFileSize(source.name, source.size(), source.options.limits);
  const std::optional<ImageFormat> format = DetectImageFormat(source.bytes);
  if (format) {
    CheckBuiltIn(source, *format);
    return *format;
  }
  if (const std::string unread = UnreadFormat(source.bytes); !unread.empty()) {
    throw Error(ErrorCode::kUnsupported, source.name + ": " + unread + " is not supported",
                "convert it to PNG or JPEG first");
  }
  RefuseForeignFile(source.bytes, source.name, "a picture");
  throw Error(ErrorCode::kUnsupported,
              source.name + ": expected a picture, found bytes of no known image format",
              "known are JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, AVIF and HEIC");
}

Image Upright(const ImageSource& source, DecodedImage decoded) {
  if (!source.options.apply_exif_orientation) return std::move(decoded.image);
  if (SwapsSides(decoded.orientation)) {
    CheckLimits(source, decoded.image.width, decoded.image.height,
                static_cast<int64_t>(decoded.image.rgb.size()));
  }
  return ApplyOrientation(std::move(decoded.image), decoded.orientation);
}

/// Running out of memory in `work` is an Error.
template <typename Work>
auto Guarded(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kLimitExceeded, name + ": not enough memory to decode the picture",
                "lower --max-pixels, or free memory");
  }
}

}  // namespace

EncodedImage::EncodedImage(std::span<const std::byte> bytes, const DecodeOptions& options,
                           const std::string& name)
    : source_{bytes, name, options}, format_(FormatOf(source_)) {
  const Stopwatch stopwatch(decode_time_);
  Guarded(name, [&] { Open(); });
}

void EncodedImage::Open() {
  if (format_ == ImageFormat::kJpeg) {
    rows_ = OpenJpeg(source_);
    size_ = rows_->stored_size();
    if (source_.options.apply_exif_orientation) orientation_ = rows_->orientation();
    if (SwapsSides(orientation_)) std::swap(size_.width, size_.height);
  } else {
    decoded_ = Upright(source_, DecodeWhole(source_, format_));
    CheckTime(source_);
    size_ = {.width = decoded_.width, .height = decoded_.height};
  }
}

std::optional<TimeTaken> EncodedImage::time_taken() const {
  return rows_ ? rows_->time_taken() : FindTimeTaken(source_, format_);
}

Image EncodedImage::Decode() {
  if (!rows_) return std::move(decoded_);
  const Stopwatch stopwatch(decode_time_);
  return Guarded(source_.name, [&] {
    if (SwapsSides(orientation_)) {  // which takes a second picture
      CheckLimits(source_, size_.width, size_.height, 3 * size_.width * size_.height);
    }
    return ApplyOrientation(DecodeRows(), orientation_);
  });
}

Image EncodedImage::DecodeRows() {
  constexpr int64_t kBlock = 16;
  Image image;
  image.width = rows_->size().width;
  image.height = rows_->size().height;
  const int64_t row_bytes = 3 * image.width;
  image.rgb.reserve(static_cast<size_t>(image.height * row_bytes));
  for (int64_t y = 0; y < image.height; y += kBlock) {
    const int64_t count = std::min(kBlock, image.height - y);
    // Block by block, so that these zeros are still in the cache when pixels replace them.
    image.rgb.resize(static_cast<size_t>((y + count) * row_bytes));
    uint8_t* rows[kBlock];
    for (int64_t k = 0; k < count; ++k) rows[k] = image.rgb.data() + (y + k) * row_bytes;
    rows_->Read(rows, count);
  }
  return image;
}

Image EncodedImage::Resized(const ResizeKernels& kernels, const ResizeRequest& request) {
  const bool same_size = request.height == size_.height && request.width == size_.width;
  if (same_size && !request.crop) return Decode();
  if (rows_ && (same_size || request.resample != Resample::kNearest)) {
    CheckSides("input", size_.height, size_.width);
    CheckRequest(request);
    return Guarded(source_.name, [&] { return ResizeRows(kernels, request); });
  }
  return ResizeWith(kernels, Decode(), request);
}

Image EncodedImage::ResizeRows(const ResizeKernels& kernels, const ResizeRequest& request) {
  if (source_.options.fast) {
    ImageSize target = {.width = request.width, .height = request.height};
    if (SwapsSides(orientation_)) std::swap(target.width, target.height);
    rows_->ReduceFor(target);
  }
  const ImageSize whole = rows_->stored_size();
  const double scale = rows_->eighths() / 8.0;
  const StoredPicture stored = {.size = rows_->size(),
                                .covered_width = static_cast<double>(whole.width) * scale,
                                .covered_height = static_cast<double>(whole.height) * scale,
                                .orientation = orientation_};
  DecodedRows rows(*rows_);
  Image result = ResizeStored(kernels, rows, stored, request);
  rows.Finish();
  decode_time_ += rows.time();
  return result;
}

}  // namespace siglip
