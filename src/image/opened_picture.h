// A picture that is being used: its size is known, its pixels need not be yet.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "image/encoded_image.h"
#include "image/image_view.h"
#include "image/picture_file.h"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"
#include "siglip/picture_details.hpp"

namespace siglip {

class OpenedPicture {
 public:
  /// Reads the file, if it is one, and opens its bytes as EncodedImage does; or checks pixels,
  /// which are converted to RGB as Pillow's convert("RGB") does, up to DecodeOptions::alpha.
  /// Both arguments must outlive this object. Throws Error naming the picture: as DecodeImageFile
  /// does, and for pixels kInvalidArgument (layout and memory do not fit), kLimitExceeded.
  OpenedPicture(const Picture& picture, const DecodeOptions& options);

  const std::string& name() const { return name_; }
  /// Upright.
  const ImageSize& size() const { return encoded_ ? encoded_->size() : size_; }

  /// All but the greys. What metadata does not say, or cannot be read, is left out.
  PictureDetails DetailsWithoutGreys() const;

  /// The picture that is yet to be decoded, once, or null ...
  EncodedImage* encoded() { return encoded_ ? &*encoded_ : nullptr; }
  /// ... where these are the pixels.
  const ImageView& pixels() const { return pixels_; }

  /// Spent so far, reading the file ...
  std::chrono::nanoseconds read_time() const { return read_time_; }
  /// ... and decoding.
  std::chrono::nanoseconds decode_time() const {
    return encoded_ ? encoded_->decode_time() : std::chrono::nanoseconds(0);
  }

 private:
  void OpenPixels(const Picture& picture, const DecodeOptions& options);

  const std::string& name_;
  std::optional<PictureFile> file_;
  std::optional<EncodedImage> encoded_;
  ImageView pixels_;
  ImageSize size_;   // of these
  Image converted_;  // what they are, unless they were RGB
  std::chrono::nanoseconds read_time_{0};
};

}  // namespace siglip
