// Which decoder AVIF pictures are decoded by, and that it is not replaced by another one. Functions
// of libavif are intercepted: the program's own come before those of a shared library.
#include <avif/avif.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expect_error.h"
#include "picture_files.h"
#include "siglip/image.hpp"

namespace siglip {
namespace {

bool without_dav1d = false;
std::vector<avifCodecChoice> chosen_codecs;  // by each decoder that read a file

}  // namespace
}  // namespace siglip

extern "C" {

decltype(avifCodecName) __real_avifCodecName;
decltype(avifDecoderParse) __real_avifDecoderParse;

const char* __wrap_avifCodecName(avifCodecChoice choice, avifCodecFlags flags) {
  if (siglip::without_dav1d && choice == AVIF_CODEC_CHOICE_DAV1D) return nullptr;
  return __real_avifCodecName(choice, flags);
}

avifResult __wrap_avifDecoderParse(avifDecoder* decoder) {
  siglip::chosen_codecs.push_back(decoder->codecChoice);
  return __real_avifDecoderParse(decoder);
}

}  // extern "C"

namespace siglip {
namespace {

TEST(AvifDecoder, IsDav1d) {
  chosen_codecs.clear();
  DecodeImageFile(PictureFolder() / "avif-420.avif");
  EXPECT_EQ(chosen_codecs, std::vector<avifCodecChoice>{AVIF_CODEC_CHOICE_DAV1D});
}

TEST(AvifDecoder, IsNotReplaced) {
  without_dav1d = true;
  ExpectError(ErrorCode::kUnsupported, {"avif-420.avif", "libavif", "dav1d", "install"},
              [] { DecodeImageFile(PictureFolder() / "avif-420.avif"); });
  without_dav1d = false;
}

}  // namespace
}  // namespace siglip
