// A picture on its way from the bytes of a file: its size is known, its pixels need not be yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "image/decode.h"
#include "image/resize.h"
#include "image/row_decoder.h"
#include "siglip/image.hpp"

namespace siglip {

class EncodedImage {
 public:
  /// Throws as DecodeImage does. Reads the header of a JPEG; other formats are decoded right away.
  /// The arguments must outlive this object.
  EncodedImage(std::span<const std::byte> bytes, const DecodeOptions& options,
               const std::string& name);
  EncodedImage(const EncodedImage&) = delete;
  EncodedImage& operator=(const EncodedImage&) = delete;

  /// Of the picture as Decode returns it.
  const ImageSize& size() const { return size_; }
  ImageFormat format() const { return format_; }
  /// By its EXIF, which is looked for each time.
  std::optional<TimeTaken> time_taken() const;

  // One of the following, once. Both throw as DecodeImage does.

  Image Decode();
  /// The bits of Decode, siglip::Resize and cropping, unless DecodeOptions::fast. A JPEG is never
  /// in memory as a whole: its rows are resized while they are decoded. Throws as Resize does, too.
  Image Resized(const ResizeKernels& kernels, const ResizeRequest& request);

  /// What all this has spent decoding.
  std::chrono::nanoseconds decode_time() const { return decode_time_; }

 private:
  void Open();
  Image DecodeRows();
  Image ResizeRows(const ResizeKernels& kernels, const ResizeRequest& request);

  const ImageSource source_;
  const ImageFormat format_;
  std::unique_ptr<RowDecoder> rows_;  // null if decoded right away
  Image decoded_;                     // upright
  int orientation_ = 1;               // that makes the rows upright
  ImageSize size_;
  std::chrono::nanoseconds decode_time_{0};
};

}  // namespace siglip
