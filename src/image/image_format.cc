// Recognising image formats by their first bytes, and pictures in a folder by their endings.
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "siglip/image.hpp"

namespace siglip {
namespace {

constexpr size_t kHeadBytes = 32;
constexpr uint64_t kLongestTypeBox = uint64_t{1} << 16;

constexpr std::array<std::string_view, 20> kEndings = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif",   ".bmp",  ".dib",
    ".tif", ".tiff", ".pbm", ".pgm",  ".ppm", ".pnm",  ".avif", ".avifs", ".heic", ".heif"};

// A box of an ISO media file begins with its length, which the file's end may stand for.
uint64_t MediaBoxLength(std::string_view head) {
  const auto number = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    for (const char byte : head.substr(at, bytes)) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  };
  const uint64_t length = number(0, 4);
  if (length == 1) return number(8, 8);
  return length == 0 ? std::numeric_limits<uint64_t>::max() : length;
}

bool IsMedia(std::string_view head) { return head.size() >= 12 && head.substr(4, 4) == "ftyp"; }

std::optional<ImageFormat> FormatOfBrand(std::string_view brand) {
  if (brand == "avif" || brand == "avis") return ImageFormat::kAvif;
  for (const std::string_view heic : {"heic", "heix", "heim", "heis", "hevc", "hevx"}) {
    if (brand == heic) return ImageFormat::kHeic;
  }
  return std::nullopt;
}

// ISO media files state brands in their first box: the major one, a version, then compatible ones,
// of which AVIF's count wherever they stand: libavif decides by them, hence Pillow.
std::optional<ImageFormat> DetectMediaBrand(std::string_view head) {
  if (!IsMedia(head)) return std::nullopt;
  const std::string_view box = head.substr(0, std::min(MediaBoxLength(head), kLongestTypeBox));
  std::optional<ImageFormat> found = FormatOfBrand(head.substr(8, 4));
  if (found) return found;
  bool structural = false;
  for (size_t at = 8; at + 4 <= box.size(); at += 4) {
    if (at == 12) continue;  // the version
    const std::string_view brand = box.substr(at, 4);
    const std::optional<ImageFormat> format = FormatOfBrand(brand);
    if (format == ImageFormat::kAvif) return format;
    if (format) found = format;
    structural = structural || brand == "mif1" || brand == "msf1";
  }
  // Else only the container is known: libheif reads more kinds of content than libavif does.
  if (structural) found = ImageFormat::kHeic;
  return found;
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
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
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
  std::string head;
  const auto read_up_to = [&](size_t length) {
    const size_t known = head.size();
    head.resize(length);
    file.read(head.data() + known, static_cast<std::streamsize>(length - known));
    head.resize(known + static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  };
  read_up_to(kHeadBytes);
  if (head.size() == kHeadBytes && IsMedia(head)) {
    read_up_to(std::max<size_t>(kHeadBytes, std::min(MediaBoxLength(head), kLongestTypeBox)));
  }
  return DetectImageFormat(std::as_bytes(std::span(head.data(), head.size()))).has_value();
}

}  // namespace siglip
