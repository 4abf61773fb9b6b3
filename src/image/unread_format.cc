// See unread_format.h.
#include "image/unread_format.h"

#include <string_view>

namespace siglip {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::string_view name;
  size_t offset = 0;
};

constexpr Signature kSignatures[] = {
    {"\0\0\0\x0CjP  \r\n\x87\n"sv, "JPEG 2000"},
    {"\xFF\x4F\xFF\x51"sv, "JPEG 2000"},
    {"\0\0\0\x0CJXL \r\n\x87\n"sv, "JPEG XL"},
    {"\xFF\x0A"sv, "JPEG XL"},
    {"II\xBC"sv, "JPEG XR"},
    {"8BPS"sv, "Photoshop"},
    {"\x76\x2F\x31\x01"sv, "OpenEXR"},
    {"#?RADIANCE"sv, "Radiance HDR"},
    {"DDS "sv, "DDS"},
    {"\0\0\1\0"sv, "a Windows icon"},
    {"\0\0\2\0"sv, "a Windows cursor"},
    {"icns"sv, "an Apple icon"},
    {"qoif"sv, "QOI"},
    {"FLIF"sv, "FLIF"},
    {"BPG\xFB"sv, "BPG"},
    {"P7\n"sv, "PAM"},
    {"PF\n"sv, "PFM"},
    {"Pf\n"sv, "PFM"},
    {"\x01\xDA"sv, "SGI"},
    {"\x59\xA6\x6A\x95"sv, "Sun raster"},
    {"FUJIFILMCCD-RAW"sv, "Fujifilm raw"},
    {"SIMPLE  ="sv, "FITS"},
    {"DICM"sv, "DICOM", 128},
    {"<svg"sv, "SVG"},
    {"%PDF"sv, "PDF"},
    {"%!PS"sv, "PostScript"},
    {"\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video"},
    {"ftyp"sv, "an ISO media file that is neither AVIF nor HEIC, such as a video", 4},
};

}  // namespace

std::string UnreadFormat(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  for (const Signature& signature : kSignatures) {
    if (text.size() > signature.offset &&
        text.substr(signature.offset).starts_with(signature.bytes)) {
      return std::string(signature.name);
    }
  }
  return {};
}

}  // namespace siglip
