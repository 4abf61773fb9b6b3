// Recognising image formats by their first bytes, and pictures in a folder by their endings.
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <string>
#include <string_view>

#include "siglip/image.h"

namespace siglip {
namespace {

constexpr size_t kHeadBytes = 32;

constexpr std::array<std::string_view, 20> kEndings = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif",   ".bmp",  ".dib",
    ".tif", ".tiff", ".pbm", ".pgm",  ".ppm", ".pnm",  ".avif", ".avifs", ".heic", ".heif"};

// ISO media files state brands in their first box: the major one, then compatible ones.
std::optional<ImageFormat> DetectMediaBrand(std::string_view head) {
  if (head.size() < 12 || head.substr(4, 4) != "ftyp") return std::nullopt;
  bool structural = false;
  for (size_t at = 8; at + 4 <= head.size(); at += 4) {
    if (at == 12) continue;  // the minor version
    const std::string_view brand = head.substr(at, 4);
    if (brand == "avif" || brand == "avis") return ImageFormat::kAvif;
    if (brand == "heic" || brand == "heix" || brand == "heim" || brand == "heis" ||
        brand == "hevc" || brand == "hevx") {
      return ImageFormat::kHeic;
    }
    structural = structural || brand == "mif1" || brand == "msf1";
  }
  // Only the container is known: libheif reads more kinds of content than libavif does.
  return structural ? std::optional(ImageFormat::kHeic) : std::nullopt;
}

bool IsPnm(std::string_view head) {
  return head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
         std::string_view(" \t\n\v\f\r").find(head[2]) != std::string_view::npos;
}

bool IsTiff(std::string_view head) {
  return head.starts_with(std::string_view("II*\0", 4)) ||
         head.starts_with(std::string_view("MM\0*", 4)) ||
         head.starts_with(std::string_view("II+\0", 4)) ||
         head.starts_with(std::string_view("MM\0+", 4));
}

}  // namespace

std::optional<ImageFormat> DetectImageFormat(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()),
                              std::min(head.size(), kHeadBytes));
  if (text.starts_with("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") {
    return ImageFormat::kWebp;
  }
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return ImageFormat::kGif;
  if (IsTiff(text)) return ImageFormat::kTiff;
  if (text.starts_with("BM")) return ImageFormat::kBmp;
  if (IsPnm(text)) return ImageFormat::kPnm;
  return DetectMediaBrand(text);
}

bool LooksLikeImage(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end()) return true;
  std::error_code error;
  // Opening a pipe would wait for its writer.
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, kHeadBytes> head = {};
  file.read(head.data(), head.size());
  const auto length = static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0));
  return DetectImageFormat(std::as_bytes(std::span(head.data(), length))).has_value();
}

}  // namespace siglip
