// Which decoder HEIC pictures are decoded by, and that it is not replaced by another one. Functions
// of libheif are intercepted: the program's own come before those of a shared library.
#include <gtest/gtest.h>
#include <libheif/heif.h>

#include <string>
#include <vector>

#include "expect_error.h"
#include "picture_files.h"
#include "siglip/image.hpp"

namespace siglip {
namespace {

bool without_decoders = false;
std::vector<std::string> chosen_decoders;  // for each picture

}  // namespace
}  // namespace siglip

extern "C" {

decltype(heif_get_decoder_descriptors) __real_heif_get_decoder_descriptors;
decltype(heif_decode_image) __real_heif_decode_image;

int __wrap_heif_get_decoder_descriptors(heif_compression_format format,
                                        const heif_decoder_descriptor** decoders, int count) {
  return siglip::without_decoders ? 0
                                  : __real_heif_get_decoder_descriptors(format, decoders, count);
}

heif_error __wrap_heif_decode_image(const heif_image_handle* handle, heif_image** image,
                                    heif_colorspace colours, heif_chroma chroma,
                                    const heif_decoding_options* options) {
  const bool named = options != nullptr && options->decoder_id != nullptr;
  siglip::chosen_decoders.emplace_back(named ? options->decoder_id : "");
  return __real_heif_decode_image(handle, image, colours, chroma, options);
}

}  // extern "C"

namespace siglip {
namespace {

TEST(HeicDecoder, IsLibde265) {
  chosen_decoders.clear();
  DecodeImageFile(PictureFolder() / "colour.heic");
  EXPECT_EQ(chosen_decoders, std::vector<std::string>{"libde265"});
}

TEST(HeicDecoder, IsNotReplaced) {
  without_decoders = true;
  ExpectError(ErrorCode::kUnsupported, {"colour.heic", "libheif", "libde265", "install"},
              [] { DecodeImageFile(PictureFolder() / "colour.heic"); });
  without_decoders = false;
}

}  // namespace
}  // namespace siglip
