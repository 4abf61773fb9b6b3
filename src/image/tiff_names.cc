// See tiff_names.h. Numbers as registered with Adobe, and those of makers of cameras and scanners.
#include "image/tiff_names.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace siglip {
namespace {

struct Meaning {
  int number;
  std::string_view name;
};

constexpr Meaning kCompressions[] = {
    {2, "CCITT modified Huffman"},
    {3, "CCITT group 3 fax"},
    {4, "CCITT group 4 fax"},
    {5, "LZW"},
    {6, "JPEG, old style"},
    {7, "JPEG"},
    {8, "Deflate"},
    {9, "JBIG, TIFF-FX"},
    {10, "JBIG colour, TIFF-FX"},
    {262, "Kodak 262"},
    {22610, "JPEG XR"},
    {32766, "NeXT"},
    {32767, "Sony ARW"},
    {32769, "packed raw of a camera"},
    {32770, "Samsung SRW"},
    {32771, "CCITT modified Huffman with word alignment"},
    {32773, "PackBits"},
    {32809, "ThunderScan"},
    {32867, "Kodak KDC"},
    {32895, "IT8 CT with padding"},
    {32896, "IT8 line work"},
    {32897, "IT8 monochrome"},
    {32898, "IT8 binary line art"},
    {32908, "Pixar film"},
    {32909, "Pixar log"},
    {32946, "Deflate, old number"},
    {32947, "Kodak DCS"},
    {33003, "JPEG 2000 of Aperio, YCbCr"},
    {33004, "JPEG 2000 of Aperio"},
    {33005, "JPEG 2000 of Aperio, RGB"},
    {33007, "JPEG, alternative number"},
    {34661, "JBIG"},
    {34676, "SGI LogLuv"},
    {34677, "SGI LogLuv of 24 bits"},
    {34692, "LuraDocument wavelets"},
    {34712, "JPEG 2000"},
    {34713, "Nikon NEF"},
    {34715, "JBIG2"},
    {34718, "Microsoft Document Imaging, binary"},
    {34719, "Microsoft Document Imaging, progressive"},
    {34720, "Microsoft Document Imaging, vector"},
    {34887, "LERC"},
    {34892, "lossy JPEG of DNG"},
    {34925, "LZMA"},
    {34926, "Zstandard, old number"},
    {34927, "WebP, old number"},
    {34933, "PNG"},
    {34934, "JPEG XR"},
    {48124, "Jetraw"},
    {50000, "Zstandard"},
    {50001, "WebP"},
    {50002, "JPEG XL"},
    {52546, "JPEG XL of DNG"},
    {65000, "Kodak DCR"},
    {65535, "Pentax PEF"},
};

constexpr Meaning kPhotometrics[] = {
    {4, "transparency mask"},
    {9, "ICC L*a*b*"},
    {10, "ITU L*a*b*"},
    {32803, "colour filter array of a camera"},
    {32844, "CIE log L"},
    {32845, "CIE log L, u, v"},
    {34892, "linear raw of a camera"},
    {51177, "depth map"},
    {52527, "semantic mask"},
};

std::string Named(std::string_view what, int number, std::span<const Meaning> meanings) {
  std::string text = std::string(what) + " " + std::to_string(number);
  const auto found = std::ranges::find(meanings, number, &Meaning::number);
  if (found != meanings.end()) text += " (" + std::string(found->name) + ")";
  return text;
}

}  // namespace

std::string TiffCompressionName(int compression) {
  return Named("compression", compression, kCompressions);
}

std::string TiffPhotometricName(int photometric) {
  return Named("photometric interpretation", photometric, kPhotometrics);
}

}  // namespace siglip
