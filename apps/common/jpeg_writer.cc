#include "common/jpeg_writer.h"

// The order matters: jpeglib.h needs what the two before it declare.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <new>

#include "siglip/error.hpp"

namespace siglip::apps {
namespace {

// libjpeg reports failures through a callback that must not return. It jumps back to Compress.
struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands out a pointer to it
  jmp_buf escape;
};

void Escape(j_common_ptr common) {
  std::longjmp(reinterpret_cast<ErrorManager*>(common->err)->escape, 1);
}

void SayNothing(j_common_ptr) {}

/// False where libjpeg gives up. Has no objects that a jump would leave undestroyed.
bool Compress(const Image& image, int quality, unsigned char** bytes, unsigned long* size) {
  jpeg_compress_struct compressor = {};
  ErrorManager errors = {};
  compressor.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = Escape;
  errors.base.output_message = SayNothing;
  if (setjmp(errors.escape) != 0) {
    jpeg_destroy_compress(&compressor);
    return false;
  }
  jpeg_create_compress(&compressor);
  jpeg_mem_dest(&compressor, bytes, size);
  compressor.image_width = static_cast<JDIMENSION>(image.width);
  compressor.image_height = static_cast<JDIMENSION>(image.height);
  compressor.input_components = 3;
  compressor.in_color_space = JCS_RGB;
  jpeg_set_defaults(&compressor);
  jpeg_set_quality(&compressor, quality, TRUE);
  compressor.optimize_coding = TRUE;
  jpeg_start_compress(&compressor, TRUE);
  while (compressor.next_scanline < compressor.image_height) {
    const size_t begin = size_t{3} * compressor.image_width * compressor.next_scanline;
    JSAMPROW row = const_cast<JSAMPROW>(&image.rgb[begin]);  // which libjpeg does not write to
    jpeg_write_scanlines(&compressor, &row, 1);
  }
  jpeg_finish_compress(&compressor);
  jpeg_destroy_compress(&compressor);
  return true;
}

}  // namespace

std::string EncodeJpeg(const Image& image, int quality) {
  if (image.width < 1 || image.height < 1 || image.width > JPEG_MAX_DIMENSION ||
      image.height > JPEG_MAX_DIMENSION) {
    throw Error(ErrorCode::kLimitExceeded, "JPEG: expected sides of 1 to " +
                                               std::to_string(JPEG_MAX_DIMENSION) +
                                               " pixels, found " + std::to_string(image.width) +
                                               " x " + std::to_string(image.height));
  }
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool is_done = Compress(image, quality, &bytes, &size);
  // With sides in range, memory is all that can fail; `bytes` may then be stale.
  if (!is_done) throw std::bad_alloc();
  const std::unique_ptr<unsigned char, decltype(&std::free)> owned(bytes, std::free);
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace siglip::apps
