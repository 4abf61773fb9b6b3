#include "image/opened_picture.h"

#include <cctype>
#include <filesystem>
#include <span>
#include <string>
#include <variant>

#include "image/decode.h"
#include "image/pixels.h"
#include "image/stopwatch.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

[[noreturn]] void Refuse(const std::string& name, const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::kInvalidArgument, name + ": expected " + expected + ", found " + found);
}

/// The layout with the stride it stands for.
PixelLayout CheckedLayout(const ImageSource& source, PixelLayout layout) {
  const auto& [width, height, channels, stride] = layout;
  if (channels != 1 && channels != 3 && channels != 4) {
    Refuse(source.name, "pixels of 1, 3 or 4 channels", std::to_string(channels));
  }
  if (width < 1 || height < 1) {
    Refuse(source.name, "at least one pixel",
           std::to_string(width) + " x " + std::to_string(height));
  }
  CheckLimits(source, width, height, 0);
  const int64_t row_bytes = SaturatingMultiply(width, channels);
  if (stride == 0) layout.row_stride = row_bytes;
  if (stride < row_bytes) {
    Refuse(source.name, "rows of at least " + std::to_string(row_bytes) + " bytes",
           "a stride of " + std::to_string(stride));
  }
  const int64_t needed = SaturatingAdd(SaturatingMultiply(height - 1, stride), row_bytes);
  if (static_cast<uint64_t>(needed) > source.size()) {
    Refuse(source.name, std::to_string(needed) + " bytes of pixels", std::to_string(source.size()));
  }
  return layout;
}

Image Converted(const ImageSource& source, const PixelLayout& layout) {
  Image image = AllocateImage(source, layout.width, layout.height, 0);
  for (int64_t y = 0; y < layout.height; ++y) {
    const uint8_t* const in = source.data() + y * layout.row_stride;
    uint8_t* const out = image.rgb.data() + y * layout.width * 3;
    if (layout.channels == 1) {
      GreyRowToRgb(in, layout.width, out);
    } else {
      RgbaRowToRgb(in, layout.width, source.options.alpha, out);
    }
  }
  return image;
}

}  // namespace

OpenedPicture::OpenedPicture(const Picture& picture, const DecodeOptions& options)
    : name_(picture.name_) {
  if (const auto* path = std::get_if<std::filesystem::path>(&picture.source_)) {
    const Stopwatch stopwatch(read_time_);
    file_.emplace(*path, name_, options.limits);
  }
  if (file_) {
    encoded_.emplace(file_->bytes(), options, name_);
  } else if (const auto* encoded = std::get_if<Picture::EncodedBytes>(&picture.source_)) {
    encoded_.emplace(encoded->bytes, options, name_);
  } else {
    OpenPixels(picture, options);
  }
}

PictureDetails OpenedPicture::DetailsWithoutGreys() const {
  PictureDetails details;
  if (!encoded_) return details;
  for (const char c : ToString(encoded_->format())) {
    details.format += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  details.taken = encoded_->time_taken();
  return details;
}

void OpenedPicture::OpenPixels(const Picture& picture, const DecodeOptions& options) {
  const auto& raw = std::get<Picture::RawPixels>(picture.source_);
  const ImageSource source{std::as_bytes(raw.pixels), name_, options};
  const PixelLayout layout = CheckedLayout(source, raw.layout);
  if (layout.channels == 3) {
    pixels_ = {layout.width, layout.height, source.data(), layout.row_stride};
  } else {
    converted_ = Converted(source, layout);
    pixels_ = converted_;
  }
  size_ = pixels_.size();
}

}  // namespace siglip
